// The commands as an operator meets them: what a configuration is refused for, exit codes, JSON of failures,
// help, and what works while other things are broken. Most of it needs no gateway.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/eicar.h"
#include "support/gateway/gateway_test.h"

namespace gatehouse::testing {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::size_t lines_of(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

std::vector<json::object> objects_of(const std::string& text) {
    std::vector<json::object> out;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        boost::system::error_code error;
        const auto value = json::parse(line, error);
        EXPECT_TRUE(!error && value.is_object()) << line;
        if (!error && value.is_object()) out.push_back(value.get_object());
    }
    return out;
}

/// A folder with configuration files and the command run in it.
class CommandTest : public ::testing::Test {
  protected:
    std::string path(const std::string& name) const { return folder_.path() + "/" + name; }
    void write(const std::string& name, const std::string& text) const {
        fs::create_directories(fs::path(path(name)).parent_path());
        std::ofstream(path(name), std::ios::binary) << text;
    }
    /// A configuration without fault or warning, and more.
    void write_config(const std::string& more = {}, const std::string& smtp = {}) const {
        write("gatehouse.toml",
              "[paths]\nstate = \"state\"\n[antivirus]\nclamd = \"off\"\n[[next_hop]]\naddress = "
              "\"127.0.0.1:2526\"\n" +
                  more + "\n[smtp]\nrelay_domains = [\"gw.test\"]\n" + smtp + "\n");
    }
    static Finished bare(std::vector<std::string> words, const std::string& input = {}) {
        words.insert(words.begin(), program_folder() + "/gatehouse");
        return run_program(words, input);
    }
    Finished run(std::vector<std::string> words, const std::string& input = {}) const {
        words.insert(words.end(), {"--config", path("gatehouse.toml")});
        return bare(std::move(words), input);
    }
    /// The one line that `config check` refuses the configuration with.
    std::string refusal() const {
        const auto done = run({"config", "check"});
        EXPECT_EQ(done.exit_code, 2) << done.out << done.err;
        EXPECT_EQ(lines_of(done.err), 1U) << done.err;
        return done.err;
    }
    std::string warnings() const {
        const auto done = run({"config", "check", "--json"});
        EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
        const auto rows = objects_of(done.out);
        return rows.size() == 1 ? json::serialize(rows[0].at("warnings")) : "?";
    }

