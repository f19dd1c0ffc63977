#include "inspect/pool/zygote_client.h"

#include <sys/wait.h>

#include "base/frame.h"
#include "base/log.h"
#include "ipc/zygote.pb.h"

namespace gatehouse::inspect::pool {

using base::Fault;
using base::LogLevel;
using base::SteadyTime;

namespace {

constexpr auto kNever = SteadyTime::max();

void answer(net::Io& loop, ZygoteClient::OnSpawned done, base::Result<NewWorker> result) {
    auto shared =
        std::make_shared<base::Result<NewWorker>>(std::move(result));  // std::function must be copyable
    net::asio::post(loop, [done = std::move(done), shared] { done(std::move(*shared)); });
}

}  // namespace

struct ZygoteClient::Link {
    Link(net::FrameChannel c, net::Io& io) : channel(std::move(c)), more(io) {}
    net::FrameChannel channel;
    net::Timer more;  // wakes the sender
    std::deque<std::string> to_send;
    bool is_closed = false;
};

ZygoteClient::ZygoteClient(net::Io& home, std::string settings)
    : home_(home), settings_(std::move(settings)) {}

ZygoteClient::~ZygoteClient() = default;

void ZygoteClient::set_settings(std::string settings) {
    settings_ = std::move(settings);
}

void ZygoteClient::install(base::Fd channel) {
    close();
    auto adopted = net::FrameChannel::adopt(home_, std::move(channel), base::kControlFrameLimit);
    if (!adopted) {
        base::log(LogLevel::error, "the zygote's channel cannot be used: {}", adopted.error().sentence);
        return;
    }
    // Kept apart from link_: a coroutine that begins here may already find the other end gone, and close().
    const auto link = std::make_shared<Link>(std::move(*adopted), home_);
    link_ = link;
    generation_.fetch_add(1, std::memory_order_acq_rel);
    pb::ZygoteRequest request;
    request.set_start(settings_);
    say(request.SerializeAsString());
    net::asio::co_spawn(home_, listen(link), net::asio::detached);
    net::asio::co_spawn(home_, talk(link), net::asio::detached);
}

void ZygoteClient::close() {
    fail_all("the zygote was exchanged");
    if (!link_) return;
    link_->is_closed = true;
    link_->more.cancel();
    link_->channel.close();
    link_.reset();
    const std::lock_guard lock(mutex_);
    status_.is_ready = false;
}

void ZygoteClient::say(std::string frame) {
    link_->to_send.push_back(std::move(frame));
    link_->more.cancel();
}

net::Task<void> ZygoteClient::talk(std::shared_ptr<Link> link) {
    while (!link->is_closed) {
        if (link->to_send.empty()) {
            link->more.expires_at(kNever);
            co_await link->more.async_wait(net::kTuple);
            continue;
        }
        const std::string frame = std::move(link->to_send.front());
        link->to_send.pop_front();
        const auto sent = co_await link->channel.send(frame, {}, kNever);
        if (!sent) break;
    }
}

net::Task<void> ZygoteClient::listen(std::shared_ptr<Link> link) {
    while (!link->is_closed) {
        const auto frame = co_await link->channel.receive(kNever);
        if (link->is_closed) co_return;
        pb::ZygoteReport report;
        if (!frame || !report.ParseFromString(*frame)) break;
        on_report(*link, report);
    }
    if (link != link_) co_return;
    base::log(LogLevel::warning, "the zygote is gone; messages wait for the next one");
    close();
}

void ZygoteClient::on_report(Link& link, const pb::ZygoteReport& report) {
    if (report.has_ready()) return on_ready(report.ready());
    if (report.has_spawned())
        return on_spawned(link, report.spawned().worker(), static_cast<int>(report.spawned().pid()));
    if (report.has_exited()) return on_exited(report.exited().status());
    base::log(LogLevel::error, "the zygote refuses to run: {}", report.refused());
    const std::lock_guard lock(mutex_);
    status_.refused = report.refused();
}

void ZygoteClient::on_ready(const pb::ZygoteReady& ready) {
    const std::lock_guard lock(mutex_);
    status_.is_ready = true;
    status_.generation = generation();
    status_.refused.clear();
    status_.sandbox.clear();
    for (const auto& step : ready.steps())
        status_.sandbox.push_back({step.name(), step.applied(), step.note()});
    status_.allowed_calls.assign(ready.allowed().begin(), ready.allowed().end());
    for (const auto& step : status_.sandbox) {
        if (!step.applied) base::log(LogLevel::warning, "sandbox: {} not applied: {}", step.name, step.note);
    }
}

void ZygoteClient::on_spawned(Link& link, std::uint64_t worker, int pid) {
    base::Result<NewWorker> result = base::fail(Fault::limit, "no inspector could be started");
    if (pid != 0) {
        auto socket = link.channel.take_fd();
        if (socket) {
            result = NewWorker{worker, pid, std::move(*socket)};
        } else {
            result = base::fail(socket.error().fault, "no inspector could be started: {}",
                                socket.error().sentence);
        }
    }
    {
        const std::lock_guard lock(mutex_);
        ++status_.spawned;
    }
    const auto asked = asked_.find(worker);
    if (asked == asked_.end()) return;  // nobody waits any more; the socket closes and the worker ends
    answer(*asked->second.loop, std::move(asked->second.done), std::move(result));
    asked_.erase(asked);
}

void ZygoteClient::on_exited(int status) {
    const bool orderly = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!orderly) {
        base::log(LogLevel::warning, "an inspector ended by {} {}", WIFSIGNALED(status) ? "signal" : "exit",
                  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    const std::lock_guard lock(mutex_);
    ++(orderly ? status_.ended_orderly : status_.ended_by_signal);
}

void ZygoteClient::fail_all(const std::string& sentence) {
    auto asked = std::exchange(asked_, {});
    for (auto& [id, one] : asked) {
        answer(*one.loop, std::move(one.done), base::fail(Fault::unavailable, "{}", sentence));
    }
}

void ZygoteClient::spawn(net::Io& loop, OnSpawned done) {
    net::asio::post(
        home_, [this, &loop, done = std::move(done)]() mutable { spawn_at_home(loop, std::move(done)); });
}

void ZygoteClient::spawn_at_home(net::Io& loop, OnSpawned done) {
    if (!link_)
        return answer(loop, std::move(done), base::fail(Fault::unavailable, "there is no zygote now"));
    const std::uint64_t id = next_id_++;
    asked_.emplace(id, Asked{&loop, std::move(done)});
    pb::ZygoteRequest request;
    request.set_spawn(id);
    say(request.SerializeAsString());
}

void ZygoteClient::kill(std::uint64_t worker) {
    net::asio::post(home_, [this, worker] {
        if (!link_) return;
        pb::ZygoteRequest request;
        request.set_kill(worker);
        say(request.SerializeAsString());
    });
}

std::string ZygoteClient::refusal() const {
    const std::lock_guard lock(mutex_);
    return status_.refused;
}

ZygoteStatus ZygoteClient::status() const {
    const std::lock_guard lock(mutex_);
    return status_;
}

}  // namespace gatehouse::inspect::pool
