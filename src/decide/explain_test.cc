#include "decide/explain.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "decide/default_policy.h"
#include "decide/test_support.h"

namespace gatehouse::decide {
namespace {

using message::AnswerState;
using message::GapReason;

message::Record record_of(const Mail& mail, const Policy& policy) {
    message::Record record;
    record.envelope = mail.envelope;
    record.envelope.reference = base::Reference::parse("7Q3K-M8TD-0VZ2-6XNB").value();
    record.facts = mail.facts;
    record.answers = mail.answers;
    record.circumstances = mail.circumstances;
    record.decision = mail.decide(policy);
    record.inspected = true;
    return record;
}

TEST(Explain, TellsTheChainOfReasons) {
    const Policy policy = policy_of(default_policy_text());
    Mail mail = Mail()
                    .with_engine()
                    .answered(AnswerState::clean)
                    .answered(AnswerState::found, "Eicar", "2:a.zip/b.exe");
    mail.envelope.client.address = "192.0.2.1";
    mail.envelope.client.helo = "mail.example.org";
    auto record = record_of(mail, policy);
    record.outcomes = {{"b@example.com", message::Outcome::quarantined, "250 2.0.0 ok", "", "X/1"}};
    EXPECT_EQ(explain(record),
              "7Q3K-M8TD-0VZ2-6XNB  virus\n"
              "  received 1970-01-01T00:00:00Z from 192.0.2.1 (mail.example.org), sender a@example.org, 1 "
              "recipient, 5000 bytes\n"
              "\n"
              "Found:\n"
              "  antivirus.match at 2:a.zip/b.exe: clamd found Eicar (confidence 1, clamd)\n"
              "Not inspected: nothing was left out\n"
              "\n"
              "For b@example.com:\n"
              "  quarantine to default\n"
              "  decided by: Global antivirus rule\n"
              "  rules that matched: Global antivirus rule\n"
              "    because of\n"
              "      antivirus.match at 2:a.zip/b.exe: clamd found Eicar (confidence 1, clamd)\n"
              "  without antivirus.match at 2:a.zip/b.exe: deliver\n"
              "\n"
              "What became of it:\n"
              "  b@example.com: quarantined, answered 250 2.0.0 ok\n");
}

TEST(Explain, EveryKindOfReasonHasItsWords) {
    const Policy policy = policy_of(
        "[[rule]]\nname = \"r\"\n"
        "when.all = [\"size > 1\", \"recipients > 0\", \"spam\", \"gap.encrypted\", "
        "\"verdict.unscannable\"]\n"
        "then = [{ action = \"tag_subject\", text = \"[x] \" }, { action = \"x_header\", name = \"X-A\", "
        "text = \"b\" }]");
    const auto text =
        explain(record_of(Mail().with("a", "a.x", "", 6).with_gap(GapReason::encrypted), policy));
    for (const std::string_view words :
         {"size: 5000 bytes", "recipients: 1", "spam score 6, threshold 5", "gap.encrypted at 2:a.zip",
          "the verdict is unscannable", "tag the subject with \"[x] \", add X-A: b, deliver",
          "no rule ended the evaluation", "put \"[x] \" in front of the Subject", "remove X-A\n",
          "add X-A: b\n"}) {
        EXPECT_NE(text.find(words), std::string::npos) << words << "\n" << text;
    }
    EXPECT_NE(explain(record_of(Mail(), policy)).find("no rule matched"), std::string::npos);
}

TEST(Explain, ARefusalHasNoRules) {
    message::Record record;
    record.outcomes = {{"x@y", message::Outcome::refused, "550 5.7.1 relaying denied", "", ""}};
    const auto text = explain(record);
    EXPECT_NE(text.find("not inspected"), std::string::npos);
    EXPECT_NE(text.find("x@y: refused, answered 550 5.7.1 relaying denied"), std::string::npos);
    EXPECT_NE(text.find("refused before its end"), std::string::npos);
    EXPECT_EQ(text.find("()"), std::string::npos) << "a client that is not known";
    record.steps = {{"data", 5, "354"}};
    EXPECT_NE(explain(record).find("refused at its end"), std::string::npos);
    record.outcomes = {{"", message::Outcome::aborted, "", "", ""}};
    EXPECT_NE(explain(record).find("before any recipient: aborted"), std::string::npos);
    EXPECT_NE(explain(record).find("The client went away"), std::string::npos);
}

TEST(Explain, StaysShortAndPrintable) {
    Mail mail;
    std::vector<std::string> recipients;
    for (int i = 0; i < 900; ++i) recipients.push_back("u\x1b[0m\xff" + std::to_string(i) + "@example.com");
    mail.to(recipients);
    mail.envelope.client.helo = "\r\nevil\x07";
    for (int i = 0; i < 10'000; ++i) {
        mail.with_gap(GapReason::too_many, std::string(1000, '\n'));
        mail.with("b", "b.e" + std::to_string(i), std::string(5000, '\xfe'));
    }
    const auto text = explain(record_of(mail, policy_of(default_policy_text())));
    EXPECT_LT(text.size(), 100'000U);
    EXPECT_TRUE(base::is_valid_utf8(text));
    EXPECT_EQ(text.find_first_of("\x1b\x07\r"), std::string::npos);
    EXPECT_NE(text.find("and 9990 more"), std::string::npos);
}

}  // namespace
}  // namespace gatehouse::decide