    TemporaryFolder folder_;
};

// --- config ---------------------------------------------------------------------------------------------

TEST_F(CommandTest, AGoodConfigurationHasNoWarnings) {
    write_config();
    EXPECT_EQ(warnings(), "[]");
    const auto said = run({"config", "check"});
    EXPECT_THAT(said.out, HasSubstr("no fault found"));
    EXPECT_THAT(said.err, IsEmpty());
}

TEST_F(CommandTest, ConfigCheckRefusesWithFileLineAndKeyWhatCannotWork) {
    const auto smtp = [&](const std::string& key) {
        write_config("", key);
        return refusal();
    };
    const std::string at = "gatehouse.toml:10: ";
    EXPECT_THAT(smtp("tls_certificate = \"no.pem\"\ntls_key = \"no.key\""),
                AllOf(HasSubstr(at), HasSubstr("smtp.tls_certificate"), HasSubstr("no.pem")));
    EXPECT_THAT(smtp("tls_certificate = \"no.pem\""),
                AllOf(HasSubstr(at), HasSubstr("smtp.tls_key is missing")));
    EXPECT_THAT(smtp("tls_key = \"no.pem\""),
                AllOf(HasSubstr(at), HasSubstr("smtp.tls_certificate is missing")));
    EXPECT_THAT(smtp("listen = []"), AllOf(HasSubstr(at), HasSubstr("smtp.listen is empty")));
    EXPECT_THAT(smtp("hostname = 2026-01-01"), AllOf(HasSubstr(at), HasSubstr("quotes")));
    EXPECT_THAT(smtp("permitted_senders = [\"0.0.0.0/0\"]"), AllOf(HasSubstr(at), HasSubstr("open relay")));
    EXPECT_THAT(smtp("permitted_senders = [\"10.0.0.0/8\", \"::/0\"]"),
                AllOf(HasSubstr(at), HasSubstr("open relay")));
    const auto more = [&](const std::string& tables) {
        write_config(tables);
        return refusal();
    };
    const std::string later = "gatehouse.toml:8: ";
    EXPECT_THAT(more("[admin]\nlisten = \"localhost\""), AllOf(HasSubstr(later), HasSubstr("listen")));
    EXPECT_THAT(more("[queue]\nconcurrency = 0"),
                AllOf(HasSubstr(later), HasSubstr("concurrency must be an integer from 1 to 1000")));
    write("gatehouse.toml", "[antivirus]\ndatabase = \"nowhere\"\n");
    EXPECT_THAT(refusal(), AllOf(HasSubstr("gatehouse.toml:2: antivirus.database"), HasSubstr("nowhere")));
    write("gatehouse.toml", "[testing]\nfixed_clock = \"2026-01-01T00:00:00Z\"\n");
    EXPECT_THAT(refusal(), HasSubstr("gatehouse.toml:2: testing.fixed_clock"));
    for (const std::string key : {"policy", "settings"}) {
        write("gatehouse.toml", "[paths]\n" + key + " = \"mine.toml\"\n");
        EXPECT_THAT(refusal(), AllOf(HasSubstr("gatehouse.toml:2: "), HasSubstr("mine.toml")));
    }
}

TEST_F(CommandTest, ACertificateAndAnotherKeyAreRefused) {
    for (const std::string name : {"one", "two"}) {
        const auto made = run_program({"/usr/bin/openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                                       "-subj", "/CN=gateway.test", "-days", "30", "-keyout",
                                       path(name + ".key"), "-out", path(name + ".pem")});
        ASSERT_EQ(made.exit_code, 0) << made.err;
    }
    write_config("", "tls_certificate = \"one.pem\"\ntls_key = \"one.key\"");
    EXPECT_EQ(run({"config", "check"}).exit_code, 0);
    write_config("", "tls_certificate = \"one.pem\"\ntls_key = \"two.key\"");
    EXPECT_THAT(refusal(), AllOf(HasSubstr("gatehouse.toml:10: smtp.tls_certificate"), HasSubstr("two.key")));
}

TEST_F(CommandTest, ATimeZoneMustExist) {
    write_config();
    write("settings.toml", "[general]\ntime_zone = \"Europe/Berln\"\n");
    EXPECT_THAT(refusal(), AllOf(HasSubstr("settings.toml:2: general.time_zone"),
                                 HasSubstr("did you mean Europe/Berlin?")));
    write("settings.toml", "[general]\ntime_zone = \"Europe/Berlin\"\n");
    EXPECT_EQ(warnings(), "[]");
}

TEST_F(CommandTest, ConfigCheckWarnsOfWhatIsHardlyMeant) {
    write("gatehouse.toml", "[antivirus]\nclamd = \"unix:/nowhere/clamd.sock\"\n");
    EXPECT_THAT(warnings(), AllOf(HasSubstr("[[next_hop]]"), HasSubstr("smtp.relay_domains is empty"),
                                  HasSubstr("/nowhere/clamd.sock")));
    EXPECT_THAT(run({"config", "check"}).out, HasSubstr("warning: "));
    write("gatehouse.toml",
          "[smtp]\nlisten = [\"0.0.0.0:2525\"]\nrelay_domains = [\"gw.test\"]\n[[next_hop]]\naddress = "
          "\"127.0.0.1:2525\"\n");
    EXPECT_THAT(warnings(), AllOf(HasSubstr("gatehouse.toml:4: next_hop"), HasSubstr("0.0.0.0:2525"),
                                  HasSubstr("EICAR")));
    write("db/readme", "no database");
    write("gatehouse.toml",
          "[smtp]\nrelay_domains = [\"gw.test\"]\n[[next_hop]]\naddress = \"127.0.0.1:2526\"\n"
          "[antivirus]\ndatabase = \"db\"\n");
    EXPECT_THAT(warnings(), AllOf(HasSubstr("holds no database"), HasSubstr("EICAR")));
    write_config();
    write("policy.toml", "[[rule]]\nname = \"r\"\nwhen.any = [\"antivirus.match\"]\nthen = \"delete\"\n");
    EXPECT_THAT(warnings(), AllOf(HasSubstr("policy.toml"), HasSubstr("no scanning exception acts")));
    write("gatehouse.toml", "[smtp]\nlisten = [\"127.0.0.1:2525\"]\n");
    write("policy.toml",
          "[[rule]]\nname = \"r\"\nwhen = \"always\"\nthen = [\n"
          "{ action = \"hand_off\", host = \"127.0.0.1:2525\" }]\n");
    EXPECT_THAT(warnings(), AllOf(HasSubstr("policy.toml:5: hand_off"), HasSubstr("127.0.0.1:2525")));
}

// --- what works while other things are broken -----------------------------------------------------------

TEST_F(CommandTest, ABrokenPolicyDoesNotLockTheOperatorOut) {
    const auto sink = test::Sink::start({}).value();
    Gateway gateway({.next_hops = {sink->endpoint().to_string()}});
    ASSERT_TRUE(gateway.start()) << gateway.why();
    SmtpTalk talk(gateway.smtp_port());
    ASSERT_THAT(talk.deliver("a@example.org", {"user@gw.test"}, kMail), StartsWith("250"));
    const std::string folder = fs::path(gateway.config()).parent_path().string();
    std::ofstream(folder + "/policy.toml") << "[[rule]\n";
    std::ofstream(folder + "/settings.toml") << "[general]\nnonsense = 1\n";
    std::ofstream(gateway.config(), std::ios::app) << "\n[nonsense]\n";
    EXPECT_EQ(gateway.command({"config", "check"}).exit_code, 2);
    EXPECT_EQ(gateway.command({"status"}).exit_code, 0);
    const auto rows = gateway.rows({"track"});
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(gateway.command({"explain", std::string(rows[0].at("reference").as_string())}).exit_code, 0);
    EXPECT_EQ(gateway.command({"quarantine", "list"}).exit_code, 0);
    const auto reload = gateway.command({"reload", "--json"});
    EXPECT_EQ(reload.exit_code, 2);
    EXPECT_THAT(reload.err, AllOf(StartsWith("gatehouse: "), HasSubstr("nonsense")));
    EXPECT_EQ(objects_of(reload.out).at(0).at("exit").to_number<int>(), 2);
    ASSERT_TRUE(gateway.stop());
    EXPECT_EQ(gateway.rows({"track"}).size(), 1U);
}

TEST_F(CommandTest, WhoMayNotReadTheStateIsToldInOneSentence) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    write_config();
    fs::create_directories(path("state/run"));
    ::chmod(folder_.path().c_str(), 0755);
    ::chmod(path("state").c_str(), 0700);
    const auto done =
        run_program({"/usr/bin/setpriv", "--reuid", "65534", "--clear-groups",
                     program_folder() + "/gatehouse", "track", "--config", path("gatehouse.toml")});
    if (done.exit_code == 126 || done.exit_code == 127) GTEST_SKIP() << "nobody cannot reach the program";
    EXPECT_EQ(done.exit_code, 3);
    EXPECT_EQ(lines_of(done.err), 1U) << done.err;
    EXPECT_THAT(done.err, AllOf(StartsWith("gatehouse: "), Not(HasSubstr("filesystem error"))));
}

