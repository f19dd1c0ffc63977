// The examples of docs/policy.md are policies, and do what the page says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "decide/default_policy.h"
#include "decide/test_support.h"

namespace gatehouse::decide {
namespace {

using message::AnswerState;
using message::GapReason;

/// The fenced blocks of one kind: "toml" are policies, "toml settings" is settings.
std::vector<std::string> blocks(const std::string& kind) {
    std::ifstream file(GATEHOUSE_SOURCE_ROOT "/docs/policy.md");
    std::vector<std::string> out;
    bool is_inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("```")) {
            is_inside = line == "```" + kind;
            if (is_inside) out.emplace_back();
        } else if (is_inside) {
            out.back() += line + "\n";
        }
    }
    return out;
}

class PolicyPage : public ::testing::Test {
  protected:
    static constexpr std::string_view kOurs = "[general]\ninternal_addresses = [\"example.com\"]\n";
    static Policy example(std::size_t number) { return policy_of(blocks("toml").at(number - 1), kOurs); }
    static Mail incoming() { return Mail().to({"b@example.com"}); }
    static Mail outgoing() {
        Mail mail = Mail().to({"x@elsewhere.test"});
        mail.envelope.sender = "a@example.com";
        return mail;
    }
};

TEST_F(PolicyPage, EveryExampleIsAPolicyWithoutWarnings) {
    const auto all = blocks("toml");
    ASSERT_EQ(all.size(), 6U);
    for (const auto& text : all) EXPECT_THAT(policy_of(text).warnings, ::testing::IsEmpty()) << text;
}

TEST_F(PolicyPage, TheExceptionsAreTheDefaults) {
    const auto all = blocks("toml settings");
    ASSERT_EQ(all.size(), 1U);
    const Policy shown = policy_of("", all[0]);
    const Policy fallback = policy_of("", "");
    EXPECT_EQ(shown.antivirus.grace, fallback.antivirus.grace);
    EXPECT_EQ(shown.exceptions.message_size, fallback.exceptions.message_size);
    EXPECT_EQ(shown.exceptions.recipients, fallback.exceptions.recipients);
    EXPECT_EQ(shown.exceptions.limits, fallback.exceptions.limits);
    EXPECT_EQ(shown.exceptions.malformed, fallback.exceptions.malformed);
    EXPECT_EQ(shown.exceptions.encrypted, fallback.exceptions.encrypted);
    EXPECT_EQ(shown.exceptions.unscannable, fallback.exceptions.unscannable);
    EXPECT_EQ(shown.exceptions.engine_unavailable, fallback.exceptions.engine_unavailable);
}

TEST_F(PolicyPage, TheBuiltInRulesAreThoseOfTheProgram) {
    const Policy shown = example(6);
    const Policy program = policy_of(default_policy_text());
    ASSERT_EQ(shown.rules.size(), program.rules.size());
    for (std::size_t i = 0; i < shown.rules.size(); ++i) {
        EXPECT_EQ(shown.rules[i].name, program.rules[i].name);
        EXPECT_EQ(shown.rules[i].kind, program.rules[i].kind);
        EXPECT_EQ(shown.rules[i].when.any, program.rules[i].when.any);
        EXPECT_EQ(shown.rules[i].route.direction, program.rules[i].route.direction);
        EXPECT_EQ(shown.rules[i].actions, program.rules[i].actions);
    }
}

TEST_F(PolicyPage, MalwareIsRefusedOutsideAndKeptInside) {
    const Policy policy = example(1);
    const auto refused = incoming().with_engine().answered(AnswerState::found, "Eicar").group(policy);
    EXPECT_EQ(refused.outcome().text, "554 5.7.1 Malware found");
    const auto kept = outgoing().with_engine().answered(AnswerState::found, "Eicar").group(policy);
    EXPECT_EQ(words_of(kept), "quarantine");
}

TEST_F(PolicyPage, EncryptedFilesAreMarked) {
    const Policy policy = example(2);
    const auto marked = incoming().with_gap(GapReason::encrypted).group(policy);
    EXPECT_EQ(words_of(marked), "tag_subject x_header deliver");
    const auto finance = Mail().to({"x@finance.example.com"}).with_gap(GapReason::encrypted).group(policy);
    EXPECT_EQ(words_of(finance), "quarantine");
}

TEST_F(PolicyPage, LargeMailDoesNotLeave) {
    const Policy policy = example(3);
    Mail large = outgoing();
    large.envelope.size = 21ULL << 20;
    EXPECT_EQ(large.group(policy).outcome().text,
              "550 5.7.1 Please use the file exchange for more than 20 MiB");
    large.to({"b@example.com"}).envelope.sender = "x@elsewhere.test";
    EXPECT_EQ(words_of(large.group(policy)), "deliver");
    std::vector<std::string> many;
    for (int i = 0; i < 101; ++i) many.push_back("u" + std::to_string(i) + "@elsewhere.test");
    Mail to_many = outgoing().to(many);
    to_many.envelope.size = 20'000;
    EXPECT_EQ(words_of(to_many.group(policy)), "quarantine");
    to_many.envelope.size = 5000;
    EXPECT_EQ(words_of(to_many.group(policy)), "deliver");
}

TEST_F(PolicyPage, WhatWasNotInspectedIsHeld) {
    const Policy policy = example(4);
    EXPECT_EQ(words_of(incoming().with_gap(GapReason::encrypted).group(policy)), "quarantine");
    EXPECT_EQ(words_of(incoming().with("form", "form.anomaly").group(policy)), "deliver");
    EXPECT_EQ(words_of(incoming().to({"board@example.com"}).with("form", "form.anomaly").group(policy)),
              "quarantine");
}

TEST_F(PolicyPage, SpamGoesInTwoSteps) {
    const Policy policy = example(5);
    EXPECT_EQ(words_of(incoming().with("a", "a.x", "", 6).group(policy)), "tag_subject deliver");
    EXPECT_EQ(words_of(incoming().with("a", "a.x", "", 13).group(policy)), "reject");
    EXPECT_EQ(words_of(incoming().with("a", "a.x", "", 4).group(policy)), "deliver");
}

}  // namespace
}  // namespace gatehouse::decide
