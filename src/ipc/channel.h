// A blocking framed channel over a unix stream socket, with descriptors: what inspectors, the zygote, the
// supervisor and the command line speak. (Roles with an event loop use net/frame_channel.h; the frames are
// the same.) One thread at a time. The peer is hostile: lengths and descriptor counts are bounded.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/frame.h"

namespace gatehouse::ipc {

class Channel {
  public:
    Channel(base::Fd socket, std::uint32_t frame_limit) : socket_(std::move(socket)), buffer_(frame_limit) {}

    /// The whole frame, or Fault::timed_out when the peer has not taken it after `timeout_ms` (-1 = wait for
    /// ever); part of it may be out then, so the caller ends the connection.
    base::Result<void> send(std::string_view payload, std::span<const int> fds = {}, int timeout_ms = -1);
    /// Keeps the frame back until the next one is sent, and sends both at once.
    void hold(std::string_view payload);
    /// The next frame; Fault::unavailable with "closed" when the peer has ended, Fault::timed_out when it is
    /// not all there after `timeout_ms` (-1 = wait for ever), however many pieces came meanwhile.
    base::Result<std::string> receive(int timeout_ms = -1);
    /// The oldest descriptor that came with the frames read so far; the frame's content says how many to
    /// take.
    std::optional<base::Fd> take_fd();
    /// Descriptors nobody took; a peer that sends more than its frames name is closed by the caller.
    std::size_t untaken_fds() const { return fds_.size(); }
    int socket() const { return socket_.get(); }
    base::Fd release() { return std::move(socket_); }

  private:
    base::Fd socket_;
    base::FrameBuffer buffer_;
    std::string held_;
    std::deque<base::Fd> fds_;
};

/// Connects to / listens on a unix socket; works for paths longer than sun_path, too.
base::Result<base::Fd> connect_unix(const std::string& path);
/// Non-blocking from the start, for event loops: a full backlog is Fault::unavailable, not a wait.
base::Result<base::Fd> connect_unix_now(const std::string& path);
base::Result<base::Fd> listen_unix(const std::string& path, unsigned mode);

/// Of the peer process when it connected, as the kernel says.
struct PeerIds {
    int pid = 0;
    unsigned uid = 0;
    unsigned gid = 0;
    std::vector<unsigned> groups = {};  ///< supplementary ones
};
base::Result<PeerIds> peer_of(int unix_socket);

/// What a peer of a control socket may ask for.
enum class PeerRights { none, read, change };
/// Root and our own uid may change things; whoever is in the group, as its first or a further one, may read.
PeerRights rights_of(const PeerIds& peer, unsigned reading_group);

}  // namespace gatehouse::ipc