// --- words ----------------------------------------------------------------------------------------------

TEST_F(CommandTest, WrongWordsAreOneLineAndExitTwo) {
    const auto refused = [&](std::vector<std::string> words) {
        const auto done = bare(std::move(words));
        EXPECT_EQ(done.exit_code, 2) << done.out << done.err;
        EXPECT_EQ(lines_of(done.err), 1U) << done.err;
        EXPECT_THAT(done.out, IsEmpty());
        EXPECT_THAT(done.err, StartsWith("gatehouse: "));
        return done.err;
    };
    EXPECT_EQ(refused({"bogus"}), "gatehouse: unknown command \"bogus\"; see gatehouse --help\n");
    EXPECT_EQ(refused({"quue", "list"}),
              "gatehouse: unknown command \"quue\"; did you mean queue?; see gatehouse --help\n");
    EXPECT_EQ(refused({"statsu", "--help"}).substr(0, 54),
              "gatehouse: unknown command \"statsu\"; did you mean stat");
    EXPECT_THAT(refused({"verify", "--help"}), HasSubstr("unknown command \"verify\""));
    EXPECT_THAT(refused({"quarantine", "lst"}),
                AllOf(HasSubstr("quarantine: unknown command \"lst\""), HasSubstr("did you mean list?")));
    EXPECT_THAT(refused({}), HasSubstr("a command is missing"));
    EXPECT_THAT(refused({"config"}), HasSubstr("config: a command is missing: one of check, show"));
    EXPECT_THAT(refused({"explain"}), HasSubstr("see gatehouse explain --help"));
    EXPECT_THAT(refused({"scan", "--nonsense", "x"}), HasSubstr("--nonsense"));
    EXPECT_THAT(refused({"track", "--limit", "0"}), HasSubstr("limit"));
    EXPECT_THAT(refused({"track", "--limit", "10001"}), HasSubstr("limit"));
    EXPECT_THAT(refused({"restart", "engine"}), HasSubstr("scan"));
}

