#include "message/json.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <limits>

#include "base/text.h"

namespace gatehouse::message {
namespace {

namespace json = boost::json;

struct Example {
    Facts facts;
    std::vector<Evidence> evidence;
    std::vector<Gap> gaps;
    Decision decision;
    std::string line(std::string_view file = "a.eml") const {
        return scan_json({file, facts, evidence, gaps, decision});
    }
};

Example example() {
    Example out;
    out.facts.sha256 = std::string(32, '\x01');
    out.facts.header.message_id = "<1@example.org>";
    out.facts.parts = {{"2:a.zip/b.exe", "application/zip", "pe", "b.exe", 1, std::string(32, '\x02'), true}};
    out.facts.urls = {
        {"http://a.example/", "http://a.example/", "a.example", "1:text/html", 34, {"phishing"}, "local"},
        {"http://b.example/", "http://b.example/", "b.example", "1", -1, {}, ""}};
    out.facts.micros = {12, 3, 80, 101};
    out.evidence = {{"intellitrap",
                     "packer.high_entropy",
                     "2:a.zip/b.exe",
                     0.97,
                     1,
                     "packed",
                     {{"entropy", "7.9"}},
                     "local"}};
    out.gaps = {{"2:a.zip/b.exe", GapReason::encrypted, "", ""}};
    out.decision.verdict = Verdict::virus;
    out.decision.spam_score = 6.31;
    GroupDecision group;
    group.recipients = {"b@example.com"};
    group.rule = "Global antivirus rule";
    group.actions = {{ActionKind::tag_subject, "", "", "[x]"}, {ActionKind::quarantine, "default", "", ""}};
    group.because = {"antivirus.match"};
    out.decision.groups = {group};
    return out;
}

TEST(ScanJson, IsExactlyTheLineOfTheInterface) {
    std::string first;
    std::string second;
    for (int i = 0; i < 32; ++i) {
        first += "01";
        second += "02";
    }
    EXPECT_EQ(
        example().line(),
        R"({"file": "a.eml", "message_id": "<1@example.org>", "sha256": ")" + first +
            R"(", "verdict": "virus", "spam_score": 6.31, "spam_threshold": 5.0, )"
            R"("coverage": {"complete": false, "gaps": [{"part": "2:a.zip/b.exe", "reason": "encrypted"}]}, )"
            R"("evidence": [{"feature": "intellitrap", "id": "packer.high_entropy", "where": "2:a.zip/b.exe", )"
            R"("confidence": 0.97, "text": "packed", "facts": {"entropy": "7.9"}, "source": "local"}], )"
            R"("urls": [{"url": "http://a.example/", "canonical": "http://a.example/", "host": "a.example", )"
            R"("where": "1:text/html", "score": 34, "categories": ["phishing"], "source": "local", "flags": []}, )"
            R"({"url": "http://b.example/", "canonical": "http://b.example/", "host": "b.example", )"
            R"("where": "1", "score": null, "categories": [], "source": "", "flags": []}], )"
            R"("parts": [{"path": "2:a.zip/b.exe", "claimed_type": "application/zip", "type": "pe", )"
            R"("name": "b.exe", "size": 1, "sha256": ")" +
            second +
            R"("}], "auth": {"spf": null, "dkim": [], "dmarc": null, "arc": null}, )"
            R"("decision": [{"recipients": ["b@example.com"], "rule": "Global antivirus rule", )"
            R"("actions": ["tag_subject", "quarantine"], "because": ["antivirus.match"]}], )"
            R"("micros": {"parse": 12, "open": 3, "detect": 80, "total": 101}})");
}

TEST(ScanJson, AnyBytesGiveOneValidLine) {
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
    auto hostile = example();
    hostile.facts.header.message_id = all;
    hostile.facts.parts[0].name = all;
    hostile.evidence[0].facts = {{all, all}, {all, "twice"}};
    hostile.evidence[0].confidence = std::numeric_limits<double>::quiet_NaN();
    hostile.decision.spam_score = -std::numeric_limits<double>::infinity();
    hostile.decision.groups[0].recipients = {all, "\"c d\"@example.com", "\xe2\x82\xac@x"};
    const std::string line = hostile.line(all);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_TRUE(base::is_valid_utf8(line));
    json::error_code error;
    const auto value = json::parse(line, error);
    ASSERT_FALSE(error) << error.message();
    EXPECT_EQ(value.at("evidence").at(0).at("confidence").to_number<double>(), 0.0);
    EXPECT_EQ(value.at("decision").at(0).at("recipients").at(2).as_string(), "\xe2\x82\xac@x");
    EXPECT_NE(value.at("message_id").as_string().find("\\xff"), json::string::npos);
}

TEST(ScanJson, AnEmptyMessageIsComplete) {
    const Facts facts;
    Decision decision;
    decision.groups.resize(1);
    decision.groups[0].actions.resize(1);
    const auto value = json::parse(scan_json({"-", facts, {}, {}, decision}));
    EXPECT_TRUE(value.at("coverage").at("complete").as_bool());
    EXPECT_EQ(value.at("verdict").as_string(), "clean");
    EXPECT_EQ(value.at("decision").at(0).at("actions").at(0).as_string(), "deliver");
}

TEST(ScanJson, ManyGapsAreLinear) {
    auto many = example();
    many.gaps.assign(10'000, {"1:x", GapReason::too_many, "", ""});
    const auto value = json::parse(many.line());
    EXPECT_EQ(value.at("coverage").at("gaps").as_array().size(), 10'000U);
}

}  // namespace
}  // namespace gatehouse::message
