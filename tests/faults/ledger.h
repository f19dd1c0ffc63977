// What was said and what arrived, counted by message id: every try of a client with the reply it heard, every
// copy at a next hop, every death of the process that takes mail. `judge` is pure and says what was lost and
// what was doubled. The harness writes from many threads; Ledger is thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace gatehouse::faults {

using Steady = std::chrono::steady_clock;
using Time = Steady::time_point;

enum class Answer { accepted, later, refused, lost };  ///< 250, 4xx, 5xx, connection ended without a reply
enum class Place { inner, outer, quarantine };         ///< where a recipient's copy belongs

/// One message, told apart from other tries of the same one: the id is what a sender resends, the number is
/// the how-maniest time.
struct Name {
    std::string id;
    int number = 1;
    auto operator<=>(const Name&) const = default;
};
/// As it stands in Message-ID, and back; nullopt when there is none of ours in it.
std::string message_id(const Name& name);
std::optional<Name> find_name(std::string_view text);

struct Try {
    Name name;
    std::vector<Place> places = {};  ///< of the recipients that were accepted
    Time begun = {};
    Time ended = {};
    Answer answer = Answer::lost;
    std::string reply = {};
};

/// At a next hop, which answered its dot with 250.
struct Copy {
    Time at = {};
    int number = 1;
};

/// Somewhere between the two moments.
struct Death {
    Time from = {};
    Time to = {};
};

struct Seen {
    std::vector<Try> tries = {};
    std::map<std::pair<std::string, Place>, std::vector<Copy>> copies = {};  ///< by id and hop
    std::vector<Death> deaths = {};
    std::vector<std::pair<Name, Place>> kept =
        {};  ///< in the queue, in quarantine, or returned to the sender
};

struct Judgement {
    std::array<std::size_t, 4> answers = {};  ///< by Answer
    std::size_t acknowledged = 0;             ///< ids with a 250
    std::size_t lost = 0;                     ///< of them: nowhere
    std::size_t doubled = 0;                  ///< ids more than once at a hop
    std::size_t in_window = 0;  ///< of them: the process died between the hop's 250 and our note of it
    std::size_t sent_again =
        0;  ///< of them: the client had no reply when the process died, and sent it again
    std::size_t unexplained = 0;
    std::chrono::milliseconds slowest{0};    ///< of all replies
    std::vector<std::string> findings = {};  ///< a sentence for everything lost or unexplained
};

Judgement judge(const Seen& seen);

class Ledger {
  public:
    void add(Try one);
    void arrived(Place hop, const Name& name);
    void kept(Place place, const Name& name);
    void died(Death death);
    /// How long after `end` the first message that was begun behind it had its 250.
    std::optional<std::chrono::milliseconds> recovered(Time end) const;
    std::size_t accepted() const;
    Seen seen() const;

  private:
    mutable std::mutex mutex_;
    Seen seen_;
};

}  // namespace gatehouse::faults
