// gatehouse-sink: the demonstration sink of ./run. Takes every message and shows what arrived, so that a
// first try has somewhere to deliver to. Listens on one loopback address and never passes anything on.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include "apps/common/words.h"
#include "base/log.h"
#include "base/text.h"
#include "ipc/memfd.h"
#include "net/listen.h"
#include "receive/session/server.h"

namespace gatehouse::apps {
namespace {

using receive::session::Reply;
using receive::session::Transaction;

constexpr std::uint64_t kLargest = 200ULL << 20;

/// The value of the first header of that name, cut; enough to show, not to judge.
std::string header_of(std::string_view message, std::string_view name) {
    while (!message.empty()) {
        const auto end = message.find("\r\n");
        const auto line = message.substr(0, end);
        if (line.empty()) break;
        if (base::istarts_with(line, name)) return base::printable(base::trim(line.substr(name.size())), 120);
        if (end == std::string_view::npos) break;
        message.remove_prefix(end + 2);
    }
    return "";
}

class SinkWalk final : public receive::session::Walk {
  public:
    net::Task<Reply> connect(const message::Envelope&) override {
        co_return Reply{220, "", "demonstration sink"};
    }
    net::Task<Reply> mail(Transaction&) override { co_return Reply{250, "2.1.0", "ok"}; }
    net::Task<Reply> rcpt(Transaction&, const message::Recipient&) override {
        co_return Reply{250, "2.1.5", "ok"};
    }
    net::Task<Reply> message(Transaction& transaction, base::Fd sealed) override {
        const auto mapped = ipc::Mapping::map(sealed.get(), kLargest);
        if (!mapped) co_return Reply{451, "4.3.0", mapped.error().sentence};
        const auto bytes = mapped->bytes();
        base::log(base::LogLevel::info, "arrived: from=<{}> to={} recipients, {} bytes, subject \"{}\", {}",
                  base::printable(transaction.envelope.sender, 100), transaction.envelope.recipients.size(),
                  bytes.size(), header_of(bytes, "Subject:"), header_of(bytes, "X-Gatehouse-Verdict:"));
        co_return Reply{250, "2.0.0", "taken by the demonstration sink"};
    }
    void aborted(std::unique_ptr<Transaction>, receive::smtp::AbortReason, const Reply&) override {}
    void refused(const message::Envelope&, const receive::session::Refusal&) override {}
    void unfinished(const Transaction&) override {}
};

int serve(RoleBeginning& beginning, const std::string& address) {
    base::log_start("sink", "DEMO", base::LogLevel::info);
    net::Io io(1);
    const base::Clock clock;
    receive::session::ConnectionLimits connections;
    base::MemoryBudget memory(512ULL << 20);
    receive::session::Counters counters;
    receive::smtp::SmtpSettings smtp;
    smtp.hostname = "sink.localhost";
    smtp.permitted_senders = {"127.0.0.0/8", "::1/128"};
    smtp.max_message_size = static_cast<std::int64_t>(kLargest);
    auto settings = receive::session::make_session_settings(smtp, {}, "sink.localhost", nullptr);
    auto listeners = net::listen_on(address, 1);
    if (!settings || !listeners) {
        base::log(base::LogLevel::error, "{}",
                  settings ? listeners.error().sentence : settings.error().sentence);
        return 3;
    }
    SinkWalk walk;
    receive::session::Server server(
        io, walk, {clock, connections, memory, counters, 0},
        std::make_shared<const receive::session::SessionSettings>(std::move(*settings)));
    for (auto& listener : *listeners) {
        if (const auto done = server.listen(std::move(listener)); !done) return 3;
    }
    if (const auto lowered = become_user(beginning.start.uid(), beginning.start.gid()); !lowered) {
        base::log(base::LogLevel::error, "{}", lowered.error().sentence);
        return 3;
    }
    base::log(base::LogLevel::info, "the demonstration sink listens on {}", address);
    if (!say_ready(beginning.channel, "{}")) return 3;
    io.run();
    return 0;
}

}  // namespace
}  // namespace gatehouse::apps

int main(int count, char** words) {
    std::signal(SIGPIPE, SIG_IGN);
    auto beginning = gatehouse::apps::begin_role();
    if (!beginning) {
        gatehouse::base::log(gatehouse::base::LogLevel::error, "{}", beginning.error().sentence);
        return 2;
    }
    return gatehouse::apps::serve(*beginning, count > 1 ? words[1] : "127.0.0.1:2526");
}
