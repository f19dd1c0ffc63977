// For tests of this module only: a walk that does as it is told and remembers everything, a server on a
// loopback port, and an SMTP client in coroutines on the same loop.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "ipc/memfd.h"
#include "net/certificate.h"
#include "net/deadline.h"
#include "net/dial/dial.h"
#include "net/listen.h"
#include "receive/session/server.h"

namespace gatehouse::receive::session::testing {

inline base::SteadyTime in(std::chrono::milliseconds time) {
    return std::chrono::steady_clock::now() + time;
}
inline base::SteadyTime soon() {
    return in(std::chrono::seconds(30));
}

struct Delivered {
    message::Envelope envelope;
    std::vector<message::Step> steps;
    std::string bytes;
};

struct WalkCounts : WalkState {
    explicit WalkCounts(int& count) : alive(count) { ++alive; }
    ~WalkCounts() override { --alive; }
    int& alive;
};

class FakeWalk final : public Walk {
  public:
    explicit FakeWalk(net::Io& io) : timer_(io) {}

    net::Task<Reply> connect(const message::Envelope& envelope) override {
        connections.push_back(envelope);
        co_return on_connect;
    }
    net::Task<Reply> mail(Transaction& transaction) override {
        if (throws_at_mail) throw std::runtime_error("a bug in the walk");
        transaction.state = std::make_unique<WalkCounts>(states_alive);
        log.push_back("mail <" + transaction.envelope.sender + ">");
        co_return on_mail;
    }
    net::Task<Reply> rcpt(Transaction&, const message::Recipient& recipient) override {
        log.push_back("rcpt <" + recipient.address + ">");
        co_return on_rcpt ? on_rcpt(recipient.address) : Reply{250, "2.1.5", "Ok"};
    }
    net::Task<Reply> message(Transaction& transaction, base::Fd sealed) override {
        if (thinks_for.count() > 0) co_await net::sleep_until(timer_, in(thinks_for));
        if (throws_at_message) throw 42;
        const auto mapping = ipc::Mapping::map(sealed.get(), 1ULL << 32);
        Delivered delivered;
        delivered.envelope = transaction.envelope;
        delivered.steps = transaction.steps;
        delivered.bytes = mapping ? std::string(mapping->bytes()) : "not sealed";
        messages.push_back(std::move(delivered));
        co_return on_message;
    }
    void aborted(std::unique_ptr<Transaction> transaction, smtp::AbortReason why,
                 const Reply& reply) override {
        EXPECT_TRUE(transaction);
        aborts.push_back(why);
        abort_replies.push_back(reply);
    }
    void refused(const message::Envelope& envelope, const Refusal& refusal) override {
        refusals.push_back(refusal.step + " <" +
                           (refusal.recipient.empty() ? envelope.sender : refusal.recipient) + "> " +
                           std::to_string(refusal.reply.code));
        refusal_references.push_back(envelope.reference);
    }
    void unfinished(const Transaction& transaction) override {
        EXPECT_TRUE(transaction.state);
        left_unfinished.push_back(transaction.envelope.sender);
    }

    Reply on_connect{220, "", ""};
    Reply on_mail{250, "2.1.0", "Ok"};
    std::function<Reply(const std::string&)> on_rcpt;
    Reply on_message{250, "2.0.0", "Taken"};
    std::chrono::milliseconds thinks_for{0};
    bool throws_at_mail = false;
    bool throws_at_message = false;

    std::vector<message::Envelope> connections;
    std::vector<std::string> log;
    std::vector<Delivered> messages;
    std::vector<smtp::AbortReason> aborts;
    std::vector<Reply> abort_replies;
    std::vector<std::string> refusals;
    std::vector<base::Reference> refusal_references;
    std::vector<std::string> left_unfinished;
    int states_alive = 0;

  private:
    net::Timer timer_;
};

/// One end of a conversation; every hear() waits for a whole reply.
class Talker {
  public:
    explicit Talker(net::Stream stream) : stream_(std::move(stream)) {}

