#include "inspect/pool/pool.h"

#include <sys/stat.h>

#include <algorithm>
#include <exception>

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
    idle_.clear();
}

PoolCounts Pool::counts() const {
    PoolCounts counts = counts_;
    counts.live = *live_;
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
        // Else it is dead, or of an older zygote.
        if (worker->is_alive() && worker->generation == zygote_.generation()) return worker;
    }
    return nullptr;
}

bool Pool::may_grow(bool fresh) const {
    if (*live_ < options_.base_workers || fresh) return true;
    const auto extra = static_cast<std::size_t>(options_.settings.extra_workers);
    if (*live_ >= options_.base_workers + extra) return false;
    const auto slow_before = clock_.steady() - kSlow;
    return std::all_of(busy_since_.begin(), busy_since_.end(), [&](SteadyTime t) { return t < slow_before; });
}

net::Task<Result<std::unique_ptr<Pool::Worker>>> Pool::acquire(bool fresh, SteadyTime give_up) {
    const auto self = std::make_shared<Waiter>(io_);  // shared with the queue
    std::unique_ptr<Worker> worker;
    std::exception_ptr failure;
    try {
        worker = co_await wait_for_worker(self, fresh, give_up);
    } catch (...) {
        failure = std::current_exception();
    }
    std::erase(waiters_, self);
    wake_one();  // perhaps there is another one for the next in line
    if (failure) std::rethrow_exception(failure);
    if (worker) co_return worker;
    ++counts_.waited_in_vain;
    if (const auto why = zygote_.refusal(); !why.empty())
        co_return base::fail(Fault::unavailable, "no inspector can be started: {}", why);
    co_return base::fail(Fault::timed_out, "no inspector was free in time (inspect.wait)");
}

/// Null = not in time, or never: the zygote has said that it cannot work here.
net::Task<std::unique_ptr<Pool::Worker>> Pool::wait_for_worker(std::shared_ptr<Waiter> self, bool fresh,
                                                               SteadyTime give_up) {
    while (true) {
        const bool is_next = waiters_.empty() || waiters_.front() == self;
        auto worker = is_next && !fresh ? take_idle() : nullptr;
        if (worker) co_return worker;
        if (is_next && may_grow(fresh)) {
            auto started = co_await start_worker(give_up);
            if (started) co_return std::move(*started);
        }
        if (clock_.steady() >= give_up || !zygote_.refusal().empty()) co_return nullptr;
        if (std::find(waiters_.begin(), waiters_.end(), self) == waiters_.end()) waiters_.push_back(self);
        self->wake.expires_at(std::min(give_up, clock_.steady() + kSlow));
        co_await self->wake.async_wait(net::kTuple);
    }
}

void Pool::wake_one() {
    if (!waiters_.empty()) waiters_.front()->wake.cancel();
}

/// Asks the zygote; after a failure not again at once.
net::Task<Result<NewWorker>> Pool::spawn(SteadyTime give_up) {
    struct Pending {
        explicit Pending(net::Io& io) : wake(io) {}
        net::Timer wake;
        std::optional<Result<NewWorker>> result;
    };
    const auto pending =
        std::make_shared<Pending>(io_);  // shared with the zygote's answer, which may come late
    zygote_.spawn(io_, [pending](Result<NewWorker> result) {
        pending->result = std::move(result);
        pending->wake.cancel();
    });
    pending->wake.expires_at(std::min(give_up, clock_.steady() + kHelloTime));
    if (!pending->result) co_await pending->wake.async_wait(net::kTuple);
    if (pending->result && *pending->result) co_return std::move(*pending->result);
    net::Timer pause(io_);
    pause.expires_after(kRetrySpawn);
    co_await pause.async_wait(net::kTuple);
    if (pending->result) co_return std::unexpected(pending->result->error());
    co_return base::fail(Fault::unavailable, "the zygote does not answer");
}

net::Task<Result<std::unique_ptr<Pool::Worker>>> Pool::start_worker(SteadyTime give_up) {
    Seat seat(live_);
    const std::uint64_t generation = zygote_.generation();
    auto spawned = co_await spawn(give_up);
    if (!spawned) co_return std::unexpected(spawned.error());
    auto channel = net::FrameChannel::adopt(io_, std::move(spawned->socket), base::kInspectorFrameLimit);
    if (!channel) {
        zygote_.kill(spawned->id);
        co_return std::unexpected(channel.error());
    }
    auto worker = std::make_unique<Worker>(spawned->id, generation, std::move(*channel), std::move(seat));
    const auto hello = co_await worker->channel.receive(std::min(give_up, clock_.steady() + kHelloTime));
    if (!hello) {
        zygote_.kill(worker->id);
        co_return base::fail(Fault::unavailable, "an inspector did not begin: {}", hello.error().sentence);
    }
    co_return worker;
}

