// What policy decided, per group of recipients, with the chain of reasons. Made by decide, carried out by
// act, stored in the record. A RewritePlan says what an inspector does to the bytes; the front itself never
// edits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::message {

/// Worst first, as interfaces.md orders them.
enum class Verdict : std::uint8_t {
    virus = 1,
    phishing,
    malformed,
    unscannable,
    suspicious,
    policy,
    spam,
    graymail,
    clean,
};
std::string_view to_string(Verdict verdict);
std::optional<Verdict> parse_verdict(std::string_view text);

enum class ActionKind : std::uint8_t {
    deliver = 1,     ///< terminal; what happens when no rule ended the evaluation
    reject = 2,      ///< terminal: 550 in the session
    defer = 3,       ///< terminal: 451
    remove = 4,      ///< terminal: delete the entire message
    quarantine = 5,  ///< terminal: to `area`
    tag_subject = 6,
    x_header = 7,
    postpone = 8,  ///< deliver at the time of day in `text`, "22:00"
    hand_off = 9,  ///< terminal: to the host in `text`, "192.0.2.1:25", in place of the next hop
};
std::string_view to_string(ActionKind kind);

struct Action {
    ActionKind kind = ActionKind::deliver;
    std::string area;  ///< quarantine
    std::string name;  ///< x_header: the field name
    /// tag_subject, x_header: what to write. reject, defer: the whole reply, code and enhanced code included
    /// ("550 5.7.1 Refused by policy", "554 5.4.6 Mail loop"); the front adds " ref ..." and nothing else.
    std::string text;
    bool operator==(const Action&) const = default;
};

/// One change of the header block. Executed in order by inspect/rewrite; bytes it does not name stay as they
/// are.
struct HeaderEdit {
    enum class Kind : std::uint8_t {
        remove_named = 1,       ///< every field called `name`
        remove_prefix = 2,      ///< every field whose name starts with `name`
        remove_results_of = 3,  ///< Authentication-Results whose authserv-id is `text` (RFC 8601 section 5)
        prefix_subject = 4,     ///< `text` in front of the Subject; one is made where there is none
        append = 5,             ///< `name`: `text` at the end of the header block
    };
    Kind kind = Kind::append;
    std::string name;
    std::string text;
    bool operator==(const HeaderEdit&) const = default;
};

struct RewritePlan {
    std::vector<HeaderEdit> edits;
    bool is_empty() const { return edits.empty(); }
    bool operator==(const RewritePlan&) const = default;
};

struct GroupDecision {
    std::vector<std::string> recipients;
    std::string rule;                  ///< the rule that ended the evaluation; empty = the end of the list
    std::vector<std::string> matched;  ///< every rule that matched, in order
    std::vector<Action> actions;       ///< exactly one terminal action, last
    std::vector<std::string> because;  ///< evidence ids and gap words that made it match
    std::vector<std::string> flips;    ///< the smallest changes that would have led elsewhere, in words
    RewritePlan plan;
    const Action& outcome() const { return actions.back(); }
    bool operator==(const GroupDecision&) const = default;
};

/// The first of that kind; null = none.
const Action* find_action(const GroupDecision& group, ActionKind kind);

/// The same bytes go the same way; the reasons may differ. All groups alike = cut-through is possible.
bool is_same_outcome(const GroupDecision& a, const GroupDecision& b);

struct Decision {
    static constexpr std::uint32_t kDecideVersion = 1;
    std::uint32_t decide_version = kDecideVersion;
    Verdict verdict = Verdict::clean;
    double spam_score = 0;
    double spam_threshold = 5.0;
    std::vector<GroupDecision> groups;  ///< at least one; every recipient stands in exactly one
    bool operator==(const Decision&) const = default;
};

}  // namespace gatehouse::message
