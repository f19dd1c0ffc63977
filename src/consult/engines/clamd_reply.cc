#include "consult/engines/clamd_reply.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"
#include "message/evidence.h"

namespace gatehouse::consult::engines {

using base::Fault;
using base::Result;
using message::AnswerState;
using message::GapReason;

namespace {

constexpr std::string_view kUnofficial = ".UNOFFICIAL";
constexpr std::string_view kGeneration = "Gatehouse.Generation.";
constexpr std::string_view kProbe = "gatehouse: which generation of the databases is loaded?";
constexpr std::size_t kGenerationDigits = 16;
constexpr std::size_t kMaxName = 160;

bool take_suffix(std::string_view& text, std::string_view suffix) {
    if (!text.ends_with(suffix)) return false;
    text.remove_suffix(suffix.size());
    return true;
}

/// "12: rest" -> 12; leaves the text alone when it does not begin so.
std::uint64_t take_number(std::string_view& text) {
    const auto colon = text.find(": ");
    if (colon == std::string_view::npos) return 0;
    const auto number = base::parse_unsigned(text.substr(0, colon));
    if (!number) return 0;
    text.remove_prefix(colon + 2);
    return *number;
}

/// "fd[9]: rest"
void take_descriptor(std::string_view& text) {
    if (!text.starts_with("fd[")) return;
    const auto close = text.find("]: ");
    if (close == std::string_view::npos || !base::parse_unsigned(text.substr(3, close - 3))) return;
    text.remove_prefix(close + 3);
}

struct Meaning {
    std::string_view begins;
    GapReason gap;
    bool repeatable;
};

// Names that say "I did not look", libclamav 1.4.
constexpr std::array kNotViruses = {
    Meaning{"Heuristics.Encrypted.", GapReason::encrypted, true},
    Meaning{"Heuristics.Limits.Exceeded.MaxRecursion", GapReason::too_deep, true},
    Meaning{"Heuristics.Limits.Exceeded.MaxScanTime", GapReason::timed_out, false},
    Meaning{"Heuristics.Limits.Exceeded.MaxFiles", GapReason::too_many, true},
    Meaning{"Heuristics.Limits.Exceeded.EmailHeaderBytes", GapReason::too_large, true},
    Meaning{"Heuristics.Limits.Exceeded.Email", GapReason::too_many, true},
    Meaning{"Heuristics.Limits.Exceeded", GapReason::too_large, true},
};

// The words of cl_strerror(3) that are about the content, not about the engine's health. A file can be made
// so that reading or mapping fails, and then would fail for ever: such a message is unscannable, not "later".
constexpr std::array kContentErrors = {
    Meaning{"Exceeded time limit", GapReason::timed_out, false},
    Meaning{"Exceeded max recursion depth", GapReason::too_deep, true},
    Meaning{"Exceeded max scan size", GapReason::too_large, true},
    Meaning{"Exceeded max scan files", GapReason::too_many, true},
    Meaning{"Bad format or broken data", GapReason::corrupt, true},
    Meaning{"Can't parse data", GapReason::corrupt, true},
    Meaning{"Can't unpack some data", GapReason::corrupt, false},
    Meaning{"Can't read file", GapReason::corrupt, false},
    Meaning{"Can't set file offset", GapReason::corrupt, false},
    Meaning{"Can't map file into memory", GapReason::corrupt, false},
    Meaning{"Error during bytecode execution", GapReason::refused, false},
    Meaning{"Unspecified error", GapReason::refused, false},
};

template <std::size_t N>
const Meaning* meaning_of(const std::array<Meaning, N>& table, std::string_view text) {
    for (const auto& one : table) {
        if (text.starts_with(one.begins)) return &one;
    }
    return nullptr;
}

Judgement not_scanned(const Meaning& meaning, std::string_view name) {
    return {.state = AnswerState::not_scanned,
            .name = std::string(name),
            .gap_reason = std::string(message::to_string(meaning.gap)),
            .repeatable = meaning.repeatable};
}

Judgement judge_name(std::string_view raw) {
    std::string_view name = raw;
    take_suffix(name, kUnofficial);
    if (const auto* meaning = meaning_of(kNotViruses, name)) return not_scanned(*meaning, name);
    return {.state = AnswerState::found, .name = std::string(name), .gap_reason = {}, .repeatable = true};
}

}  // namespace

void ReplyBuffer::append(std::string_view bytes) {
    if (overrun_) return;
    if (start_ == buffer_.size() || start_ > kMaxReply) {
        buffer_.erase(0, start_);
        start_ = 0;
    }
    buffer_.append(bytes);
}

Result<std::optional<std::string>> ReplyBuffer::next() {
    const auto end = overrun_ ? std::string::npos : buffer_.find('\0', start_);
    const auto length = (end == std::string::npos ? buffer_.size() : end) - start_;
    if (overrun_ || length > kMaxReply) {
        overrun_ = true;
        buffer_.clear();
        start_ = 0;
        return base::fail(Fault::malformed, "the engine's reply is longer than {} bytes", kMaxReply);
    }
    if (end == std::string::npos) return std::nullopt;
    std::string line = buffer_.substr(start_, length);
    start_ = end + 1;
    return line;
}

Reply parse_reply(std::string_view line) {
    Reply out;
    std::string_view rest = base::trim(line);
    out.number = take_number(rest);
    const std::string_view whole = rest;
    take_descriptor(rest);
    const bool about_a_file = rest.size() != whole.size();
    if (about_a_file && rest == "OK") {
        out.kind = Reply::Kind::ok;
        return out;
    }
    if (about_a_file && rest.size() > 6 && take_suffix(rest, " FOUND")) {
        out.kind = Reply::Kind::found;
    } else if (take_suffix(rest, " ERROR")) {
        out.kind = Reply::Kind::error;
    } else {
        rest = whole;
    }
    out.text = base::printable(base::trim(rest), kMaxName);
    return out;
}

Judgement judge(const Reply& reply) {
    switch (reply.kind) {
        case Reply::Kind::ok:
            return {.state = AnswerState::clean, .name = {}, .gap_reason = {}, .repeatable = true};
        case Reply::Kind::found:
            return judge_name(reply.text);
        case Reply::Kind::error:
            if (const auto* meaning = meaning_of(kContentErrors, reply.text))
                return not_scanned(*meaning, reply.text);
            break;
        case Reply::Kind::other:
            break;
    }
    return {.state = AnswerState::unavailable, .name = reply.text, .gap_reason = {}, .repeatable = false};
}

std::optional<std::uint64_t> generation_of(std::string_view name) {
    take_suffix(name, kUnofficial);
    if (!name.starts_with(kGeneration)) return std::nullopt;
    name.remove_prefix(kGeneration.size());
    if (name.size() != kGenerationDigits) return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : name) {
        const int digit = base::hex_value(c);
        if (digit < 0) return std::nullopt;
        value = value << 4 | static_cast<std::uint64_t>(digit);
    }
    return value;
}

std::string generation_name(std::uint64_t generation) {
    return fmt::format("{}{:016x}", kGeneration, generation);
}

std::string_view generation_probe() {
    return kProbe;
}

std::string to_string_generation(std::uint64_t generation) {
    return generation == 0 ? std::string() : fmt::format("{:016x}", generation);
}

}  // namespace gatehouse::consult::engines
