#include "act/delivery/hop_pool.h"

#include "act/delivery/command.h"
#include "act/delivery/pool_core.h"

namespace gatehouse::act::delivery {

using base::Result;

Result<HopPool> HopPool::make(net::Io& io, const base::Clock& clock, const HopTls& tls,
                              HopPoolOptions options) {
    GATEHOUSE_CHECK(check_helo_name(options.helo_name));
    return HopPool(std::make_shared<PoolCore>(io, clock, tls, std::move(options)));
}

HopPool::HopPool(std::shared_ptr<PoolCore> core) : core_(std::move(core)) {}
HopPool::HopPool(HopPool&&) noexcept = default;
HopPool& HopPool::operator=(HopPool&&) noexcept = default;

HopPool::~HopPool() {
    if (core_) core_->close();
}

net::Task<Result<HopSession>> HopPool::open(const NextHop& hop, base::SteadyTime give_up) {
    const bool refuse_eight_bit = hop.refuse_eight_bit;
    const auto core = core_;
    const auto state = core->state_of(hop);
    auto taken = co_await core->take_slot(state, give_up);
    GATEHOUSE_CO_TRY(auto slot, std::move(taken));
    auto connection = core->take_idle(*state);
    if (!connection) {
        auto made = co_await core->connect(*state, give_up);
        GATEHOUSE_CO_TRY(connection, std::move(made));
    }
    co_return HopSession(std::move(slot), std::move(connection), refuse_eight_bit);
}

void HopPool::set_make_room(std::function<bool(const NextHop&)> make_room) {
    core_->set_make_room(std::move(make_room));
}

const DeliverySettings& HopPool::settings() const {
    return core_->settings();
}

std::vector<HopReach> HopPool::reach() const {
    return core_->reach();
}

const std::string* HopPool::why_down(const NextHop& hop) const {
    return core_->why_down(hop);
}

std::optional<base::SteadyTime> HopPool::down_until(const NextHop& hop) const {
    return core_->down_until(hop);
}

void HopPool::forget_down() {
    core_->forget_down();
}

HopPoolCounts HopPool::counts() const {
    return core_->counts();
}

void HopPool::close() {
    core_->close();
}

}  // namespace gatehouse::act::delivery
