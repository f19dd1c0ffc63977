#include "act/queue/schedule.h"

namespace gatehouse::act::queue {
namespace {

constexpr std::uint32_t kShareOfOld = 4;
constexpr std::size_t kLoad = Window::kMost / 2;

Window& window_of(Schedule::Lane& lane, Age age) {
    return lane.windows.at(static_cast<std::size_t>(age));
}

}  // namespace

void Schedule::add_lane(std::uint32_t number, std::string name) {
    lanes_[number].name = std::move(name);
}

std::uint32_t Schedule::lane_number(std::string_view name, bool& is_new) {
    is_new = false;
    for (const auto& [number, lane] : lanes_) {
        if (lane.name == name) return number;
    }
    is_new = true;
    const std::uint32_t number = lanes_.empty() ? 1 : lanes_.rbegin()->first + 1;
    add_lane(number, std::string(name));
    return number;
}

void Schedule::insert(const TurnKey& key, bool is_held) {
    auto& lane = lanes_[key.lane];
    ++(is_held ? lane.held : lane.waiting);
    ++lane.inserts;
    if (!is_held) window_of(lane, key.age).insert(key.turn);
}

bool Schedule::claim(const UnderWay& item) {
    const auto [at, is_new] = under_way_.try_emplace(item.key.turn.id, item);
    if (!is_new && at->second.hands != Hands::nobody) return false;
    if (!is_new) {
        auto& lane = lanes_[at->second.key.lane];
        if (at->second.is_damaged) --lane.damaged;
        if (at->second.is_damaged) ++lane.waiting;
        at->second = item;
        return true;
    }
    if (!item.is_held) window_of(lanes_[item.key.lane], item.key.age).erase(item.key.turn);
    return true;
}

Schedule::UnderWay* Schedule::find(const base::ItemId& id) {
    const auto at = under_way_.find(id);
    return at == under_way_.end() ? nullptr : &at->second;
}

const Schedule::UnderWay* Schedule::find(const base::ItemId& id) const {
    const auto at = under_way_.find(id);
    return at == under_way_.end() ? nullptr : &at->second;
}

void Schedule::leave(const base::ItemId& id) {
    const auto at = under_way_.find(id);
    if (at == under_way_.end()) return;
    const auto& item = at->second;
    auto& lane = lanes_[item.key.lane];
    if (item.hands == Hands::deliverer) --lane.under_way;
    if (item.hands == Hands::operators) --(item.is_held ? lane.held : lane.waiting);
    if (item.hands == Hands::nobody) --(item.is_damaged ? lane.damaged : lane.waiting);
    window_of(lane, item.key.age).erase(item.key.turn);  // a load may have read it meanwhile
    under_way_.erase(at);
}

void Schedule::set_aside(const base::ItemId& id) {
    auto& item = under_way_.at(id);
    auto& lane = lanes_[item.key.lane];
    --lane.under_way;
    ++lane.damaged;
    item.hands = Hands::nobody;
    item.is_damaged = true;
}

std::set<base::ItemId> Schedule::damaged() const {
    std::set<base::ItemId> out;
    for (const auto& [id, item] : under_way_) {
        if (item.is_damaged) out.insert(id);
    }
    return out;
}

std::vector<base::ItemId> Schedule::unclaimed() const {
    std::vector<base::ItemId> out;
    for (const auto& [id, item] : under_way_) {
        if (item.is_for_later) out.push_back(id);
    }
    return out;
}

bool Schedule::rest(const base::ItemId& id, base::SteadyTime until) {
    auto* item = find(id);
    if (item == nullptr || item->hands != Hands::deliverer) return false;
    auto& lane = lanes_[item->key.lane];
    --lane.under_way;
    ++lane.waiting;
    item->hands = Hands::nobody;
    item->rests_until = until;
    resting_.emplace(until, id);
    return true;
}

void Schedule::end_rests(base::SteadyTime steady) {
    while (!resting_.empty() && resting_.begin()->first <= steady) {
        const auto [until, id] = *resting_.begin();
        resting_.erase(resting_.begin());
        const auto* item = find(id);
        const bool is_ours = item != nullptr && item->hands == Hands::nobody && item->rests_until == until;
        if (is_ours) give_back(id);  // else an operator has changed it meanwhile
    }
}

void Schedule::lane_down(std::uint32_t lane, base::SteadyTime until) {
    auto& one = lanes_[lane];
    one.is_down = true;
    one.paused_until = std::max(one.paused_until, until);
}

bool Schedule::lane_up(std::uint32_t lane) {
    auto& one = lanes_[lane];
    if (!one.is_down) return false;
    one.is_down = false;
    one.paused_until = {};
    one.overdue.clear();
    return true;
}

bool Schedule::is_down(std::uint32_t lane) const {
    const auto at = lanes_.find(lane);
    return at != lanes_.end() && at->second.is_down;
}

bool Schedule::hurry(const TurnKey& key) {
    auto& overdue = lanes_[key.lane].overdue;
    if (overdue.size() >= kMostOverdue) return false;
    if (find(key.turn.id) == nullptr) overdue.push_back(key);
    return true;
}

void Schedule::correct(const TurnKey& key, bool is_held, std::uint64_t size) {
    auto& item = under_way_.at(key.turn.id);
    window_of(lanes_[item.key.lane], item.key.age).erase(item.key.turn);
    window_of(lanes_[key.lane], key.age).erase(key.turn);
    item.key = key;
    item.is_held = is_held;
    item.size = size;
}

void Schedule::forget_turn(const base::ItemId& id, const std::optional<TurnKey>& truth) {
    ++lanes_[under_way_.at(id).key.lane].waiting;
    leave(id);
    if (!truth) return;
    auto& lane = lanes_[truth->lane];
    ++lane.inserts;
    window_of(lane, truth->age).insert(truth->turn);
}

void Schedule::give_back(const base::ItemId& id) {
    const auto at = under_way_.find(id);
    if (at == under_way_.end()) return;
    const UnderWay item = at->second;
    leave(id);
    insert(item.key, item.is_held);
}

std::optional<TurnKey> Schedule::take(base::WallTime now, base::SteadyTime steady, const Load& load) {
    if (lanes_.empty()) return std::nullopt;
    end_rests(steady);
    auto at = lanes_.upper_bound(last_lane_);
    for (std::size_t i = 0; i < lanes_.size(); ++i, ++at) {
        if (at == lanes_.end()) at = lanes_.begin();
        auto& lane = at->second;
        if (lane.waiting == 0 || lane.under_way >= concurrency_) continue;
        auto taken = take_overdue(lane);
        const bool is_paused = lane.paused_until > steady || (lane.is_down && lane.under_way > 0);
        if (!taken && !is_paused) taken = take_from(at->first, lane, now, load);
        if (!taken) continue;
        last_lane_ = at->first;
        return taken;
    }
    return std::nullopt;
}

std::optional<TurnKey> Schedule::take_overdue(Lane& lane) {
    while (!lane.overdue.empty()) {
        const TurnKey key = lane.overdue.front();
        lane.overdue.pop_front();
        if (!under_way_.try_emplace(key.turn.id, UnderWay{key, false, Hands::deliverer, 0}).second) continue;
        window_of(lane, key.age).erase(key.turn);
        ++lane.under_way;
        --lane.waiting;
        return key;
    }
    return std::nullopt;
}

std::optional<TurnKey> Schedule::take_from(std::uint32_t number, Lane& lane, base::WallTime now,
                                           const Load& load) {
    const bool old_first = lane.served % kShareOfOld == kShareOfOld - 1;
    const std::array order =
        old_first ? std::array{Age::tried, Age::fresh} : std::array{Age::fresh, Age::tried};
    for (const Age age : order) {
        const auto turn = take_due(number, lane, age, now, load);
        if (!turn) continue;
        ++lane.served;
        ++lane.under_way;
        --lane.waiting;
        return TurnKey{number, age, *turn};
    }
    return std::nullopt;
}

bool Schedule::load(const Wanted& wanted, const std::vector<Turn>& more) {
    auto& lane = lanes_[wanted.lane];
    auto& window = window_of(lane, wanted.age);
    if (lane.inserts != wanted.inserts) return false;
    if (window.wants_load() && window.loaded_to() == wanted.from)
        window.load(more, more.size() < wanted.most);
    return true;
}

std::optional<Turn> Schedule::take_due(std::uint32_t number, Lane& lane, Age age, base::WallTime now,
                                       const Load& load) {
    auto& window = window_of(lane, age);
    while (true) {
        if (window.wants_load()) {
            const auto more = load(number, age, window.loaded_to(), kLoad);
            if (!more) return std::nullopt;
            window.load(*more, more->size() < kLoad);
        }
        const Turn* first = window.first();
        if (first == nullptr || (first->due > now && first->due <= now + longest_wait_)) return std::nullopt;
        const Turn turn = *first;
        window.pop();
        const UnderWay item{{number, age, turn}, false, Hands::deliverer, 0};
        if (under_way_.try_emplace(turn.id, item).second)
            return turn;  // else somebody works on it, and places it anew
    }
}

}  // namespace gatehouse::act::queue
