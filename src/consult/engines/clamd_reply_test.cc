#include "consult/engines/clamd_reply.h"

#include <gtest/gtest.h>

#include <vector>

namespace gatehouse::consult::engines {
namespace {

using message::AnswerState;
using Kind = Reply::Kind;

struct Form {
    std::string_view line;
    Kind kind;
    std::uint64_t number;
    std::string_view text;
};

TEST(ClamdReply, EveryFormIsTakenApart) {
    const std::vector<Form> kForms = {
        {"fd[9]: OK", Kind::ok, 0, ""},
        {"7: fd[9]: OK", Kind::ok, 7, ""},
        {"1: fd[11]: Eicar-Test-Signature.UNOFFICIAL FOUND", Kind::found, 1,
         "Eicar-Test-Signature.UNOFFICIAL"},
        {"fd[9]: Name with blanks: and colon FOUND", Kind::found, 0, "Name with blanks: and colon"},
        {"fd[9]: Not a regular file ERROR", Kind::error, 0, "Not a regular file"},
        {"No file descriptor received. ERROR", Kind::error, 0, "No file descriptor received."},
        {"2: Command invalid inside IDSESSION. ERROR", Kind::error, 2, "Command invalid inside IDSESSION."},
        {"PONG", Kind::other, 0, "PONG"},
        {"5: PONG", Kind::other, 5, "PONG"},
        {"UNKNOWN COMMAND", Kind::other, 0, "UNKNOWN COMMAND"},
        {"ClamAV 1.4.6/27500/Mon Jan  5 09:00:00 2026", Kind::other, 0,
         "ClamAV 1.4.6/27500/Mon Jan  5 09:00:00 2026"},
        {"", Kind::other, 0, ""},
        {"OK", Kind::other, 0, "OK"},  // not about the file that was asked
        {"stream: OK", Kind::other, 0, "stream: OK"},
        {"fd[]: OK", Kind::other, 0, "fd[]: OK"},
        {"fd[9: OK", Kind::other, 0, "fd[9: OK"},
        {"fd[9]:  FOUND", Kind::other, 0, "fd[9]:  FOUND"},
        {"fd[9]: FOUND", Kind::other, 0, "fd[9]: FOUND"},
        {"99999999999999999999999: fd[9]: OK", Kind::other, 0, "99999999999999999999999: fd[9]: OK"},
        {"-1: fd[9]: OK", Kind::other, 0, "-1: fd[9]: OK"},
    };
    for (const auto& form : kForms) {
        const auto reply = parse_reply(form.line);
        EXPECT_EQ(reply.kind, form.kind) << form.line;
        EXPECT_EQ(reply.number, form.number) << form.line;
        EXPECT_EQ(reply.text, form.text) << form.line;
    }
}

TEST(ClamdReply, TextIsPrintableAndShort) {
    const auto reply =
        parse_reply("fd[9]: " + std::string("\x1b[31m\xff") + std::string(3000, 'x') + " FOUND");
    EXPECT_EQ(reply.kind, Kind::found);
    EXPECT_EQ(reply.text.find('\x1b'), std::string::npos);
    EXPECT_EQ(reply.text.find('\xff'), std::string::npos);
    EXPECT_LT(reply.text.size(), 1000U);
}

// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order they are read
struct Case {
    std::string_view line;
    AnswerState state;
    std::string_view name;
    std::string_view gap;
    bool repeatable;
};

TEST(ClamdReply, Judgements) {
    const std::vector<Case> kCases = {
        {"fd[9]: OK", AnswerState::clean, "", "", true},
        {"fd[9]: Win.Test FOUND", AnswerState::found, "Win.Test", "", true},
        {"fd[9]: Mine.UNOFFICIAL FOUND", AnswerState::found, "Mine", "", true},
        {"fd[9]: Heuristics.Phishing.Email.SpoofedDomain FOUND", AnswerState::found,
         "Heuristics.Phishing.Email.SpoofedDomain", "", true},
        {"fd[9]: Heuristics.Encrypted.Zip FOUND", AnswerState::not_scanned, "Heuristics.Encrypted.Zip",
         "encrypted", true},
        {"fd[9]: Heuristics.Encrypted.PDF FOUND", AnswerState::not_scanned, "Heuristics.Encrypted.PDF",
         "encrypted", true},
        {"fd[9]: Heuristics.Limits.Exceeded.MaxFileSize FOUND", AnswerState::not_scanned,
         "Heuristics.Limits.Exceeded.MaxFileSize", "too_large", true},
        {"fd[9]: Heuristics.Limits.Exceeded.MaxScanSize FOUND", AnswerState::not_scanned,
         "Heuristics.Limits.Exceeded.MaxScanSize", "too_large", true},
        {"fd[9]: Heuristics.Limits.Exceeded.MaxFiles FOUND", AnswerState::not_scanned,
         "Heuristics.Limits.Exceeded.MaxFiles", "too_many", true},
        {"fd[9]: Heuristics.Limits.Exceeded.MaxRecursion FOUND", AnswerState::not_scanned,
         "Heuristics.Limits.Exceeded.MaxRecursion", "too_deep", true},
        {"fd[9]: Heuristics.Limits.Exceeded.MaxScanTime FOUND", AnswerState::not_scanned,
         "Heuristics.Limits.Exceeded.MaxScanTime", "timed_out", false},
        {"fd[9]: Heuristics.Limits.Exceeded.EmailMIMEPartsPerMessage FOUND", AnswerState::not_scanned,
         "Heuristics.Limits.Exceeded.EmailMIMEPartsPerMessage", "too_many", true},
        {"fd[9]: Heuristics.Limits.Exceeded.EmailHeaderBytes FOUND", AnswerState::not_scanned,
         "Heuristics.Limits.Exceeded.EmailHeaderBytes", "too_large", true},
        {"fd[9]: Heuristics.Limits.Exceeded FOUND", AnswerState::not_scanned, "Heuristics.Limits.Exceeded",
         "too_large", true},
        {"fd[9]: Exceeded time limit ERROR", AnswerState::not_scanned, "Exceeded time limit", "timed_out",
         false},
        {"fd[9]: Bad format or broken data ERROR", AnswerState::not_scanned, "Bad format or broken data",
         "corrupt", true},
        {"fd[9]: Can't read file ERROR", AnswerState::not_scanned, "Can't read file", "corrupt", false},
        {"fd[9]: Can't allocate memory ERROR", AnswerState::unavailable, "Can't allocate memory", "", false},
        {"fd[9]: Can't write to file ERROR", AnswerState::unavailable, "Can't write to file", "", false},
        {"fd[9]: Something new ERROR", AnswerState::unavailable, "Something new", "", false},
        {"PONG", AnswerState::unavailable, "PONG", "", false},
        {"OK", AnswerState::unavailable, "OK", "", false},
        {"", AnswerState::unavailable, "", "", false},
    };
    for (const auto& one : kCases) {
        const auto got = judge(parse_reply(one.line));
        EXPECT_EQ(got.state, one.state) << one.line;
        EXPECT_EQ(got.name, one.name) << one.line;
        EXPECT_EQ(got.gap_reason, one.gap) << one.line;
        EXPECT_EQ(got.repeatable, one.repeatable) << one.line;
    }
}

TEST(ClamdReply, BufferSplitsAtNul) {
    ReplyBuffer buffer;
    buffer.append(std::string_view("1: fd[9]: O", 11));
    EXPECT_EQ(buffer.next().value(), std::nullopt);
    buffer.append(
        std::string_view("K\0"
                         "2: PONG\0"
                         "3",
                         11));
    EXPECT_EQ(buffer.next().value(), "1: fd[9]: OK");
    EXPECT_EQ(buffer.next().value(), "2: PONG");
    EXPECT_EQ(buffer.next().value(), std::nullopt);
    EXPECT_EQ(buffer.pending(), 1U);
}

TEST(ClamdReply, AnEndlessReplyEndsTheStream) {
    ReplyBuffer buffer;
    buffer.append(std::string(kMaxReply, 'x'));
    EXPECT_EQ(buffer.next().value(), std::nullopt);
    buffer.append("x");
    ASSERT_FALSE(buffer.next());
    buffer.append(std::string_view("\0fd[9]: OK\0", 11));
    const auto after = buffer.next();
    ASSERT_FALSE(after) << "nothing behind an over-long reply may be believed";
    EXPECT_EQ(after.error().fault, base::Fault::malformed);
    EXPECT_EQ(buffer.pending(), 0U);
}

TEST(ClamdReply, AnOverlongReplyIsRefusedEvenWhenItIsWhole) {
    ReplyBuffer buffer;
    buffer.append(std::string(kMaxReply + 1, 'x') + '\0');
    EXPECT_FALSE(buffer.next());
}

TEST(ClamdReply, GenerationNames) {
    EXPECT_EQ(generation_of(generation_name(0x0123456789abcdef)), 0x0123456789abcdefU);
    EXPECT_EQ(generation_of(generation_name(~0ULL) + ".UNOFFICIAL"), ~0ULL);
    EXPECT_EQ(generation_of("Gatehouse.Generation."), std::nullopt);
    EXPECT_EQ(generation_of("Gatehouse.Generation.0123456789abcdeg"), std::nullopt);
    EXPECT_EQ(generation_of("Gatehouse.Generation.0123456789abcdef0"), std::nullopt);
    EXPECT_EQ(generation_of("Win.Virus"), std::nullopt);
    EXPECT_EQ(to_string_generation(0), "");
    EXPECT_EQ(to_string_generation(0xab), "00000000000000ab");
}

TEST(ClamdReply, AMailThatHoldsTheProbeIsNotClean) {
    const auto got = judge(parse_reply("fd[9]: " + generation_name(5) + ".UNOFFICIAL FOUND"));
    EXPECT_EQ(got.state, AnswerState::found);
}

}  // namespace
}  // namespace gatehouse::consult::engines
