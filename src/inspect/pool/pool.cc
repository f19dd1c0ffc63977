#include "inspect/pool/pool.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/log.h"
#include "inspect/pool/exchange.h"

namespace gatehouse::inspect::pool {

using base::Fault;
using base::LogLevel;
using base::Result;
using base::SteadyTime;
using namespace std::chrono_literals;

namespace {

/// A worker that has been busy for so long no longer counts as capacity.
constexpr auto kSlow = 100ms;
constexpr auto kRetrySpawn = 100ms;
constexpr auto kHelloTime = 10s;
constexpr int kTries = 2;
constexpr std::uint64_t kRewriteGrowth = 256 * 1024;  // what a plan may add

std::uint64_t file_size(int fd) {
    struct stat status{};
    return ::fstat(fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

}  // namespace

struct Pool::Waiter {
    explicit Waiter(net::Io& io) : wake(io) {}
    net::Timer wake;
};

Pool::Pool(net::Io& io, const base::Clock& clock, ZygoteClient& zygote, PoolOptions options)
    : io_(io), clock_(clock), zygote_(zygote), options_(std::move(options)) {}

Pool::~Pool() = default;

void Pool::close() {
    live_ -= idle_.size();
    idle_.clear();
}

PoolCounts Pool::counts() const {
    PoolCounts counts = counts_;
    counts.live = live_;
    counts.busy = busy_since_.size();
    counts.waiting = waiters_.size();
    return counts;
}

// --- workers
// ------------------------------------------------------------------------------------------------------

std::unique_ptr<Pool::Worker> Pool::take_idle() {
    while (!idle_.empty()) {
        auto worker = std::move(idle_.back());
        idle_.pop_back();
        if (worker->is_alive() && worker->generation == zygote_.generation()) return worker;
        --live_;  // dead, or of an older zygote
    }
    return nullptr;
}

bool Pool::may_grow(bool fresh) const {
    if (live_ < options_.base_workers || fresh) return true;
    const auto extra = static_cast<std::size_t>(options_.settings.extra_workers);
    if (live_ >= options_.base_workers + extra) return false;
    const auto slow_before = clock_.steady() - kSlow;
    return std::all_of(busy_since_.begin(), busy_since_.end(), [&](SteadyTime t) { return t < slow_before; });
}

net::Task<Result<std::unique_ptr<Pool::Worker>>> Pool::acquire(bool fresh) {
    const SteadyTime give_up = clock_.steady() + std::chrono::seconds(options_.settings.wait);
    bool in_line = false;
    const auto self = std::make_shared<Waiter>(io_);  // shared with the queue
    while (true) {
        const bool is_next = waiters_.empty() || waiters_.front() == self;
        if (is_next) {
            auto worker = fresh ? nullptr : take_idle();
            if (!worker && may_grow(fresh)) {
                auto started = co_await start_worker(give_up);
                if (started) worker = std::move(*started);
            }
            if (worker) {
                if (in_line) std::erase(waiters_, self);
                wake_one();  // perhaps there is another one for the next in line
                co_return worker;
            }
        }
        if (clock_.steady() >= give_up) break;
        if (!in_line) waiters_.push_back(self);
        in_line = true;
        self->wake.expires_at(std::min(give_up, clock_.steady() + kSlow));
        co_await self->wake.async_wait(net::kTuple);
    }
    if (in_line) std::erase(waiters_, self);
    wake_one();
    ++counts_.waited_in_vain;
    co_return base::fail(Fault::timed_out, "no inspector was free within {} s", options_.settings.wait);
}

void Pool::wake_one() {
    if (!waiters_.empty()) waiters_.front()->wake.cancel();
}

net::Task<Result<std::unique_ptr<Pool::Worker>>> Pool::start_worker(SteadyTime give_up) {
    ++live_;
    struct Pending {
        explicit Pending(net::Io& io) : wake(io) {}
        net::Timer wake;
        std::optional<Result<NewWorker>> result;
    };
    const auto pending =
        std::make_shared<Pending>(io_);  // shared with the zygote's answer, which may come late
    const std::uint64_t generation = zygote_.generation();
    zygote_.spawn(io_, [pending](Result<NewWorker> result) {
        pending->result = std::move(result);
        pending->wake.cancel();
    });
    pending->wake.expires_at(std::min(give_up, clock_.steady() + kHelloTime));
    if (!pending->result) co_await pending->wake.async_wait(net::kTuple);
    if (!pending->result || !*pending->result) {
        --live_;
        net::Timer pause(io_);
        pause.expires_after(kRetrySpawn);
        co_await pause.async_wait(net::kTuple);
        co_return base::fail(
            Fault::unavailable, "{}",
            pending->result ? pending->result->error().sentence : "the zygote does not answer");
    }
    NewWorker fresh = std::move(**pending->result);
    auto channel = net::FrameChannel::adopt(io_, std::move(fresh.socket), base::kInspectorFrameLimit);
    if (!channel) {
        --live_;
        co_return std::unexpected(channel.error());
    }
    auto worker = std::make_unique<Worker>(fresh.id, generation, std::move(*channel));
    const auto hello = co_await worker->channel.receive(clock_.steady() + kHelloTime);
    if (!hello) {
        --live_;
        zygote_.kill(worker->id);
        co_return base::fail(Fault::unavailable, "an inspector did not begin: {}", hello.error().sentence);
    }
    co_return worker;
}

void Pool::give_back(std::unique_ptr<Worker> worker, bool is_good) {
    if (!is_good) zygote_.kill(worker->id);
    const bool is_surplus = live_ > options_.base_workers && waiters_.empty();
    if (is_good && !worker->is_retired && !is_surplus) {
        idle_.push_back(std::move(worker));
    } else {
        --live_;
    }
    wake_one();
}

// --- one request
// --------------------------------------------------------------------------------------------------

net::Task<Result<void>> Pool::run(Worker& worker, Exchange& exchange) {
    exchange.begin(next_request_++);
    const std::string request = exchange.request();
    const SteadyTime deadline = clock_.steady() + std::chrono::seconds(options_.settings.deadline);
    const std::array<int, 1> fds{exchange.sealed};
    const auto sent = co_await worker.channel.send(request, fds, deadline);
    if (!sent) co_return std::unexpected(sent.error());
    while (!exchange.is_done) {
        const auto frame = co_await worker.channel.receive(deadline);
        if (!frame) co_return std::unexpected(frame.error());
        GATEHOUSE_CO_CHECK(exchange.take(worker, *frame));
    }
    if (worker.channel.untaken_fds() != 0) {
        co_return base::fail(Fault::malformed, "an inspector sent descriptors that it did not name");
    }
    worker.is_retired = exchange.retire || (exchange.risky && options_.settings.isolate == "strict");
    co_return Result<void>();
}

net::Task<Result<void>> Pool::try_once(Exchange& exchange, bool fresh) {
    auto worker = co_await acquire(fresh);
    if (!worker) {
        exchange.is_hopeless = true;
        co_return std::unexpected(worker.error());
    }
    const SteadyTime since = clock_.steady();
    busy_since_.push_back(since);
    const auto done = co_await run(**worker, exchange);
    busy_since_.erase(std::find(busy_since_.begin(), busy_since_.end(), since));
    // A worker that said "failed" in order has kept the protocol, but it is not trusted with another message.
    const bool is_good = done.has_value() && !exchange.failure;
    give_back(std::move(*worker), is_good);
    if (!done) co_return std::unexpected(done.error());
    if (exchange.failure) co_return std::unexpected(*exchange.failure);
    co_return Result<void>();
}

net::Task<Result<Inspection>> Pool::inspect(const message::Envelope& envelope, int sealed) {
    Exchange exchange(Exchange::Kind::inspect, sealed, options_);
    exchange.set_envelope(envelope);
    base::Error last;
    for (int attempt = 0; attempt < kTries; ++attempt) {
        const auto done = co_await try_once(exchange, attempt > 0);
        if (done) {
            ++counts_.inspected;
            exchange.inspection.was_inspected = true;
            co_return std::move(exchange.inspection);
        }
        if (exchange.is_hopeless) co_return std::unexpected(done.error());
        last = done.error();
        ++counts_.retried;
        base::log(LogLevel::warning, "{} inspection failed: {}", envelope.reference.to_string(),
                  last.sentence);
    }
    ++counts_.given_up;
    co_return not_inspected(envelope, last);
}

net::Task<Result<Rewritten>> Pool::rewrite(int sealed, const message::RewritePlan& plan) {
    base::MemoryShare share(options_.memory);
    const auto room = file_size(sealed);
    if (!share.grow_to(room + kRewriteGrowth)) {
        co_return base::fail(Fault::unavailable, "no memory for a rewritten message (limits.memory)");
    }
    Exchange exchange(Exchange::Kind::rewrite, sealed, options_);
    exchange.set_plan(plan);
    auto done = co_await try_once(exchange, false);
    if (!done && !exchange.is_hopeless) done = co_await try_once(exchange, true);
    if (!done) co_return std::unexpected(done.error());
    co_return Rewritten{std::move(exchange.rewritten), std::move(share)};
}

net::Task<Result<Viewed>> Pool::view(int sealed, const std::string& part, std::uint64_t limit) {
    Exchange exchange(Exchange::Kind::view, sealed, options_);
    exchange.set_view(part, limit);
    const auto done = co_await try_once(exchange, false);
    if (!done) co_return std::unexpected(done.error());
    co_return std::move(exchange.viewed);
}

}  // namespace gatehouse::inspect::pool
