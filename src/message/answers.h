// Questions to others and what they answered. Engines beside us, and later DNS, reputation and the analyzer
// through the door. Stored as data, so a decision can be made again with no new question to anyone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gatehouse::message {

enum class QuestionKind : std::uint8_t {
    engine_message = 1,  ///< a malware engine on the whole message
    engine_part = 2,     ///< a malware engine on one part
};

struct Question {
    QuestionKind kind = QuestionKind::engine_message;
    std::string asked;  ///< "clamd"
    std::string where;  ///< the part's path; empty = the message
    bool operator==(const Question&) const = default;
};

enum class AnswerState : std::uint8_t {
    clean = 1,        ///< looked, found nothing
    found = 2,        ///< `name` says what
    not_scanned = 3,  ///< a limit of the engine, encryption: a gap, with `gap_reason`
    unavailable = 4,  ///< engine dead, loading or silent: gap engine_unavailable
};

struct Answer {
    Question question;
    AnswerState state = AnswerState::unavailable;
    std::string name;        ///< of what was found, or the engine's word for why it did not look
    std::string gap_reason;  ///< a GapReason's word when not_scanned
    std::string database;    ///< the engine's database generation
    std::uint64_t micros = 0;
    bool from_cache = false;
    bool operator==(const Answer&) const = default;
};

using Answers = std::vector<Answer>;

}  // namespace gatehouse::message
