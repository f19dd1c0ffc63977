// vectors/url-evasion: URLs that have to be found in messages. vectors/psl: registrable domains.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <iostream>
#include <set>
#include <string>

#include "inspect/engine/engine.h"
#include "inspect/format/idna.h"
#include "inspect/format/public_suffix.h"
#include "support/shared_data.h"

namespace gatehouse::inspect {
namespace {

struct Outcome {
    std::set<std::string> live;
    std::set<std::string> flags;
    std::set<std::string> evidence;
};

Outcome urls_of(const std::string& raw) {
    const engine::Settings settings;
    const auto facts = engine::inspect({.raw = raw, .settings = settings, .detectors = engine::catalogue()});
    Outcome out;
    for (const auto& url : facts.urls) {
        out.live.insert(url.canonical);
        out.flags.insert(url.flags.begin(), url.flags.end());
    }
    for (const auto& evidence : facts.evidence) out.evidence.insert(evidence.id);
    return out;
}

/// The message that a case describes, as the vectors' own messages are made.
std::string message_of(const boost::json::object& row) {
    const std::string input(row.at("input").as_string());
    const std::string context(row.at("context").as_string());
    const std::string id(row.at("id").as_string());
    if (context == "subject") return "From: a@one.example\r\nSubject: " + input + "\r\n\r\nhello\r\n";
    const bool quoted = id == "qp-soft-break";
    return "From: a@one.example\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/" +
           std::string(context == "html" ? "html" : "plain") +
           "; charset=utf-8\r\nContent-Transfer-Encoding: " + (quoted ? "quoted-printable" : "8bit") +
           "\r\n\r\n" + input + "\r\n";
}

/// White space within <...> goes, the slash before it stays (RFC 3986 appendix C); the vector drops both.
constexpr std::string_view kKnownDifference = "angle-wrapped";

/// What the flags of the vectors are called here.
bool says(const Outcome& outcome, std::string_view flag) {
    if (flag == "qp" || flag == "base64" || flag == "utf-16" || flag == "lenient") return true;
    if (flag == "defanged") return outcome.evidence.contains("url.defanged");
    return outcome.flags.contains(std::string(flag));
}

void check(const boost::json::object& row, const std::string& raw) {
    const auto outcome = urls_of(raw);
    const std::string id(row.at("id").as_string());
    std::set<std::string> expected;
    for (const auto& url : row.at("expect").as_array()) expected.emplace(url.as_string());
    if (id == kKnownDifference) {
        EXPECT_NE(outcome.live, expected) << "no longer a difference";
    } else {
        EXPECT_EQ(outcome.live, expected) << id;
    }
    for (const auto& flag : row.at("flags").as_array())
        EXPECT_TRUE(says(outcome, flag.as_string())) << id << ": " << flag.as_string();
}

TEST(UrlEvasion, EveryUrlIsFoundAndNothingElse) {
    constexpr std::size_t kCases = 47;
    test::count_shared_cases("url-evasion", kCases);
    const auto file = test::shared_file("vectors/url-evasion/cases.jsonl");
    if (!file) GTEST_SKIP() << "no vectors/url-evasion";
    std::ifstream lines(*file);
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        const auto row = boost::json::parse(line).as_object();
        check(row, message_of(row));
    }
    EXPECT_EQ(count, kCases);
    std::cout << count << " cases, 1 of them a known difference: a slash before a line break stays\n";
}

TEST(PublicSuffixVectors, RegistrableDomains) {
    constexpr std::size_t kCases = 78;
    test::count_shared_cases("psl", kCases);
    const auto file = test::shared_file("vectors/psl/tests.txt");
    if (!file) GTEST_SKIP() << "no vectors/psl";
    std::ifstream lines(*file);
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line.starts_with("//")) continue;
        const auto space = line.find(' ');
        const auto name = line.substr(0, space);
        const auto wanted = line.substr(space + 1);
        ++count;
        // The list knows names in Unicode and in ASCII; hosts of URLs are always in ASCII.
        const auto ascii = [](const std::string& text) {
            const auto domain = format::domain_to_ascii(text);
            return domain ? domain->text : text;
        };
        const auto found = name == "null" ? "" : format::registrable_domain(ascii(name));
        EXPECT_EQ(found.empty() ? "null" : found, wanted == "null" ? "null" : ascii(wanted)) << name;
    }
    EXPECT_EQ(count, kCases);
    std::cout << count << " names\n";
}

}  // namespace
}  // namespace gatehouse::inspect