TEST_F(CommandTest, HelpAndVersionAreAnswered) {
    EXPECT_THAT(bare({"--version"}).out, StartsWith("gatehouse "));
    EXPECT_EQ(bare({"--version"}).exit_code, 0);
    EXPECT_EQ(bare({"help"}).exit_code, 0);
    for (const std::string command : {"scan", "track", "restart", "status"}) {
        const auto help = bare({command, "--help"});
        EXPECT_EQ(help.exit_code, 0);
        EXPECT_THAT(help.out, AllOf(HasSubstr("--config"), HasSubstr("--json"))) << command;
    }
    EXPECT_THAT(bare({"quarantine", "list", "--help"}).out, HasSubstr("--config"));
    EXPECT_THAT(bare({"restart", "--help"}).out, HasSubstr("open transactions get"));
}

TEST_F(CommandTest, FailuresAreOneObjectWithJson) {
    write("gatehouse.toml", "[nonsense]\n");
    const std::vector<std::vector<std::string>> failing{
        {"scan", "x.eml"}, {"config", "show"}, {"config", "origin", "smtp.listen"},
        {"run"},           {"bogus"},          {"track", "--limit", "no"}};
    for (auto words : failing) {
        words.emplace_back("--json");
        const auto done = run(words);
        EXPECT_EQ(done.exit_code, 2) << words[0];
        const auto rows = objects_of(done.out);
        ASSERT_EQ(rows.size(), 1U) << words[0];
        EXPECT_EQ(rows[0].at("exit").to_number<int>(), 2);
        EXPECT_TRUE(rows[0].at("error").is_string());
    }
    write_config();
    for (const std::string command : {"status", "track", "reload"}) {
        const auto done = run({command, "--json"});
        EXPECT_EQ(done.exit_code, 3) << command;
        const auto rows = objects_of(done.out);
        ASSERT_EQ(rows.size(), 1U) << command;
        EXPECT_EQ(rows[0].at("exit").to_number<int>(), 3);
    }
}

// --- config show, origin, reference ---------------------------------------------------------------------

TEST_F(CommandTest, ConfigSpeaksJson) {
    write_config();
    const auto shown = objects_of(run({"config", "show", "--json"}).out);
    const auto key = [&](const std::string& name) {
        for (const auto& row : shown) {
            if (row.at("key") == json::value(name)) return row;
        }
        return json::object();
    };
    EXPECT_EQ(json::serialize(key("smtp.relay_domains").at("value")), "[\"gw.test\"]");
    EXPECT_THAT(std::string(key("smtp.relay_domains").at("origin").as_string()),
                HasSubstr("gatehouse.toml:9"));
    EXPECT_EQ(key("smtp.max_recipients").at("origin").as_string(), "built-in default");
    EXPECT_EQ(json::serialize(key("next_hop[0].address").at("value")), "\"127.0.0.1:2526\"");
    EXPECT_EQ(key("rule[0].name").at("origin").as_string(), "built-in default");
    const auto origin = objects_of(run({"config", "origin", "antivirus.grace", "--json"}).out);
    ASSERT_EQ(origin.size(), 1U);
    EXPECT_EQ(origin[0].at("origin").as_string(), "built-in default");
    EXPECT_THAT(run({"config", "origin", "rule.when.any"}).out, HasSubstr("built-in default"));
    const auto wrong = run({"config", "origin", "smtp.mynetworks"});
    EXPECT_EQ(wrong.exit_code, 2);
    EXPECT_THAT(wrong.err, HasSubstr("did you mean smtp.permitted_senders?"));
    bool has_evidence = false;
    bool has_condition = false;
    for (const auto& row : objects_of(run({"config", "reference", "--json"}).out)) {
        has_evidence |= row.contains("evidence") && row.at("evidence") == json::value("malformed.ambiguous");
        has_condition |= row.contains("condition");
    }
    EXPECT_TRUE(has_evidence && has_condition);
    const auto text = run({"config", "reference"}).out;
    EXPECT_THAT(text, AllOf(HasSubstr("every key but `records_days`, `tracking_days`"),
                            HasSubstr("only \"default\" in this version"), HasSubstr("\"30 MiB\""),
                            HasSubstr("| `antivirus.match` |"), HasSubstr("| `gap.*` |")));
}

