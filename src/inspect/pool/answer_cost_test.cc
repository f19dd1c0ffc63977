#include "inspect/pool/answer_cost.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>

#include "message/codec.h"
#include "message/facts.pb.h"

namespace gatehouse::inspect::pool {
namespace {

std::string fault_of(std::string_view frame) {
    const auto cost = answer_cost(frame);
    return cost ? "none" : std::string(base::to_string(cost.error().fault));
}

/// Field `number` of the answer or below, with `bytes` inside.
std::string field(unsigned number, const std::string& bytes) {
    std::string out(1, static_cast<char>(number << 3U | 2U));
    std::size_t length = bytes.size();
    do {
        out.push_back(static_cast<char>((length & 0x7FU) | (length > 0x7FU ? 0x80U : 0U)));
        length >>= 7U;
    } while (length != 0);
    return out + bytes;
}

std::string repeat(const std::string& what, std::size_t bytes) {
    std::string out;
    while (out.size() + what.size() <= bytes) out += what;
    return out;
}

constexpr unsigned kFacts = 4;
constexpr std::size_t kLargest = (16U << 20) - 16;

TEST(AnswerCost, OfAnHonestAnswerIsModest) {
    message::Facts facts;
    facts.sha256 = std::string(32, 's');
    for (int i = 0; i < 10'000; ++i) {
        facts.parts.push_back({"1:attachment-" + std::to_string(i) + ".zip/member",
                               "application/octet-stream", "pe", "member", 1000, std::string(32, 'h'), true});
    }
    pb::InspectorAnswer answer;
    message::to_pb(facts, *answer.mutable_facts());
    const auto cost = answer_cost(answer.SerializeAsString());
    ASSERT_TRUE(cost) << cost.error().sentence;
    EXPECT_LT(*cost, kMaxAnswerCost / 3);
    EXPECT_GT(*cost, 10'000U * sizeof(message::Part)) << "an upper bound of what it becomes";
    pb::InspectorAnswer small;
    small.mutable_failed()->set_sentence("no");
    EXPECT_LT(answer_cost(small.SerializeAsString()).value(), 2000U);
    EXPECT_EQ(answer_cost("").value(), 0U);
}

TEST(AnswerCost, RefusesWhatBecomesTooMuch) {
    for (const unsigned list : {4U, 5U, 6U, 7U, 11U, 12U}) {
        EXPECT_EQ(fault_of(field(kFacts, repeat(field(list, ""), kLargest))), "limit") << list;
    }
    EXPECT_EQ(fault_of(field(kFacts, field(6, repeat(field(7, ""), kLargest)))), "limit")
        << "facts of evidence";
    EXPECT_EQ(fault_of(repeat(field(kFacts, ""), kLargest)), "limit") << "the answer itself";
    EXPECT_EQ(fault_of(repeat(std::string("\x08\x01"), kLargest)), "limit") << "numbers";
    EXPECT_EQ(fault_of(field(2, repeat(field(1, ""), kLargest))), "limit") << "domains";
    EXPECT_EQ(fault_of(field(3, repeat(field(1, ""), kLargest))), "limit") << "parts";
    EXPECT_EQ(fault_of(field(kFacts, field(4, field(1, std::string(kLargest, 'x'))))), "none")
        << "one long text is refused by the codec";
}

TEST(AnswerCost, RefusesWhatTheSchemaDoesNotKnow) {
    EXPECT_EQ(fault_of(field(15, "")), "malformed") << "an unknown field";
    EXPECT_EQ(fault_of(field(kFacts, field(15, ""))), "malformed");
    EXPECT_EQ(fault_of("\x0a\x01x"), "malformed") << "a number as bytes";
    EXPECT_EQ(fault_of("\x20\x01"), "malformed") << "facts as a number";
    EXPECT_EQ(fault_of("\x23\x24"), "malformed") << "groups";
    EXPECT_EQ(fault_of(std::string("\0", 1)), "malformed");
    EXPECT_EQ(fault_of("\x08"), "malformed") << "cut";
    EXPECT_EQ(fault_of("\x22\x05x"), "malformed") << "longer than the frame";
    EXPECT_EQ(fault_of(field(kFacts, "\x22\x05x")), "malformed") << "longer than what holds it";
    EXPECT_EQ(fault_of("\x22\xff\xff\xff\xff\x0f"), "malformed") << "longer than anything";
    EXPECT_EQ(fault_of(std::string(100, '\xff')), "malformed");
}

// What it is for: the frame is refused before it becomes a gigabyte of objects.
TEST(AnswerCost, IsCountedWithoutMemory) {
    const std::string frame = field(kFacts, repeat(field(6, ""), kLargest));
    rusage before{};
    rusage after{};
    ::getrusage(RUSAGE_SELF, &before);
    EXPECT_EQ(fault_of(frame), "limit");
    ::getrusage(RUSAGE_SELF, &after);
    EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 4096) << "KiB";
}

}  // namespace
}  // namespace gatehouse::inspect::pool
