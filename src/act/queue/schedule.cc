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
    if (!is_held) window_of(lane, key.age).insert(key.turn);
}

bool Schedule::claim(const UnderWay& item) {
    if (!under_way_.try_emplace(item.key.turn.id, item).second) return false;
    if (!item.is_held) window_of(lanes_[item.key.lane], item.key.age).erase(item.key.turn);
    return true;
}

Schedule::UnderWay* Schedule::find(const base::ItemId& id) {
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
    window_of(lane, item.key.age).erase(item.key.turn);  // a load may have read it meanwhile
    under_way_.erase(at);
}

void Schedule::set_aside(const base::ItemId& id) {
    auto& item = under_way_.at(id);
    --lanes_[item.key.lane].under_way;
    item.hands = Hands::intake;
}

void Schedule::forget_turn(const base::ItemId& id) {
    ++lanes_[under_way_.at(id).key.lane].waiting;
    leave(id);
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
    auto at = lanes_.upper_bound(last_lane_);
    for (std::size_t i = 0; i < lanes_.size(); ++i, ++at) {
        if (at == lanes_.end()) at = lanes_.begin();
        auto& lane = at->second;
        const bool is_paused = lane.paused_until > steady;
        if (lane.waiting == 0 || is_paused || lane.under_way >= concurrency_) continue;
        auto taken = take_from(at->first, lane, now, load);
        if (!taken) continue;
        last_lane_ = at->first;
        return taken;
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
