// The coroutine version of ipc/channel.h: the same frames and descriptors over a unix stream socket, for
// roles with an event loop (front to inspectors, control sockets). Belongs to one loop. One send and one
// receive may run at the same time. The peer is hostile: lengths and descriptor counts are bounded, a peer
// that never stops sending lets the others of the loop have their turn and is timed out like a silent one,
// and after any fault but a timed-out receive the channel is closed, because frames cannot be found again.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"
#include "net/asio.h"

namespace gatehouse::net {

class FrameChannel {
  public:
    static base::Result<FrameChannel> adopt(Io& io, base::Fd unix_socket, std::uint32_t frame_limit);
    FrameChannel(FrameChannel&&) noexcept;
    FrameChannel& operator=(FrameChannel&&) noexcept;
    ~FrameChannel();

    /// `payload` and the descriptors must stay until it ends; the descriptors remain the caller's.
    Task<base::Result<void>> send(std::string_view payload, std::span<const int> fds,
                                  base::SteadyTime deadline);
    /// The next frame; Fault::unavailable when the peer has ended. A frame that is here already comes after
    /// the deadline, too: whoever takes many of them looks at the clock.
    Task<base::Result<std::string>> receive(base::SteadyTime deadline);
    /// The oldest descriptor that came with the frames read so far; the frame's content says how many to
    /// take. Faults as base::take_first: malformed = the peer did not send it, limit = we have no room for
    /// it.
    base::Result<base::Fd> take_fd();
    /// Descriptors nobody took; a peer that sends more than its frames name is closed by the caller.
    std::size_t untaken_fds() const;
    /// Bytes that were read behind the last frame given.
    std::size_t unread_bytes() const;

    bool is_open() const;
    /// Ends pending operations with Fault::unavailable.
    void close();
    int socket() const;

  private:
    struct State;
    explicit FrameChannel(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace gatehouse::net