TEST_F(CommandTest, NamesOfOtherProgramsAreUnderstood) {
    const auto refused = [&](const std::string& file, const std::string& text) {
        write_config();
        write(file, text);
        const std::string sentence = refusal();
        fs::remove(path(file));
        return sentence;
    };
    EXPECT_THAT(refused("policy.toml", "[[rule]]\nname = \"r\"\nwhen.or = [\"spam\"]\nthen = \"delete\"\n"),
                AllOf(HasSubstr("policy.toml:3"), HasSubstr("did you mean rule.when.any?")));
    EXPECT_THAT(
        refused("policy.toml",
                "[[rule]]\nname = \"r\"\nroute.from = [\"*\"]\nwhen = \"always\"\nthen = \"delete\"\n"),
        HasSubstr("did you mean rule.route.senders?"));
    EXPECT_THAT(refused("policy.toml", "[[rule]]\nname = \"r\"\nwhen = \"always\"\naction = \"delete\"\n"),
                HasSubstr("did you mean rule.then?"));
    EXPECT_THAT(refused("settings.toml", "[[area]]\nname = \"x\"\n"), HasSubstr("not in this version"));
    write_config("", "mynetworks = [\"10.0.0.0/8\"]");
    EXPECT_THAT(refusal(), HasSubstr("did you mean smtp.permitted_senders?"));
    write_config("[dns]\nservers = [\"127.0.0.1:53\"]");
    EXPECT_THAT(refusal(), AllOf(HasSubstr("gatehouse.toml:8"), HasSubstr("not in this version")));
}

TEST_F(CommandTest, EveryExampleOfThePolicyPageIsAccepted) {
    write_config();
    std::ifstream page(GATEHOUSE_SOURCE_ROOT "/docs/policy.md");
    std::string text;
    std::size_t count = 0;
    bool is_inside = false;
    for (std::string line; std::getline(page, line);) {
        if (line == "```" && is_inside) {
            write("policy.toml", text);
            const auto done = run({"config", "check"});
            EXPECT_EQ(done.exit_code, 0) << done.err << text;
            EXPECT_THAT(done.out, Not(HasSubstr("warning")));
            ++count;
        }
        if (is_inside) text += line + "\n";
        if (!line.starts_with("```")) continue;
        is_inside = line == "```toml";
        text.clear();
    }
    EXPECT_EQ(count, 6U);
}

// --- scan -----------------------------------------------------------------------------------------------

TEST_F(CommandTest, ScanDoesWhatItCanAndEndsWithThree) {
    write_config();
    write("good.eml", with_crlf(kMail));
    const auto both = run({"scan", path("good.eml"), path("missing.eml")});
    EXPECT_EQ(both.exit_code, 3);
    EXPECT_THAT(both.out, HasSubstr("good.eml: clean\n"));
    EXPECT_THAT(both.err, AllOf(HasSubstr("missing.eml does not exist"), HasSubstr("gatehouse: ")));
    EXPECT_EQ(lines_of(both.err), 1U) << both.err;
    fs::create_directories(path("empty"));
    const auto empty = run({"scan", path("empty")});
    EXPECT_EQ(empty.exit_code, 0);
    EXPECT_THAT(empty.out, IsEmpty());
    EXPECT_THAT(empty.err, HasSubstr("no file to scan"));
    EXPECT_EQ(run({"scan", path("missing.eml")}).exit_code, 3);
}

