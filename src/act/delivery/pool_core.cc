#include "act/delivery/pool_core.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/deadline.h"
#include "net/dial/dial.h"

namespace gatehouse::act::delivery {

using base::fail;
using base::Fault;
using base::Result;
using base::SteadyTime;

namespace {

constexpr std::int64_t kFarewellSeconds = 5;
constexpr std::chrono::milliseconds kRoomInterval{500};

TlsUse use_of(TlsMode mode) {
    if (mode == TlsMode::never) return TlsUse::never;
    return mode == TlsMode::opportunistic ? TlsUse::if_offered : TlsUse::required;
}

/// Preference, but what was found down lately comes last.
std::vector<std::size_t> order_of_trial(const HopState& state, SteadyTime now) {
    std::vector<std::size_t> order;
    for (const bool down : {false, true}) {
        for (std::size_t i = 0; i < state.reach.size(); ++i) {
            if ((state.reach[i].down_until > now) == down) order.push_back(i);
        }
    }
    return order;
}

/// The core is held because connections read into its buffer.
net::Task<void> say_goodbye(std::shared_ptr<PoolCore> core, PoolCore::Connection connection) {
    co_await connection->say_goodbye(core->after(kFarewellSeconds));
}

net::Task<void> reset_in_background(std::unique_ptr<HopSlot> slot, PoolCore::Connection connection) {
    connection->machine().reset();
    const auto answered = co_await connection->answer(slot->core().after(kFarewellSeconds));
    if (!answered) co_return;
    slot->core().give_back(std::move(slot), std::move(connection));
}

/// Takes a waiter out of its line when its coroutine ends, however it ends.
class Place {
  public:
    Place(std::list<Waiter*>& line, Waiter& waiter) : line_(line), waiter_(waiter) {
        line_.push_back(&waiter_);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { line_.remove(&waiter_); }

  private:
    std::list<Waiter*>& line_;
    Waiter& waiter_;
};

}  // namespace

HopSlot::~HopSlot() {
    core_->slot_freed(state_);
}

PoolCore::PoolCore(net::Io& io, const base::Clock& clock, const HopTls& tls, HopPoolOptions options)
    : io_(io), clock_(clock), tls_(tls), options_(std::move(options)), sweep_timer_(io.get_executor()) {
    const auto most = static_cast<std::size_t>(options_.settings.max_connections);
    cap_ = std::max<std::size_t>(1, most / std::max<std::size_t>(1, options_.loops));
}

std::shared_ptr<HopState> PoolCore::state_of(const NextHop& hop) {
    auto& state = states_[hop.key];
    if (!state) {
        state = std::make_shared<HopState>();
        state->hop = hop;
        state->reach.resize(hop.addresses.size());
    }
    return state;
}

net::Task<Result<std::unique_ptr<HopSlot>>> PoolCore::take_slot(const std::shared_ptr<HopState>& state,
                                                                SteadyTime latest) {
    const auto self = shared_from_this();
    if (state->busy < cap_) {
        ++state->busy;
        co_return std::make_unique<HopSlot>(self, state);
    }
    Waiter waiter{net::Timer(io_.get_executor()), nullptr};
    {
        const Place place(state->waiters, waiter);
        const auto give_up = std::min(latest, after(settings().wait_for_connection));
        while (!waiter.granted && now() < give_up) {
            const bool is_promised = make_room_ && make_room_(state->hop);
            if (waiter.granted) break;
            // A connection that was given up comes when its RSET is answered, or at the latest when it dies.
            const auto interval =
                is_promised ? std::chrono::milliseconds(kFarewellSeconds * 1000) : kRoomInterval;
            const auto look_again = std::min(give_up, now() + interval);
            const bool in_vain = co_await net::sleep_until(waiter.timer, look_again);
            (void)in_vain;  // a slot may have been granted in the same instant: it counts
        }
    }
    if (waiter.granted) co_return std::move(waiter.granted);
    ++counts_.turned_away;
    co_return fail(Fault::limit, "all {} connections to next hop {} are busy", cap_, state->hop.domain);
}

void PoolCore::slot_freed(const std::shared_ptr<HopState>& state) {
    --state->busy;
    const auto next = std::find_if(state->waiters.begin(), state->waiters.end(),
                                   [](const Waiter* waiter) { return waiter->granted == nullptr; });
    if (next == state->waiters.end()) return;
    ++state->busy;
    (*next)->granted = std::make_unique<HopSlot>(shared_from_this(), state);
    (*next)->timer.cancel();
}

PoolCore::Connection PoolCore::take_idle(HopState& state) {
    while (!state.idle.empty()) {
        auto connection = std::move(state.idle.back().connection);
        state.idle.pop_back();
        if (!connection->is_reusable()) {
            ++counts_.found_dead;
            continue;
        }
        ++counts_.reused;
        connection->info().reused = true;
        return connection;
    }
    return nullptr;
}

net::Task<Result<PoolCore::Connection>> PoolCore::connect(HopState& state, SteadyTime give_up) {
    const auto order = order_of_trial(state, now());
    base::Error why{Fault::unavailable, "it has no address"};
    std::string reasons;
    for (const auto address : order) {
        auto connection = co_await connect_address(state, address, give_up);
        if (connection) {
            state.reach[address].down_until = {};
            state.reach[address].opened = now();
            ++counts_.opened;
            co_return connection;
        }
        ++counts_.failed;
        why = connection.error();
        auto& reach = state.reach[address];
        reach.down_until = after(settings().down_time);
        reach.failed = now();
        reach.why = why.sentence;
        reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ",
                               state.hop.addresses[address].to_string(), why.sentence);
    }
    co_return fail(why.fault, "next hop {} cannot be reached: {}", state.hop.domain, reasons);
}

net::Task<Result<PoolCore::Connection>> PoolCore::connect_address(HopState& state, std::size_t address,
                                                                  SteadyTime give_up) {
    const auto to = state.hop.addresses[address];
    bool tls_failed = false;
    auto first = co_await dial(state.hop, to, use_of(state.hop.tls), give_up, tls_failed);
    if (first || !tls_failed || state.hop.tls != TlsMode::opportunistic) co_return first;
    auto second = co_await dial(state.hop, to, TlsUse::never, give_up, tls_failed);
    if (second) {
        (*second)->info().tls_fallback = true;
        ++counts_.tls_fallbacks;
    }
    co_return second;
}

net::Task<Result<PoolCore::Connection>> PoolCore::dial(const NextHop& hop, base::Endpoint to, TlsUse use,
                                                       SteadyTime give_up, bool& tls_failed) {
    const auto deadline = std::min(give_up, after(settings().connect_timeout));
    auto stream = co_await net::dial::connect(io_, to, deadline);
    if (!stream) {
        // To the caller a port where nobody listens is a hop that is not there, not one that said no.
        const auto fault = stream.error().fault == Fault::refused ? Fault::unavailable : stream.error().fault;
        co_return fail(fault, "{}", stream.error().sentence);
    }
    GATEHOUSE_CO_TRY(auto machine, ClientMachine::make(options_.helo_name, use));
    auto connection = std::make_unique<HopConnection>(std::move(*stream), std::move(machine), scratch_);
    connection->opened = now();
    connection->info().address = to.to_string();
    const auto greeted = co_await connection->greet(tls_.context(hop.tls), hop.name, deadline);
    tls_failed = connection->tls_failed();
    GATEHOUSE_CO_CHECK(greeted);
    co_return connection;
}

bool PoolCore::may_be_kept(HopConnection& connection) const {
    return !closed_ && settings().idle_time > 0 && connection.machine().is_idle() &&
           connection.messages < settings().max_messages &&
           now() - connection.opened < std::chrono::seconds(settings().max_age);
}

void PoolCore::give_back(std::unique_ptr<HopSlot> slot, Connection connection) {
    if (may_be_kept(*connection)) {
        slot->state().idle.push_back({std::move(connection), now()});
        arm_sweep(after(settings().idle_time));
    } else {
        goodbye(std::move(connection));
    }
}

void PoolCore::reset(std::unique_ptr<HopSlot> slot, Connection connection) {
    const bool quiet = connection->machine().next() == ClientMachine::Next::ready;
    if (closed_ || !quiet) return;  // both close here
    in_background(reset_in_background(std::move(slot), std::move(connection)));
}

void PoolCore::goodbye(Connection connection) {
    if (closed_ || connection->machine().next() != ClientMachine::Next::ready) return;
    in_background(say_goodbye(shared_from_this(), std::move(connection)));
}

void PoolCore::in_background(net::Task<void> task) {
    net::asio::co_spawn(io_.get_executor(), std::move(task), net::asio::detached);
}

void PoolCore::arm_sweep(SteadyTime at) {
    if (sweeping_) return;
    sweeping_ = true;
    sweep_timer_.expires_at(at);
    sweep_timer_.async_wait([weak = weak_from_this()](net::ErrorCode error) {
        const auto core = weak.lock();
        if (core && !error) core->sweep();
    });
}

void PoolCore::sweep() {
    sweeping_ = false;
    const auto idle_time = std::chrono::seconds(settings().idle_time);
    auto next = SteadyTime::max();
    for (auto& [key, state] : states_) {
        while (!state->idle.empty() && state->idle.front().since + idle_time <= now()) {
            auto connection = std::move(state->idle.front().connection);
            state->idle.pop_front();
            goodbye(std::move(connection));
        }
        if (!state->idle.empty()) next = std::min(next, state->idle.front().since + idle_time);
    }
    if (next != SteadyTime::max()) arm_sweep(next);
}

void PoolCore::close() {
    for (auto& [key, state] : states_) {
        while (!state->idle.empty()) {
            auto connection = std::move(state->idle.front().connection);
            state->idle.pop_front();
            goodbye(std::move(connection));
        }
    }
    closed_ = true;
    sweep_timer_.cancel();
}

HopPoolCounts PoolCore::counts() const {
    auto out = counts_;
    for (const auto& [key, state] : states_) {
        out.busy += state->busy;
        out.idle += state->idle.size();
    }
    return out;
}

const std::string* PoolCore::why_down(const NextHop& hop) const {
    const auto at = states_.find(hop.key);
    if (at == states_.end() || at->second->busy > 0 || !at->second->idle.empty()) return nullptr;
    const auto& reach = at->second->reach;
    const bool is_down =
        std::all_of(reach.begin(), reach.end(), [&](const auto& one) { return one.down_until > now(); });
    return is_down && !reach.empty() ? &reach.front().why : nullptr;
}

std::optional<SteadyTime> PoolCore::down_until(const NextHop& hop) const {
    if (why_down(hop) == nullptr) return std::nullopt;
    const auto& reach = states_.find(hop.key)->second->reach;
    return std::min_element(reach.begin(), reach.end(),
                            [](const auto& a, const auto& b) { return a.down_until < b.down_until; })
        ->down_until;
}

void PoolCore::forget_down() {
    for (auto& [key, state] : states_) {
        for (auto& one : state->reach) one.down_until = {};
    }
}

std::vector<HopReach> PoolCore::reach() const {
    std::vector<HopReach> out;
    for (const auto& [key, state] : states_) {
        for (std::size_t i = 0; i < state->reach.size(); ++i) {
            const auto& one = state->reach[i];
            out.push_back({key, state->hop.addresses[i].to_string(), one.opened, one.failed, one.why});
        }
    }
    return out;
}

}  // namespace gatehouse::act::delivery
