// What clamd says, taken apart and judged. Pure and bounded: the engine opens hostile files, so its answers
// are read as hostile, too (over-long lines, garbage, numbers that were never asked).
//
// Grammar, as seen on clamd 1.4 (clamd(8)): replies end in NUL; in a session "NUMBER: " stands in front; then
// "fd[N]: OK", "fd[N]: NAME FOUND", "[fd[N]: ]WORDS ERROR", or a bare word such as PONG.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "message/answers.h"

namespace gatehouse::consult::engines {

/// The longest reply; real ones stay under 300 bytes.
inline constexpr std::size_t kMaxReply = 4096;

/// Splits what arrives at NUL. One that is longer than kMaxReply is Fault::malformed and final.
class ReplyBuffer {
  public:
    void append(std::string_view bytes);
    /// The next whole reply without its NUL; nullopt when more bytes are needed.
    base::Result<std::optional<std::string>> next();
    /// Bytes behind the last reply that was taken.
    std::size_t pending() const { return buffer_.size() - start_; }

  private:
    std::string buffer_;
    std::size_t start_ = 0;
    bool overrun_ = false;
};

struct Reply {
    enum class Kind : std::uint8_t { ok, found, error, other };
    Kind kind = Kind::other;
    std::uint64_t number = 0;  ///< of the session's command; 0 = none was given
    std::string text;          ///< found: the raw name; error: its words; other: everything
};

/// Never fails: what fits no form is Kind::other. The text is printable and short.
Reply parse_reply(std::string_view line);

/// What a reply to FILDES means for a message.
struct Judgement {
    message::AnswerState state = message::AnswerState::unavailable;
    std::string name;         ///< as message::Answer::name; without clamd's ".UNOFFICIAL"
    std::string gap_reason;   ///< not_scanned only
    bool repeatable = false;  ///< the same bytes and database give the same judgement: it may be cached
};
Judgement judge(const Reply& reply);

/// Our own signature file carries one signature whose name says which generation of the databases is loaded;
/// scanning generation_probe() gives it back. Nullopt for every other name.
std::optional<std::uint64_t> generation_of(std::string_view name);
std::string generation_name(std::uint64_t generation);
std::string_view generation_probe();

/// A generation as people and stored answers see it: 16 hex digits; empty for 0 (not known).
std::string to_string_generation(std::uint64_t generation);

}  // namespace gatehouse::consult::engines
