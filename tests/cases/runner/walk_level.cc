#include <fmt/format.h>

#include <filesystem>

#include "levels.h"
#include "support/fake_clamd.h"
#include "support/gateway/gateway.h"
#include "support/gateway/smtp_talk.h"
#include "support/smtp_sink/sink.h"

namespace gatehouse::cases {

using base::Fault;
using base::Result;
namespace json = boost::json;

namespace {

struct Scripted {
    std::string clamd;  ///< the last word about it; empty = the real one
    std::string hop_lines;
    bool hop_is_down = false;
};

Result<Scripted> read_scripts(const CaseFile& file) {
    Scripted out;
    for (const auto& script : file.answers) {
        if (script.subject == "clamd") {
            out.clamd = script.value;
        } else if (script.subject == "hop 1" && script.value == "down") {
            out.hop_is_down = true;
        } else if (script.subject.starts_with("hop ")) {
            out.hop_lines += fmt::format("{} = {}\n", script.subject, script.value);
        } else {
            return base::fail(Fault::usage, "{}:{}: {} cannot be scripted", file.path, script.line,
                              script.subject);
        }
    }
    return out;
}

bool has_clamd() {
    return std::filesystem::exists("/usr/sbin/clamd") || std::filesystem::exists("/usr/bin/clamd");
}

/// Sends the message; the reply to it, or the refusal that came before.
std::string send(const testing::Gateway& gateway, const CaseFile& file) {
    testing::SmtpTalk talk(gateway.smtp_port());
    const auto greeting = talk.hear();
    if (!greeting.starts_with("220")) return greeting;
    talk.ask("EHLO " + file.envelope.helo);
    if (const auto reply = talk.ask(fmt::format("XCLIENT ADDR={}", file.envelope.client));
        !reply.starts_with("220")) {
        return reply;
    }
    talk.ask("EHLO " + file.envelope.helo);
    return talk.deliver_greeted(file.envelope.from, file.envelope.to, file.message);
}

json::object sink_json(const test::Sink* sink, const CaseFile& file) {
    json::object out;
    json::array raws;
    json::array recipients;
    bool unchanged = sink != nullptr;
    std::size_t delivered = 0;
    for (const auto& message : sink == nullptr ? std::vector<test::SinkMessage>() : sink->messages()) {
        if (message.code < 200 || message.code >= 300) continue;
        ++delivered;
        raws.push_back(json::value(message.content()));
        unchanged = unchanged && message.content().ends_with(file.message);
        for (const auto& recipient : message.recipients) {
            auto address = recipient.address;
            if (address.starts_with('<')) address = address.substr(1, address.size() - 2);
            recipients.push_back(json::value(address));
        }
    }
    out["raw"] = std::move(raws);
    out["to"] = std::move(recipients);
    out["unchanged"] = unchanged && delivered > 0;
    out["delivered"] = delivered;
    return out;
}

}  // namespace

Result<json::value> run_walk(const CaseFile& file) {
    GATEHOUSE_TRY(const Scripted scripted, read_scripts(file));
    if (scripted.clamd.empty() && !has_clamd())
        return base::fail(Fault::not_found, "clamd is not installed: skipped");
    test::Script script;
    GATEHOUSE_CHECK(script.add_lines(scripted.hop_lines));
    GATEHOUSE_TRY(auto sink, test::Sink::start({}, script));
    testing::TemporaryFolder folder;
    const std::string socket = folder.path() + "/clamd.sock";
    std::optional<testing::FakeClamd> clamd;
    const std::string word = scripted.clamd;
    if (!word.empty() && word != "down") {
        clamd.emplace(socket, [word](const std::string&) {
            testing::FakeStep step;
            if (word.starts_with("found ")) step.text = fmt::format("fd[9]: {} FOUND", word.substr(6));
            return step;
        });
        std::filesystem::permissions(socket, std::filesystem::perms(0666));
    }
    const auto split = split_settings(file.settings);
    testing::GatewayPlan plan;
    plan.next_hops = {sink->endpoint().to_string()};
    plan.smtp = "xclient_hosts = [\"127.0.0.1\"]\n" + split.smtp;
    plan.gatehouse = split.gatehouse;
    plan.settings = split.settings;
    plan.policy = file.policy;
    plan.clamd = word.empty() ? "managed" : "unix:" + socket;
    if (scripted.hop_is_down) sink.reset();
    testing::Gateway gateway(plan);
    if (!gateway.start()) return base::fail(Fault::unavailable, "{}", gateway.why());
    if (word != "down" && !gateway.wait_engine(30)) {
        return base::fail(Fault::unavailable, "the engine did not come up:\n{}", gateway.log());
    }
    const std::string reply = send(gateway, file);
    json::object outcome;
    const auto rows = gateway.rows({"track", "--limit", "10"});
    if (!rows.empty()) {
        const std::string reference(rows.front().at("reference").as_string());
        const auto explained = gateway.rows({"explain", reference});
        if (!explained.empty()) outcome = explained.front();
    }
    auto arrived = sink_json(sink.get(), file);
    outcome["reply"] = reply;
    outcome["delivered"] = arrived.at("delivered");
    outcome["quarantined"] = gateway.rows({"quarantine", "list"}).size();
    outcome["sink"] = std::move(arrived);
    return json::value(std::move(outcome));
}

}  // namespace gatehouse::cases