    net::Task<void> say(std::string text) {
        [[maybe_unused]] const auto sent = co_await stream_.write_all(text, soon());
    }
    /// The lines of one reply joined by '|'; "" when the connection has ended.
    net::Task<std::string> hear() {
        std::string reply;
        while (true) {
            const auto end = buffer_.find("\r\n");
            if (end == std::string::npos) {
                std::array<char, 4096> block;
                const auto got = co_await stream_.read_some(block, soon());
                if (!got || *got == 0) co_return std::string();
                buffer_.append(block.data(), *got);
                continue;
            }
            const std::string line = buffer_.substr(0, end);
            buffer_.erase(0, end + 2);
            reply += (reply.empty() ? "" : "|") + line;
            if (line.size() < 4 || line[3] != '-') co_return reply;
        }
    }
    net::Task<std::string> ask(std::string command) {
        co_await say(command + "\r\n");
        std::string reply = co_await hear();
        co_return reply;
    }
    /// The codes of `count` replies: "250 250 354".
    net::Task<std::string> codes(int count) {
        std::string out;
        for (int i = 0; i < count; ++i) {
            const std::string reply = co_await hear();
            out += (i == 0 ? "" : " ") + reply.substr(0, 3);
        }
        co_return out;
    }
    net::Stream& stream() { return stream_; }

  private:
    net::Stream stream_;
    std::string buffer_;
};

/// What several worlds may share, each on a thread of its own.
struct Common {
    base::Clock clock;
    ConnectionLimits limits;
    base::MemoryBudget memory{64ULL << 20};
    Counters counters;
};

class World {
  public:
    explicit World(std::shared_ptr<Common> shared = std::make_shared<Common>()) : common(std::move(shared)) {
        settings.machine.hostname = "mx.gw.test";
        settings.machine.relay = *smtp::RelayRules::make({"gw.test"}, {});
        settings.exempt = *smtp::parse_networks({"127.0.0.0/8"});
    }
    ~World() { server.reset(); }

    void use_tls() {
        const auto pem = net::make_self_signed("mx.gw.test", clock.wall()).value();
        settings.tls = net::TlsContext::make_server(pem).value();
        settings.machine.offers_tls = true;
    }
    /// Starts the server and runs `body` to its end.
    void play(std::function<net::Task<void>(World&)> body) {
        start_server();
        std::exception_ptr failure;
        net::asio::co_spawn(io, body(*this), [&](std::exception_ptr thrown) {
            failure = thrown;
            io.stop();
        });
        io.run();
        if (failure) std::rethrow_exception(failure);
    }
    void start_server() {
        const Shared shared{clock, limits, memory, counters, 7};
        server = std::make_unique<Server>(io, walk, shared, std::make_shared<SessionSettings>(settings));
        auto sockets = net::listen_on("127.0.0.1:0", 1).value();
        address = net::bound_to(sockets.at(0).get()).value();
        EXPECT_TRUE(server->listen(std::move(sockets.at(0))));
    }
    net::Task<Talker> call() {
        auto stream = co_await net::dial::connect(io, address, soon());
        co_return Talker(std::move(stream.value()));
    }
    /// Called and greeted.
    net::Task<Talker> greeted() {
        Talker talker = co_await call();
        const std::string greeting = co_await talker.hear();
        EXPECT_THAT(greeting, ::testing::StartsWith("220 mx.gw.test"));
        const std::string hello = co_await talker.ask("EHLO client.test");
        EXPECT_THAT(hello, ::testing::StartsWith("250-mx.gw.test"));
        co_return talker;
    }
    net::Task<void> until(std::function<bool()> is_so) {
        net::Timer timer(io);
        const auto deadline = soon();
        while (!is_so() && std::chrono::steady_clock::now() < deadline) {
            co_await net::sleep_until(timer, in(std::chrono::milliseconds(5)));
        }
        EXPECT_TRUE(is_so());
    }
    net::Task<void> pause(std::chrono::milliseconds time) {
        net::Timer timer(io);
        co_await net::sleep_until(timer, in(time));
    }

    const std::shared_ptr<Common> common;  // shared by the worlds of a test
    base::Clock& clock = common->clock;
    ConnectionLimits& limits = common->limits;
    base::MemoryBudget& memory = common->memory;
    Counters& counters = common->counters;
    net::Io io{net::kLoopHint};
    FakeWalk walk{io};
    SessionSettings settings;
    std::unique_ptr<Server> server;
    base::Endpoint address;
};

}  // namespace gatehouse::receive::session::testing
