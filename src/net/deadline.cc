#include "net/deadline.h"

#include <algorithm>
#include <array>

namespace gatehouse::net {

using base::SteadyTime;
using detail::AlarmLink;

/// One per loop, found through Asio's service registry, which destroys it with the loop.
class AlarmWheel final : public asio::execution_context::service {
  public:
    using key_type = AlarmWheel;
    static inline asio::execution_context::id id;

    explicit AlarmWheel(asio::execution_context& owner)
        : service(owner), timer_(static_cast<Io&>(owner).get_executor()) {}

    /// Hangs the alarm where the wheel looks at it in time, at the latest one turn from now.
    void file(Alarm& alarm);
    void remove(Alarm& alarm);
    static bool is_filed(const AlarmLink& link) { return link.next != &link; }

  private:
    static constexpr std::int64_t kSlots = 2048;

    void shutdown() override {}
    static void unlink(AlarmLink& link);
    static void link_before(AlarmLink& place, AlarmLink& link);
    std::int64_t tick_of(SteadyTime time) const { return (time - origin_) / kAlarmTick; }
    SteadyTime time_of(std::int64_t tick) const { return origin_ + tick * kAlarmTick; }
    AlarmLink& slot(std::int64_t tick) { return slots_[static_cast<std::size_t>(tick % kSlots)]; }
    void wake_at(SteadyTime time);
    void hide_wait();
    void turn();
    void look_at(AlarmLink& due, SteadyTime now);
    void wake_for_next_slot();

    Timer timer_;
    SteadyTime origin_ = std::chrono::steady_clock::now();
    SteadyTime wake_ = SteadyTime::max();
    std::int64_t turned_to_ = 0;  // slots up to this tick have been looked at
    std::size_t filed_ = 0;
    std::array<AlarmLink, kSlots> slots_;
};

void AlarmWheel::unlink(AlarmLink& link) {
    link.previous->next = link.next;
    link.next->previous = link.previous;
    link.previous = link.next = &link;
}

void AlarmWheel::link_before(AlarmLink& place, AlarmLink& link) {
    link.previous = place.previous;
    link.next = &place;
    place.previous->next = &link;
    place.previous = &link;
}

void AlarmWheel::file(Alarm& alarm) {
    const auto now = std::chrono::steady_clock::now();
    if (is_filed(alarm)) {
        unlink(alarm);
    } else if (filed_++ == 0) {
        turned_to_ = std::max(turned_to_, tick_of(now));
    }
    const auto horizon = tick_of(now) + kSlots - 1;
    const auto next = turned_to_ + 1;  // a slot that has been passed is looked at a whole turn later
    auto tick = std::max(horizon, next);
    if (alarm.at_ <= now) {
        tick = next;
    } else if (alarm.at_ < time_of(horizon)) {
        tick = std::max(tick_of(alarm.at_) + 1, next);  // rounded up: nothing rings early
    }
    alarm.looked_at_ = time_of(tick);
    link_before(slot(tick), alarm);
    if (alarm.looked_at_ < wake_) wake_at(alarm.looked_at_);
}

void AlarmWheel::remove(Alarm& alarm) {
    if (!is_filed(alarm)) return;
    unlink(alarm);
    if (--filed_ > 0) return;
    wake_ = SteadyTime::max();
    timer_.cancel();
}

void AlarmWheel::wake_at(SteadyTime time) {
    wake_ = time;
    timer_.expires_at(time);
    timer_.async_wait([this](ErrorCode error) {
        timer_.get_executor().on_work_started();
        if (!error) turn();
    });
    hide_wait();
}

/// Takes the wait just begun off the loop's count of work: a filed alarm may be a disarmed one, and nobody
/// should run on for that. The handler above puts it back for its own time. Only inside the loop is the count
/// certainly above one; at zero the loop would stop.
void AlarmWheel::hide_wait() {
    const auto executor = timer_.get_executor();
    if (executor.running_in_this_thread()) {
        executor.on_work_finished();
    } else {
        asio::post(executor, [executor] { executor.on_work_finished(); });
    }
}

void AlarmWheel::turn() {
    wake_ = SteadyTime::max();
    const auto now = std::chrono::steady_clock::now();
    const auto until = tick_of(now);
    const auto first = std::max(turned_to_ + 1, until - kSlots + 1);
    turned_to_ = std::max(turned_to_, until);
    for (auto tick = first; tick <= until; ++tick) {
        AlarmLink& head = slot(tick);
        if (!is_filed(head)) continue;
        AlarmLink due;
        link_before(head, due);
        unlink(head);
        look_at(due, now);
    }
    wake_for_next_slot();
}

void AlarmWheel::look_at(AlarmLink& due, SteadyTime now) {
    while (is_filed(due)) {
        auto& alarm = static_cast<Alarm&>(*due.next);
        unlink(alarm);
        --filed_;
        if (!alarm.armed_) continue;
        if (alarm.at_ > now) {
            file(alarm);
            continue;
        }
        alarm.armed_ = false;
        alarm.ring();
    }
}

void AlarmWheel::wake_for_next_slot() {
    if (filed_ == 0) return;
    for (auto tick = turned_to_ + 1; tick <= turned_to_ + kSlots; ++tick) {
        if (!is_filed(slot(tick))) continue;
        if (time_of(tick) < wake_) wake_at(time_of(tick));
        return;
    }
}

Alarm::Alarm(Io& io) : wheel_(asio::use_service<AlarmWheel>(io)) {}

Alarm::~Alarm() {
    wheel_.remove(*this);
}

void Alarm::arm(SteadyTime at) {
    at_ = at;
    armed_ = true;
    // Looked at early enough already: then the wheel files it again by itself.
    if (AlarmWheel::is_filed(*this) && looked_at_ <= at) return;
    wheel_.file(*this);
}

Task<base::Result<void>> SocketWait::until(Socket::wait_type direction, SteadyTime deadline) {
    rang_ = false;
    while (socket_.is_open() && !rang_) {
        arm(deadline);
        const auto [error] = co_await socket_.async_wait(direction, kTuple);
        disarm();
        if (!socket_.is_open()) break;
        if (!error) co_return base::Result<void>{};
        if (error != asio::error::operation_aborted) {
            co_return base::fail(base::Fault::unavailable, "the connection failed: {}", error.message());
        }
    }
    if (rang_) co_return base::fail(base::Fault::timed_out, "the peer did not answer in time");
    co_return base::fail(base::Fault::unavailable, "the connection is closed");
}

void SocketWait::ring() {
    rang_ = true;
    ErrorCode ignored;
    socket_.cancel(ignored);
}

Task<bool> sleep_until(Timer& timer, SteadyTime at) {
    timer.expires_at(at);
    const auto [error] = co_await timer.async_wait(kTuple);
    co_return !error;
}

}  // namespace gatehouse::net
