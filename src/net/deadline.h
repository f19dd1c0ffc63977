// Cheap deadlines for coroutines of one loop. An operation that waits arms its Alarm and disarms it
// afterwards; both only store a time. The alarms of a loop hang in one coarse wheel behind one timer, which
// looks at an alarm when its slot comes round, so that a hot path makes and cancels no timer.
//
// An alarm never rings early, and about kAlarmTick late at most. Belongs to its loop's thread. Alarms do not
// keep Io::run() going; what waits under them does.
#pragma once

#include <chrono>

#include "base/clock.h"
#include "base/result.h"
#include "net/asio.h"

namespace gatehouse::net {

inline constexpr std::chrono::milliseconds kAlarmTick{32};

class AlarmWheel;

namespace detail {
/// A link of a ring; a node alone points at itself.
struct AlarmLink {
    AlarmLink* previous = this;
    AlarmLink* next = this;
};
}  // namespace detail

class Alarm : private detail::AlarmLink {
  public:
    explicit Alarm(Io& io);
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;

    /// Replaces an earlier time.
    void arm(base::SteadyTime at);
    void disarm() { armed_ = false; }

  protected:
    virtual ~Alarm();
    /// Called once per arm(), from the loop; it may arm again, but not destroy the alarm.
    virtual void ring() = 0;

  private:
    friend class AlarmWheel;
    AlarmWheel& wheel_;
    base::SteadyTime at_{};
    base::SteadyTime looked_at_{};  // when the wheel will look at this alarm
    bool armed_ = false;
};

/// Waiting for one socket in one direction, within a deadline. (One object each where two directions wait at
/// the same time: the end of one wait ends them all, and the others begin again by themselves.)
class SocketWait final : private Alarm {
  public:
    /// The socket is borrowed and must not move.
    SocketWait(Io& io, Socket& socket) : Alarm(io), socket_(socket) {}
    ~SocketWait() override = default;

    /// Fault::timed_out when the deadline passes, Fault::unavailable when the socket is closed or broken.
    Task<base::Result<void>> until(Socket::wait_type direction, base::SteadyTime deadline);

    /// As if the deadline had passed now.
    void interrupt() { ring(); }

  private:
    void ring() override;

    Socket& socket_;
    bool rang_ = false;
};

/// Ends at `at`, or earlier with false when `timer` is cancelled.
Task<bool> sleep_until(Timer& timer, base::SteadyTime at);

}  // namespace gatehouse::net
