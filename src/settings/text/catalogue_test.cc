#include "settings/text/catalogue.h"

#include <gtest/gtest.h>

#include <array>

#include "settings/text/later.h"
#include "settings/text/parse.h"
#include "settings/text/render.h"

namespace gatehouse::settings::text {
namespace {

using base::field;
using base::make_table;

struct Smtp {
    std::vector<std::string> listen{"127.0.0.1:2525"};
    std::int64_t max_recipients = 5000;
    std::string token;
};
constexpr std::array kSmtpFields{
    field<&Smtp::listen>("listen", "where to listen", {.reload = base::Reload::restart}),
    field<&Smtp::max_recipients>("max_recipients", "a|b", {.min = 1, .max = 100'000}),
    field<&Smtp::token>("token", "a secret", {.secret = true}),
};
constexpr auto kSmtp = make_table<Smtp>("smtp", "the server", kSmtpFields);

struct Hop {
    std::string domain = "*";
};
constexpr std::array kHopFields{field<&Hop::domain>("domain", "which mail")};
constexpr auto kHop = make_table<Hop>("next_hop", "where mail goes", kHopFields, true);

struct Clamd {
    std::string clamd = "managed";
};
constexpr std::array kClamdFields{field<&Clamd::clamd>("clamd", "the engine")};
constexpr auto kClamd = make_table<Clamd>("antivirus", "the engine", kClamdFields);

struct Grace {
    std::int64_t grace = 600;
};
constexpr std::array kGraceFields{
    field<&Grace::grace>("grace", "patience", {.min = 0, .unit = "s", .reload = base::Reload::live})};
constexpr auto kGrace = make_table<Grace>("antivirus", "what decisions read", kGraceFields);

struct Exceptions {
    std::string malformed = "quarantine";
};
constexpr std::array kExceptionFields{field<&Exceptions::malformed>("malformed", "what to do")};
constexpr auto kExceptions =
    make_table<Exceptions>("antivirus.exceptions", "scanning exceptions", kExceptionFields);

constexpr std::array kRuleFields{field<&Hop::domain>("name", "its name")};
constexpr auto kRule = make_table<Hop>("rule", "a rule", kRuleFields, true);
constexpr std::array kWhenFields{field<&Hop::domain>("any", "or"), field<&Hop::domain>("all", "and")};
constexpr auto kWhen = make_table<Hop>("rule.when", "its condition", kWhenFields);

Catalogue catalogue() {
    return Catalogue({{File::gatehouse, &kSmtp},
                      {File::gatehouse, &kHop},
                      {File::gatehouse, &kClamd},
                      {File::settings, &kGrace},
                      {File::settings, &kExceptions},
                      {File::policy, &kRule, true},
                      {File::policy, &kWhen, true}});
}

std::string check(File file, std::string_view toml) {
    const auto tree = parse(toml, file_name(file));
    if (!tree) return tree.error().sentence;
    const auto checked = catalogue().check(file, *tree);
    return checked ? "ok" : checked.error().sentence;
}

struct Case {
    File file;
    std::string_view toml;
    std::string_view sentence;
};

TEST(Catalogue, OneClearErrorForEachKindOfMistake) {
    const std::array cases{
        Case{File::gatehouse, "", "ok"},
        Case{File::gatehouse, "[smtp]\nlisten = \"x\"\n[[next_hop]]\ndomain = \"a\"\n[[next_hop]]\n", "ok"},
        Case{File::gatehouse, "[smpt]\n", "gatehouse.toml:1: unknown table [smpt]; did you mean smtp?"},
        Case{File::gatehouse, "[smtp]\nlistne = \"x\"\n",
             "gatehouse.toml:2: unknown key smtp.listne; did you mean smtp.listen?"},
        Case{File::gatehouse, "[quite_another_thing]\n",
             "gatehouse.toml:1: unknown table [quite_another_thing]"},
        Case{File::gatehouse, "x = 1\n", "gatehouse.toml:1: unknown key x"},
        Case{File::gatehouse, "smtp = 1\n", "gatehouse.toml:1: smtp must be a table, not an integer"},
        Case{File::gatehouse, "[next_hop]\ndomain = \"x\"",
             "gatehouse.toml:1: next_hop must be tables written as [[next_hop]], not a table"},
        Case{File::gatehouse, "next_hop = [1]",
             "gatehouse.toml:1: next_hop must be tables written as [[next_hop]], not an integer"},
        Case{File::gatehouse, "[[next_hop]]\n[[next_hop]]\ndomian = \"x\"\n",
             "gatehouse.toml:3: unknown key next_hop.domian; did you mean next_hop.domain?"},
        Case{File::gatehouse, "[smtp]\nmax_recipients = 0",
             "gatehouse.toml:2: max_recipients must be an integer from 1 to 100000, not 0"},
        Case{File::gatehouse, "[smtp]\nmax_recipients = \"many\"",
             "gatehouse.toml:2: max_recipients must be an integer from 1 to 100000, not \"many\""},
        Case{File::gatehouse, "[smtp.deep]\nx = 1", "gatehouse.toml:1: unknown table [smtp.deep]"},
        Case{File::settings, "[smtp]\nlisten = []",
             "settings.toml:1: [smtp] lives in gatehouse.toml, not in settings.toml"},
        Case{File::settings, "[antivirus]\nclamd = \"off\"",
             "settings.toml:2: antivirus.clamd lives in gatehouse.toml, not in settings.toml"},
        Case{File::gatehouse, "[antivirus]\ngrace = 5",
             "gatehouse.toml:2: antivirus.grace lives in settings.toml, not in gatehouse.toml"},
        Case{File::gatehouse, "[antivirus.exceptions]\nmalformed = \"delete\"",
             "gatehouse.toml:1: [antivirus.exceptions] lives in settings.toml, not in gatehouse.toml"},
        Case{File::settings, "[antivirus]\ngrace = \"10 min\"\n[antivirus.exceptions]\nmalformed = \"x\"",
             "ok"},
        Case{File::settings, "[antivirus]\nexceptions = 1",
             "settings.toml:2: antivirus.exceptions must be a table, not an integer"},
        Case{File::settings, "[[rule]]\n",
             "settings.toml:1: [rule] lives in policy.toml, not in settings.toml"},
        Case{File::policy, "[[rule]]\nwhatever = 1\n[rule.when]\nx = []", "ok"},
        Case{File::policy, "[[ruel]]\n", "policy.toml:1: unknown table [ruel]; did you mean rule?"},
        Case{File::gatehouse, "[web_reputation]\nenabled = false",
             "gatehouse.toml:1: [web_reputation] lives in settings.toml, not in gatehouse.toml"},
    };
    for (const auto& one : cases) EXPECT_EQ(check(one.file, one.toml), one.sentence) << one.toml;
}

TEST(Later, WhatStaysOffIsAcceptedWhatSwitchesOnIsRefused) {
    const std::array cases{
        Case{File::settings,
             "[web_reputation]\nenabled = false\nlevel = \"high\"\napproved = [\"a.example\"]", "ok"},
        Case{
            File::settings, "[web_reputation]\nenabled = true",
            "settings.toml:2: web_reputation.enabled = true: Web Reputation is not in this version (leave it "
            "out or false)"},
        Case{
            File::settings, "[web_reputation]\nremote = \"full\"",
            "settings.toml:2: web_reputation.remote = \"full\": Web Reputation is not in this version (leave "
            "it out or \"off\")"},
        Case{File::settings, "[web_reputation]\nlevel = \"highest\"",
             "settings.toml:2: level must be one of low, medium, high, not \"highest\""},
        Case{File::settings, "[web_reputation]\nenabeld = true",
             "settings.toml:2: unknown key web_reputation.enabeld (Web Reputation is not in this version); "
             "did "
             "you mean enabled?"},
        Case{File::settings, "[intellitrap]\nsend_samples = true",
             "settings.toml:2: intellitrap.send_samples = true: IntelliTrap is not in this version (leave it "
             "out or false)"},
        Case{File::settings, "[smart_feedback]\nlevel = 0\nindustry = \"mail\"", "ok"},
        Case{File::settings, "[smart_feedback]\nlevel = 1",
             "settings.toml:2: smart_feedback.level = 1: Smart Feedback is not in this version (leave it out "
             "or 0)"},
        Case{File::settings, "[smart_feedback]\nlevel = 3",
             "settings.toml:2: level must be an integer from 0 to 2, not 3"},
        Case{File::settings, "[virtual_analyzer]\nmode = \"off\"\nsubmit = [\"script\"]", "ok"},
        Case{File::settings, "[virtual_analyzer]\nmode = \"embedded\"",
             "settings.toml:2: virtual_analyzer.mode = \"embedded\": the Virtual Analyzer is not in this "
             "version (leave it out or \"off\")"},
        Case{File::settings, "[email_reputation]\nenabled = false\ncode = 550", "ok"},
        Case{File::settings, "[ip_filtering]\nblocked = [\"192.0.2.1\"]",
             "settings.toml:2: ip_filtering.blocked = [\"192.0.2.1\"]: IP filtering is not in this version "
             "(leave it out or [])"},
        Case{File::settings, "[ip_profiler.dha]\nenabled = false", "ok"},
        Case{File::settings, "[ip_profiler.dha]\nenabled = true",
             "settings.toml:2: ip_profiler.dha.enabled = true: the IP profiler is not in this version (leave "
             "it out or false)"},
        Case{File::settings, "[ip_profiler.dhaa]\n",
             "settings.toml:1: unknown table [ip_profiler.dhaa]; did you mean ip_profiler.dha?"},
        Case{File::settings, "[mail_auth]\nenabled = false\n[[mail_auth.sender]]\nnetwork = \"10.0.0.0/8\"",
             "settings.toml:3: [[mail_auth.sender]]: mail authentication is not in this version (leave it "
             "out)"},
        Case{File::settings, "[mail_auth]\ndmarc_enforce = true",
             "settings.toml:2: mail_auth.dmarc_enforce = true: mail authentication is not in this version "
             "(leave it out or false)"},
        Case{File::settings, "[control_manager]\nenabled = false\nserver = \"x\"\npoll_seconds = 60", "ok"},
        Case{File::settings, "[privacy]\nrecords_days = 30",
             "settings.toml:2: unknown key privacy.records_days (retention per class of data is not in this "
             "version)"},
        Case{File::policy, "[[address_group]]\nname = \"x\"",
             "policy.toml:1: [[address_group]]: address groups are not in this version (leave it out)"},
        Case{File::policy, "area = []", "ok"},
        Case{File::gatehouse, "[dns]\nservers = []\ntimeout_ms = 500", "ok"},
        Case{File::gatehouse, "[dns]\nservers = [\"127.0.0.1:53\"]",
             "gatehouse.toml:2: dns.servers = [\"127.0.0.1:53\"]: the DNS outlet is not in this version "
             "(leave it "
             "out or [])"},
        Case{File::gatehouse, "[smtp]\nmynetworks = \"10.0.0.0/8\"",
             "gatehouse.toml:2: unknown key smtp.mynetworks; did you mean smtp.permitted_senders?"},
        Case{File::gatehouse, "[clamav]\n",
             "gatehouse.toml:1: unknown table [clamav]; did you mean antivirus?"},
    };
    for (const auto& one : cases) EXPECT_EQ(check(one.file, one.toml), one.sentence) << one.toml;
}

TEST(Later, EveryOffValueIsAcceptedByItsOwnKey) {
    for (const auto& table : later_tables()) {
        for (const auto& key : table.keys) {
            if (key.off.empty()) continue;
            const auto tree = parse("x = " + std::string(key.off), "f");
            ASSERT_TRUE(tree);
            EXPECT_TRUE(check_later(table, key.field.name, *tree->find("x"))) << key.field.name;
        }
    }
}

TEST(Catalogue, HostileKeysStayPrintableAndBounded) {
    const std::string sentence = check(File::gatehouse, "\"" + std::string(100'000, 'k') + "\" = 1");
    EXPECT_LT(sentence.size(), 300U);
    EXPECT_EQ(check(File::gatehouse, "\"a\\u0007b\" = 1"), "gatehouse.toml:1: unknown key a\\x07b");
}

Trees trees(std::string_view gatehouse, std::string_view settings) {
    return {parse(gatehouse, "etc/gatehouse.toml").value(), parse(settings, "settings.toml").value(), {}};
}

TEST(Catalogue, OriginNamesThePlaceOrDefault) {
    auto all = trees("[smtp]\n\nlisten = \"x\"\n[[next_hop]]\ndomain = \"a\"\n[[next_hop]]\ndomain = \"b\"",
                     "[antivirus]\ngrace = 5\n[smart_feedback]\nlevel = 0");
    all.policy =
        parse("[[rule]]\nname = \"a\"\nwhen.any = [\"spam\"]\n[[rule]]\nname = \"b\"\n[rule.when]\nany = []",
              "policy.toml")
            .value();
    const auto origin = [&](std::string_view key) {
        const auto found = catalogue().origin(all, key);
        return found ? *found : found.error().sentence;
    };
    EXPECT_EQ(origin("smtp.listen"), "etc/gatehouse.toml:3");
    EXPECT_EQ(origin("smtp.max_recipients"), "built-in default");
    EXPECT_EQ(origin("antivirus.grace"), "settings.toml:2");
    EXPECT_EQ(origin("antivirus.clamd"), "built-in default");
    EXPECT_EQ(origin("antivirus.exceptions.malformed"), "built-in default");
    EXPECT_EQ(origin("next_hop.domain"), "etc/gatehouse.toml:5, etc/gatehouse.toml:7");
    EXPECT_EQ(origin("smart_feedback.level"), "settings.toml:4");
    EXPECT_EQ(origin("next_hop"), "etc/gatehouse.toml:4, etc/gatehouse.toml:6");
    EXPECT_EQ(origin("rule.when.any"), "policy.toml:3, policy.toml:7");
    EXPECT_EQ(origin("rule.name"), "policy.toml:2, policy.toml:5");
    EXPECT_EQ(origin("rule.when"), "policy.toml:3, policy.toml:6");
    EXPECT_EQ(origin("rule.when.all"), "built-in default");
    EXPECT_EQ(origin("smtp.mynetworks"), "unknown key smtp.mynetworks; did you mean smtp.permitted_senders?");
    EXPECT_EQ(origin("smtp.listne"), "unknown key smtp.listne; did you mean smtp.listen?");
}

TEST(Render, ReferenceHoldsEveryKey) {
    const std::string text = reference(catalogue());
    const auto known = catalogue();
    for (const auto& entry : known.entries()) {
        for (const auto& name : entry.table->names()) {
            EXPECT_NE(text.find("| `" + name + "` |"), std::string::npos) << name;
        }
    }
    EXPECT_NE(text.find("## settings.toml\n\n### [antivirus]"), std::string::npos);
    EXPECT_NE(text.find("| `grace` | patience | an integer of at least 0 (s) | `600` | reload |"),
              std::string::npos);
    EXPECT_NE(text.find("a\\|b"), std::string::npos);
    EXPECT_NE(text.find("| settings.toml | `web_reputation.enabled` | only `false` |"), std::string::npos);
    EXPECT_NE(text.find("| policy.toml | `[[area]]` | nothing |"), std::string::npos);
}

TEST(Render, ShowPrintsEffectiveValuesAndMasksSecrets) {
    const std::string text = show(
        catalogue(), trees("[smtp]\ntoken = \"hunter2\"\n[[next_hop]]\n", "[antivirus]\ngrace = \"1 min\""));
    EXPECT_EQ(text.find("hunter2"), std::string::npos);
    EXPECT_NE(text.find("token = \"********\"  # etc/gatehouse.toml:2"), std::string::npos);
    EXPECT_NE(text.find("listen = [\"127.0.0.1:2525\"]  # built-in default"), std::string::npos);
    EXPECT_NE(text.find("[[next_hop]]  # etc/gatehouse.toml:3\ndomain = \"*\"  # built-in default"),
              std::string::npos);
    EXPECT_NE(text.find("grace = \"1 min\"  # settings.toml:2"), std::string::npos);
    EXPECT_NE(text.find("# [[rule]]: none"), std::string::npos);
    const auto settings_part = text.find("# settings.toml");
    EXPECT_TRUE(parse(std::string_view(text).substr(0, settings_part), "shown")) << text;
    EXPECT_TRUE(parse(std::string_view(text).substr(settings_part), "shown")) << text;
}

}  // namespace
}  // namespace gatehouse::settings::text
