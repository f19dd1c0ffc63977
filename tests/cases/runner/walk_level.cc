#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "base/text.h"
#include "base/time.h"
#include "expectations.h"
#include "hops.h"
#include "levels.h"
#include "settings/text/parse.h"
#include "support/fake_clamd.h"
#include "support/gateway/gateway.h"
#include "support/gateway/smtp_talk.h"

namespace gatehouse::cases {

using base::Fault;
using base::Result;
namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

constexpr auto kRestWithin = 30s;  // the queue has nothing to do any more
constexpr auto kLookEvery = 50ms;
constexpr auto kDueSoon = 10s;      // what is due by then is waited for; the first retry is a minute away
constexpr auto kSettleWithin = 2s;  // what comes behind the reply, such as a notice of success
constexpr std::size_t kRows = 100;

// --- what the case scripts

struct Scripted {
    std::string clamd;  ///< the last word about it; empty = the real one
    std::vector<Script> hops;
};

Result<Scripted> read_scripts(const CaseFile& file) {
    Scripted out;
    for (const auto& script : file.answers) {
        const auto& said = script.value;
        if (script.subject.starts_with("hop ")) {
            out.hops.push_back(script);
        } else if (script.subject == "clamd" &&
                   (said == "ok" || said == "down" || said.starts_with("found "))) {
            out.clamd = said;
        } else {
            return base::fail(Fault::usage, "{}:{}: {} = {} cannot be scripted", file.path, script.line,
                              script.subject, said);
        }
    }
    return out;
}

bool has_clamd() {
    return std::filesystem::exists("/usr/sbin/clamd") || std::filesystem::exists("/usr/bin/clamd");
}

// --- the client

/// What it heard.
struct Heard {
    std::string last;  ///< to the message, or the refusal that came before
    std::string mail;
    json::array rcpt;  ///< "ADDRESS REPLY"
};

std::string command_of(std::string_view verb, const CasePath& path) {
    return fmt::format("{}:<{}>{}{}", verb, path.address, path.parameters.empty() ? "" : " ",
                       path.parameters);
}

Heard converse(testing::SmtpTalk& talk, const CaseFile& file) {
    Heard heard;
    heard.last = heard.mail = talk.ask(command_of("MAIL FROM", file.envelope.from));
    if (!heard.mail.starts_with("250")) return heard;
    bool any = false;
    std::string refusal;
    for (const auto& path : file.envelope.to) {
        const auto reply = talk.ask(command_of("RCPT TO", path));
        heard.rcpt.push_back(json::value(path.address + " " + reply));
        any = any || reply.starts_with('2');
        if (refusal.empty() && !reply.starts_with('2')) refusal = reply;
    }
    heard.last = any ? talk.ask("DATA") : refusal;
    if (!any || !heard.last.starts_with("354")) return heard;
    std::string stuffed = testing::dot_stuffed(file.message);
    if (!stuffed.ends_with("\r\n")) stuffed += "\r\n";
    talk.send(stuffed + ".\r\n");
    heard.last = talk.hear();
    return heard;
}

Heard send(const testing::Gateway& gateway, const CaseFile& file) {
    Heard heard;
    testing::SmtpTalk talk(gateway.smtp_port());
    heard.last = talk.hear();
    if (!heard.last.starts_with("220")) return heard;
    talk.ask("EHLO " + file.envelope.helo);
    heard.last = talk.ask(fmt::format("XCLIENT ADDR={}", file.envelope.client));
    if (!heard.last.starts_with("220")) return heard;
    talk.ask("EHLO " + file.envelope.helo);
    return converse(talk, file);
}

// --- what happens behind it

/// The gateway's wall clock: moved by the case, and perhaps not ours to begin with.
class WallClock {
  public:
    explicit WallClock(const CaseFile& file) {
        const auto tree = settings::text::parse(split_settings(file.settings).gatehouse, file.path);
        const auto* testing = tree ? tree->find("testing") : nullptr;
        const auto* fixed = testing == nullptr ? nullptr : testing->find("fixed_clock");
        if (fixed == nullptr || fixed->text() == nullptr) return;
        if (const auto at = base::parse_rfc3339(*fixed->text())) ahead_ = *at - now_here();
    }
    base::WallTime now() const { return now_here() + ahead_; }
    void advance(std::chrono::seconds by) { ahead_ += by; }