void Pool::give_back(std::unique_ptr<Worker> worker, bool is_good) {
    if (!is_good) zygote_.kill(worker->id);
    const bool is_surplus = *live_ > options_.base_workers && waiters_.empty();
    if (is_good && !worker->is_retired && !is_surplus) idle_.push_back(std::move(worker));
    worker.reset();
    wake_one();
}

// --- one request
// --------------------------------------------------------------------------------------------------

net::Task<Result<void>> Pool::run(Worker& worker, Exchange& exchange) {
    exchange.begin(next_request_++);
    const std::string request = exchange.request();
    const auto longest = std::chrono::seconds(options_.settings.deadline);
    const SteadyTime deadline = std::min(exchange.give_up, clock_.steady() + longest);
    const std::array<int, 1> fds{exchange.sealed};
    const auto sent = co_await worker.channel.send(request, fds, deadline);
    if (!sent) co_return std::unexpected(sent.error());
    while (!exchange.is_done) {
        const auto frame = co_await worker.channel.receive(deadline);
        if (!frame) co_return std::unexpected(frame.error());
        GATEHOUSE_CO_CHECK(exchange.take(worker, *frame));
        // One that sends without end never makes us wait, and is late all the same.
        if (!exchange.is_done && clock_.steady() >= deadline) {
            co_return base::fail(Fault::timed_out, "an inspector did not come to an end in time");
        }
    }
    if (worker.channel.untaken_fds() != 0 || worker.channel.unread_bytes() != 0) {
        co_return base::fail(Fault::malformed, "an inspector went on behind the end of its answer");
    }
    worker.is_retired = exchange.retire || (exchange.risky && options_.settings.isolate == "strict");
    co_return Result<void>();
}

net::Task<Result<void>> Pool::try_once(Exchange& exchange, bool fresh) {
    const auto wait = std::chrono::seconds(options_.settings.wait);
    auto worker = co_await acquire(fresh, std::min(exchange.give_up, clock_.steady() + wait));
    if (!worker) {
        exchange.is_hopeless = true;
        co_return std::unexpected(worker.error());
    }
    const SteadyTime since = clock_.steady();
    busy_since_.push_back(since);
    Result<void> done;
    std::exception_ptr failure;
    try {
        done = co_await run(**worker, exchange);
    } catch (...) {
        failure = std::current_exception();
    }
    busy_since_.erase(std::find(busy_since_.begin(), busy_since_.end(), since));
    // A worker that said "failed" in order has kept the protocol, but it is not trusted with another message.
    const bool is_good = done.has_value() && !exchange.failure && !failure;
    give_back(std::move(*worker), is_good);
    if (failure) std::rethrow_exception(failure);
    if (!done && clock_.steady() >= exchange.give_up) exchange.is_hopeless = true;
    if (done && exchange.failure) co_return std::unexpected(*exchange.failure);
    co_return done;
}

net::Task<Result<Inspection>> Pool::inspect(const message::Envelope& envelope, int sealed,
                                            SteadyTime give_up) {
    Exchange exchange(Exchange::Kind::inspect, sealed, options_, give_up);
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

net::Task<Result<Rewritten>> Pool::rewrite(int sealed, const message::RewritePlan& plan, SteadyTime give_up) {
    Exchange exchange(Exchange::Kind::rewrite, sealed, options_, give_up);
    if (!exchange.rewritten_memory.grow_to(file_size(sealed) + kRewriteGrowth)) {
        co_return base::fail(Fault::unavailable, "no memory for a rewritten message (limits.memory)");
    }
    exchange.set_plan(plan);
    auto done = co_await try_once(exchange, false);
    if (!done && !exchange.is_hopeless) done = co_await try_once(exchange, true);
    if (!done) co_return std::unexpected(done.error());
    co_return Rewritten{std::move(exchange.rewritten), std::move(exchange.rewritten_memory)};
}

net::Task<Result<Viewed>> Pool::view(int sealed, const std::string& part, std::uint64_t limit) {
    Exchange exchange(Exchange::Kind::view, sealed, options_, SteadyTime::max());
    exchange.set_view(part, limit);
    const auto done = co_await try_once(exchange, false);
    if (!done) co_return std::unexpected(done.error());
    co_return std::move(exchange.viewed);
}

}  // namespace gatehouse::inspect::pool