TEST_F(CommandTest, ScanNamesWhatItFoundAndKeepsTheOrder) {
    write_config();
    std::string mbox;
    for (int i = 0; i < 20; ++i) {
        mbox += "From a@example.org Mon Jan  5 09:00:00 2026\nSubject: " + std::to_string(i) + "\n\n" +
                std::string(static_cast<std::size_t>(20 - i) * 20'000, 'x') + "\n\n";
    }
    write("box.mbox", mbox);
    const auto done = run({"scan", path("box.mbox")});
    std::istringstream lines(done.out);
    int count = 0;
    for (std::string line; std::getline(lines, line);)
        EXPECT_THAT(line, HasSubstr("box.mbox#" + std::to_string(++count) + ": "));
    EXPECT_EQ(count, 20);
    if (!fs::exists("/usr/sbin/clamd")) GTEST_SKIP() << "clamd is not installed";
    write("gatehouse.toml", "[[next_hop]]\naddress = \"127.0.0.1:2526\"\n");
    write("two.eml", with_crlf(mail_with("test.zip", stored_zip("test.com", eicar()))));
    const auto found = run({"scan", path("two.eml")});
    EXPECT_EQ(found.exit_code, 1) << found.err;
    EXPECT_THAT(found.out, AllOf(HasSubstr("two.eml: virus ("), HasSubstr("icar")));
}

TEST_F(CommandTest, HostileExpressionsAreRefusedByName) {
    write_config();
    const auto with = [&](const std::string& pattern) {
        write("policy.toml",
              "[[expression_list]]\nname = \"L\"\nexpression = [\n  \"fine\",\n  '" + pattern +
                  "',\n]\n[[rule]]\nname = \"r\"\nkind = \"antivirus\"\nwhen = { any = "
                  "[\"content.expression = L\", \"antivirus.match\"] }\nthen = [\"quarantine\"]\n");
    };
    with("(a+");
    EXPECT_THAT(refusal(),
                HasSubstr("policy.toml:5: the expression \"(a+\" is refused: Missing close parenthesis"));
    with("x.{1000,3000}y");
    EXPECT_THAT(refusal(),
                HasSubstr("policy.toml:5: the expression \"x.{1000,3000}y\" is refused: Pattern is too "
                          "large (repeat less"));
    with("a*");
    EXPECT_THAT(refusal(), HasSubstr("it is found in every text"));
    with("blue\\s+falcon");
    EXPECT_EQ(warnings(), "[]");
    write("mail.eml", with_crlf("Subject: x\n\nThe Blue\nFalcon flies.\n"));
    const auto scanned = run({"scan", "--json", path("mail.eml")});
    EXPECT_EQ(scanned.exit_code, 1) << scanned.err;
    EXPECT_THAT(scanned.out, AllOf(HasSubstr("\"list\": \"L\""), HasSubstr("content.expression = L")));
}

TEST_F(CommandTest, ScanChecksItsEnvelope) {
    write_config();
    write("good.eml", with_crlf(kMail));
    const auto scan = [&](std::vector<std::string> words) {
        words.insert(words.begin(), {"scan", path("good.eml")});
        return run(words);
    };
    for (const std::vector<std::string>& wrong : {std::vector<std::string>{"--client", "mail.example.org"},
                                                  {"--from", "nobody at all"},
                                                  {"--to", "user@"},
                                                  {"--to", "<>"}}) {
        const auto done = scan(wrong);
        EXPECT_EQ(done.exit_code, 2) << wrong[1];
        EXPECT_EQ(lines_of(done.err), 1U) << done.err;
        EXPECT_THAT(done.err, HasSubstr(wrong[0]));
    }
    EXPECT_EQ(scan({"--client", "192.0.2.1", "--from", "<>", "--to", "user@gw.test"}).exit_code, 0);
    EXPECT_THAT(scan({"--explain"}).out, AllOf(HasSubstr("1 recipient,"), Not(HasSubstr("()"))));
}

// --- status, track, quarantine --------------------------------------------------------------------------

TEST_F(CommandTest, StatusSaysFirstWhatIsWrong) {
    const auto sink = test::Sink::start({}).value();
    Gateway gateway(
        {.next_hops = {sink->endpoint().to_string()},
         .policy = "[[rule]]\nname = \"r\"\nwhen.any = [\"antivirus.match\"]\nthen = \"delete\"\n"});
    ASSERT_TRUE(gateway.start()) << gateway.why();
    const auto status = gateway.command({"status"});
    EXPECT_EQ(status.exit_code, 0);
    EXPECT_THAT(status.out, AllOf(HasSubstr("problem"), HasSubstr("no scanning exception acts"),
                                  HasSubstr("roles      supervisor (pid "), HasSubstr("MiB in flight"),
                                  HasSubstr("next hops  * -> "), Not(HasSubstr("report")),
                                  Not(HasSubstr("system calls"))));
    EXPECT_LE(lines_of(status.out), 40U) << status.out;
    EXPECT_THAT(gateway.log(), HasSubstr("no scanning exception acts"));
    EXPECT_THAT(gateway.command({"status", "--verbose"}).out, HasSubstr("system calls allowed"));
    for (const auto& row : gateway.rows({"status"})) EXPECT_TRUE(row.contains("role"));
}

TEST_F(CommandTest, TrackFindsByClientReferenceAndDay) {
    const auto sink = test::Sink::start({}).value();
    Gateway gateway({.next_hops = {sink->endpoint().to_string()}});
    ASSERT_TRUE(gateway.start()) << gateway.why();
    SmtpTalk talk(gateway.smtp_port());
    ASSERT_THAT(talk.deliver("", {"user@gw.test"}, kMail), StartsWith("250"));
    const auto rows = gateway.rows({"track"});
    ASSERT_EQ(rows.size(), 1U);
    const std::string reference(rows[0].at("reference").as_string());
    EXPECT_EQ(gateway.rows({"track", "--ref", reference}).size(), 1U);
    EXPECT_EQ(gateway.rows({"track", "--client", "127.0.0.1", "--since", "2020-01-01"}).size(), 1U);
    EXPECT_EQ(gateway.rows({"track", "--client", "192.0.2.1"}).size(), 0U);
    EXPECT_EQ(gateway.rows({"track", "--until", "2020-01-01"}).size(), 0U);
    EXPECT_EQ(gateway.command({"track", "--client", "somebody"}).exit_code, 2);
    EXPECT_EQ(gateway.rows({"track", "--from", "<>"}).size(), 1U);
    EXPECT_THAT(gateway.command({"track"}).out, AllOf(HasSubstr(" <> "), Not(HasSubstr("attempt"))));
    EXPECT_THAT(gateway.command({"explain", reference}).out, HasSubstr("1 recipient,"));
}

TEST_F(CommandTest, WhatIsDeletedIsDeletedOnce) {
    const auto sink = test::Sink::start({}).value();
    Gateway gateway({.next_hops = {sink->endpoint().to_string()},
                     .policy = "[[rule]]\nname = \"all\"\nwhen = \"always\"\nthen = \"quarantine\"\n"});
    ASSERT_TRUE(gateway.start()) << gateway.why();
    SmtpTalk talk(gateway.smtp_port());
    ASSERT_THAT(talk.deliver("a@example.org", {"user@gw.test"}, kMail), StartsWith("250"));
    const auto rows = gateway.rows({"quarantine", "list"});
    ASSERT_EQ(rows.size(), 1U);
    const std::string id(rows[0].at("id").as_string());
    const auto deleted = gateway.command({"quarantine", "delete", id, "--json"});
    EXPECT_EQ(deleted.exit_code, 0);
    EXPECT_TRUE(objects_of(deleted.out).at(0).contains("message"));
    for (const std::string verb : {"delete", "release", "show"}) {
        const auto again = gateway.command({"quarantine", verb, id});
        EXPECT_EQ(again.exit_code, 1) << verb << again.out << again.err;
        EXPECT_THAT(again.err, HasSubstr("deleted")) << verb;
    }
    EXPECT_EQ(sink->message_count(), 0U);
}

}  // namespace
}  // namespace gatehouse::testing