  private:
    static base::WallTime now_here() {
        return std::chrono::time_point_cast<base::WallTime::duration>(std::chrono::system_clock::now());
    }
    base::WallTime::duration ahead_{};
};

bool has_work(testing::Gateway& gateway, const WallClock& clock) {
    for (const auto& row : gateway.rows({"queue", "list"})) {
        if (row.at("state") == "held") continue;
        const auto due = base::parse_rfc3339(std::string(row.at("due").as_string()));
        if (!due || *due < clock.now() + kDueSoon) return true;
    }
    return false;
}

/// Until nothing in the queue is due or under way, seen twice: an item is due until its attempt is noted, and
/// a notice of success is queued behind the reply.
Result<void> rest(testing::Gateway& gateway, const WallClock& clock) {
    const auto by = std::chrono::steady_clock::now() + kRestWithin;
    for (int quiet = 0; quiet < 2;) {
        quiet = has_work(gateway, clock) ? 0 : quiet + 1;
        if (std::chrono::steady_clock::now() > by)
            return base::fail(Fault::timed_out, "the queue does not come to rest:\n{}", gateway.log());
        if (quiet < 2) std::this_thread::sleep_for(kLookEvery);
    }
    return {};
}

Result<void> take_step(testing::Gateway& gateway, Hops& hops, WallClock& clock, const CaseFile& file,
                       const CaseStep& step) {
    std::vector<Script> scripts;
    for (const auto& deed : step.deeds) {
        if (deed.subject.starts_with("hop ")) scripts.push_back(deed);
    }
    GATEHOUSE_CHECK(hops.script(file, scripts));
    for (const auto& deed : step.deeds) {
        if (deed.subject.starts_with("hop ")) continue;
        if (deed.subject == "clock")
            clock.advance(std::chrono::seconds(base::parse_unsigned(deed.value).value_or(0)));
        const auto done =
            gateway.command(deed.subject == "clock" ? std::vector<std::string>{"clock", deed.value}
                                                    : std::vector<std::string>{"queue", "flush"});
        if (done.exit_code != 0)
            return base::fail(Fault::unavailable, "{}:{}: {}", file.path, deed.line, done.err);
    }
    return rest(gateway, clock);
}

// --- what came out

/// The message's own rows: notices have no client.
std::vector<json::object> rows_of_message(testing::Gateway& gateway) {
    auto rows = gateway.rows({"track", "--limit", std::to_string(kRows)});
    std::erase_if(rows, [](const json::object& row) { return row.at("client").as_string().empty(); });
    return rows;
}

json::array as_array(const std::vector<json::object>& rows) {
    json::array out;
    for (const auto& row : rows) out.push_back(row);
    return out;
}

json::value outcome_of(testing::Gateway& gateway, const Hops& hops, const Heard& heard,
                       const CaseFile& file) {
    json::object outcome;
    const auto rows = rows_of_message(gateway);
    json::array tracked;
    for (const auto& row : rows) {
        tracked.push_back(json::value(fmt::format("{} {}", std::string_view(row.at("to").as_string()),
                                                  std::string_view(row.at("outcome").as_string()))));
    }
    if (!rows.empty()) {
        const auto explained =
            gateway.rows({"explain", std::string(rows.front().at("reference").as_string())});
        if (!explained.empty()) outcome = explained.front();
    }
    outcome["reply"] = heard.last;
    outcome["heard"] = json::object{{"mail", heard.mail}, {"rcpt", heard.rcpt}};
    outcome["tracked"] = std::move(tracked);
    std::size_t delivered = 0;
    for (std::size_t number = 1; number <= kHops; ++number) {
        auto arrived = hops.arrived(number, file);
        delivered += arrived.at("delivered").to_number<std::size_t>();
        if (number == 1) outcome["sink"] = arrived;
        outcome[fmt::format("hop{}", number)] = std::move(arrived);
    }
    outcome["delivered"] = delivered;
    outcome["notices"] = hops.notices();
    outcome["queued"] = as_array(gateway.rows({"queue", "list"}));
    const auto held = gateway.rows({"quarantine", "list"});
    outcome["quarantined"] = held.size();
    outcome["quarantine"] = as_array(held);
    return outcome;
}

// --- all of it

/// A scripted malware engine at that socket.
void start_clamd(std::optional<testing::FakeClamd>& clamd, const std::string& socket,
                 const std::string& word) {
    clamd.emplace(socket, [word](const std::string&) {
        testing::FakeStep step;
        if (word.starts_with("found ")) step.text = fmt::format("fd[9]: {} FOUND", word.substr(6));
        return step;
    });
    std::filesystem::permissions(socket, std::filesystem::perms(0666));
}

testing::GatewayPlan plan_of(const CaseFile& file, const Hops& hops) {
    const auto split = split_settings(hops.with_addresses(file.settings));
    testing::GatewayPlan plan;
    plan.next_hops = {hops.address(1)};
    for (auto& domain : Hops::domains()) plan.relay_domains.push_back(std::move(domain));
    plan.smtp = "xclient_hosts = [\"127.0.0.1\"]\n" + split.smtp;
    plan.gatehouse = split.gatehouse + hops.tables(split.gatehouse);
    // Else a loop that has seen a hop down lets a message wait, and one that has not tries it at once.
    if (plan.gatehouse.find("[delivery]") == std::string::npos)
        plan.gatehouse += "\n[delivery]\ndown_time = 0\n";
    plan.settings = split.settings;
    plan.policy = hops.with_addresses(file.policy);
    return plan;
}

}  // namespace

