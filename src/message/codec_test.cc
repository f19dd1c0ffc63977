#include "message/codec.h"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "base/time.h"
#include "message/facts.pb.h"

namespace gatehouse::message {
namespace {

Record example() {
    Record record;
    record.inspected = true;
    auto& envelope = record.envelope;
    envelope.reference = base::Reference::parse("7Q3K-M8TD-0VZ2-6XNB").value();
    envelope.received = base::parse_rfc3339("2026-06-01T10:20:30Z").value();
    envelope.utc_offset = std::chrono::minutes(-210);
    envelope.client = {"192.0.2.1", 40000, "mail.example.org", "ESMTPS", "TLSv1.3", "X", true, true, false};
    envelope.sender = "a@example.org";
    envelope.recipients = {{"b@example.com", kNotifyNever, "rfc822;b@example.com"},
                           {"\"c d\"@example.com", 0, ""}};
    envelope.size = 5000;
    envelope.revision = "0123456789abcdef";
    record.facts.sha256 = std::string(32, 'x');
    record.facts.header = {
        "<1@x>", "Gr\xc3\xbc\xc3\x9f\x65", {"a@example.org"},   {"b@example.com"}, "now", 3,
        true,    "list.example.org",       {"list@example.org"}};
    record.facts.parts = {{"1:a.zip", "application/zip", "zip", "a.zip", 10, std::string(32, 'y'), true}};
    record.facts.evidence = {
        {"malformed", "malformed.headers", "1", 0.5, 1.5, "many", {{"count", "10"}}, "local"}};
    record.facts.coverage.gaps = {{"1:a.zip", GapReason::encrypted, "needs a password", ""}};
    record.answers = {
        {{QuestionKind::engine_message, "clamd", ""}, AnswerState::found, "Eicar", "", "g1", 12, true}};
    record.facts.stripped_headers = {"X-Spam-Flag"};
    record.facts.authserv_ids = {"mx.example.com"};
    record.facts.expressions = std::string(32, 'e');
    record.facts.fingerprint = std::string(256, 'f');
    record.circumstances = {{"clamd"}, true, "mx.example.com"};
    record.decision.verdict = Verdict::virus;
    record.decision.groups = {{{"b@example.com"},
                               "Global antivirus rule",
                               {"Global antivirus rule"},
                               {{ActionKind::quarantine, "default", "", ""}},
                               {"antivirus.match"},
                               {"without antivirus.match: deliver"},
                               {{{HeaderEdit::Kind::remove_prefix, "X-Gatehouse-", ""}}}}};
    record.steps = {{"mail", 0, "250"}};
    record.outcomes = {{"b@example.com", Outcome::quarantined, "250 2.0.0 ok", "", "7Q3K-M8TD-0VZ2-6XNB/1"}};
    return record;
}

TEST(Codec, RecordsRoundTrip) {
    const auto record = example();
    const auto decoded = decode_record(encode_record(record));
    ASSERT_TRUE(decoded) << decoded.error().sentence;
    EXPECT_EQ(*decoded, record);
}

TEST(Codec, EnvelopesRoundTripAlone) {
    const auto envelope = example().envelope;
    EXPECT_EQ(decode_envelope(encode_envelope(envelope)).value(), envelope);
    EXPECT_FALSE(decode_envelope("\xff\xff"));
    EXPECT_FALSE(decode_envelope(""));
}

TEST(Codec, RefusesOtherFormats) {
    pb::Record raw;
    to_pb(example(), raw);
    raw.set_format(kRecordFormat + 1);
    const auto decoded = decode_record(raw.SerializeAsString());
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().fault, base::Fault::refused);
}

TEST(Codec, RefusesWordsAndSizesOutOfRange) {
    pb::Facts facts;
    to_pb(example().facts, facts);
    facts.mutable_gaps(0)->set_reason(77);
    EXPECT_FALSE(from_pb(facts));
    facts.mutable_gaps(0)->set_reason(1);
    EXPECT_TRUE(from_pb(facts));
    facts.set_sha256("short");
    EXPECT_FALSE(from_pb(facts));
    facts.set_sha256("");
    facts.mutable_evidence(0)->set_text(std::string(100'000, 'a'));
    EXPECT_FALSE(from_pb(facts));
    EXPECT_FALSE(decode_record("\xff\xff\xff"));
}

TEST(Codec, GapReasonsHaveOneWordEach) {
    for (std::uint8_t i = 1; i <= 9; ++i) {
        const auto reason = static_cast<GapReason>(i);
        EXPECT_EQ(parse_gap_reason(to_string(reason)), reason);
    }
    EXPECT_FALSE(parse_gap_reason(""));
    EXPECT_FALSE(parse_gap_reason("clean"));
}

/// "Message field number type" per line, from the descriptors that the compiler made.
std::set<std::string> current_fields() {
    std::set<std::string> out;
    const auto* file = pb::Record::descriptor()->file();
    for (int i = 0; i < file->message_type_count(); ++i) {
        const auto* type = file->message_type(i);
        for (int j = 0; j < type->field_count(); ++j) {
            const auto* field = type->field(j);
            std::ostringstream line;
            line << type->name() << ' ' << field->number() << ' ' << field->name() << ' '
                 << field->type_name() << (field->is_repeated() ? " repeated" : "");
            out.insert(line.str());
        }
    }
    return out;
}

TEST(FactsProto, FieldNumbersAreThoseOfTheLockFile) {
    std::ifstream lock(GATEHOUSE_SOURCE_ROOT "/src/message/facts.proto.lock");
    std::set<std::string> locked;
    for (std::string line; std::getline(lock, line);) {
        if (!line.empty() && line[0] != '#') locked.insert(line);
    }
    const auto now = current_fields();
    for (const auto& line : locked) EXPECT_TRUE(now.contains(line)) << "changed or removed: " << line;
    for (const auto& line : now) EXPECT_TRUE(locked.contains(line)) << "add to facts.proto.lock: " << line;
}

TEST(Revision, IdDependsOnContentNotOnOrder) {
    using base::Value;
    const auto number = [](std::int64_t n) { return Value(Value::Data(n)); };
    const Value one(Value::Data(Value::Table{{"a", number(1)}, {"b", number(2)}}));
    const Value two(Value::Data(Value::Table{{"b", number(2)}, {"a", number(1)}}));
    const Value other(Value::Data(Value::Table{{"b", number(2)}, {"a", number(3)}}));
    EXPECT_EQ(make_revision(one, Value()).id, make_revision(two, Value()).id);
    EXPECT_NE(make_revision(one, Value()).id, make_revision(other, Value()).id);
    EXPECT_EQ(make_revision(one, Value()).id.size(), 16U);
}

TEST(Envelope, DomainsCompareWithoutCase) {
    EXPECT_EQ(domain_of("A.b@Example.COM."), "example.com");
    EXPECT_EQ(domain_of("\"x@y\"@example.com"), "example.com");
    EXPECT_EQ(domain_of("Postmaster"), "");
}

}  // namespace
}  // namespace gatehouse::message