Result<json::value> run_walk(const CaseFile& file) {
    GATEHOUSE_TRY(const Scripted scripted, read_scripts(file));
    GATEHOUSE_TRY(auto hops, Hops::start());
    GATEHOUSE_CHECK(hops.script(file, scripted.hops));
    const std::string& word = scripted.clamd;
    if (word.empty() && !has_clamd()) return base::fail(Fault::not_found, "clamd is not installed: skipped");
    testing::TemporaryFolder folder;
    const std::string socket = folder.path() + "/clamd.sock";
    std::optional<testing::FakeClamd> clamd;
    if (!word.empty() && word != "down") start_clamd(clamd, socket, word);
    auto plan = plan_of(file, hops);
    plan.clamd = word.empty() ? "managed" : "unix:" + socket;
    testing::Gateway gateway(std::move(plan));
    WallClock clock(file);
    if (!gateway.start()) return base::fail(Fault::unavailable, "{}", gateway.why());
    if (word != "down" && !gateway.wait_engine(30)) {
        return base::fail(Fault::unavailable, "the engine did not come up:\n{}", gateway.log());
    }
    const auto heard = send(gateway, file);
    GATEHOUSE_CHECK(rest(gateway, clock));
    for (const auto& step : file.then) GATEHOUSE_CHECK(take_step(gateway, hops, clock, file, step));
    auto outcome = outcome_of(gateway, hops, heard, file);
    const auto by = std::chrono::steady_clock::now() + kSettleWithin;
    while (!disagreements(file, outcome).empty() && std::chrono::steady_clock::now() < by) {
        std::this_thread::sleep_for(kLookEvery);
        GATEHOUSE_CHECK(rest(gateway, clock));
        outcome = outcome_of(gateway, hops, heard, file);
    }
    return outcome;
}

}  // namespace gatehouse::cases
