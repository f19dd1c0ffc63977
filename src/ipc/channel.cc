#include "ipc/channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/fd_passing.h"

namespace gatehouse::ipc {

using base::Fault;
using base::Fd;
using base::Result;

namespace {

/// A point in time that poll() can wait for; without one it waits for ever.
class Deadline {
  public:
    explicit Deadline(int timeout_ms)
        : is_set_(timeout_ms >= 0), at_(Steady::now() + std::chrono::milliseconds(std::max(0, timeout_ms))) {}
    bool is_set() const { return is_set_; }
    /// Waits until the socket is ready; false = the time is over.
    Result<bool> wait(int socket, short events) const {
        while (true) {
            pollfd ready{socket, events, 0};
            const int polled = ::poll(&ready, 1, left_ms());
            if (polled >= 0) return polled > 0;
            if (errno != EINTR)
                return base::fail_errno(Fault::unavailable, "the peer process is gone", errno);
        }
    }

  private:
    using Steady = std::chrono::steady_clock;

    int left_ms() const {
        if (!is_set_) return -1;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(at_ - Steady::now());
        return static_cast<int>(std::max<std::int64_t>(0, left.count()));
    }

    bool is_set_;
    Steady::time_point at_;
};

}  // namespace

Result<void> Channel::send(std::string_view payload, std::span<const int> fds, int timeout_ms) {
    const Deadline deadline(timeout_ms);
    const std::string header = std::exchange(held_, {}) + base::frame_header(payload.size());
    std::size_t sent = 0;
    while (sent < header.size() + payload.size()) {
        const auto head = std::string_view(header).substr(std::min(sent, header.size()));
        const auto body = payload.substr(sent > header.size() ? sent - header.size() : 0);
        const auto with = sent == 0 ? fds : std::span<const int>();
        GATEHOUSE_TRY(const std::size_t more, deadline.is_set()
                                                  ? base::send_with_fds_now(socket_.get(), head, body, with)
                                                  : base::send_with_fds(socket_.get(), head, body, with));
        sent += more;
        if (more != 0) continue;  // a full or non-blocking socket: wait until it takes more
        GATEHOUSE_TRY(const bool in_time, deadline.wait(socket_.get(), POLLOUT));
        if (!in_time) return base::fail(Fault::timed_out, "the peer took nothing for {} ms", timeout_ms);
    }
    return {};
}

void Channel::hold(std::string_view payload) {
    held_ += base::frame_header(payload.size());
    held_ += payload;
}

Result<std::string> Channel::receive(int timeout_ms) {
    const Deadline deadline(timeout_ms);
    std::array<char, 16 * 1024> block;
    while (true) {
        GATEHOUSE_TRY(auto frame, buffer_.next());
        if (frame) return std::move(*frame);
        if (deadline.is_set()) {
            GATEHOUSE_TRY(const bool in_time, deadline.wait(socket_.get(), POLLIN));
            if (!in_time) return base::fail(Fault::timed_out, "no answer within {} ms", timeout_ms);
        }
        const auto got = base::receive_with_fds(socket_.get(), block, fds_);
        if (!got && got.error().fault == Fault::timed_out) {  // a non-blocking socket
            GATEHOUSE_TRY(const bool in_time, deadline.wait(socket_.get(), POLLIN));
            if (!in_time) return base::fail(Fault::timed_out, "no answer within {} ms", timeout_ms);
            continue;
        }
        if (!got) return std::unexpected(got.error());
        if (*got == 0) return base::fail(Fault::unavailable, "closed");
        if (fds_.size() > base::kMaxPassedFds) return base::fail(Fault::malformed, "too many descriptors");
        buffer_.append({block.data(), *got});
    }
}

std::optional<Fd> Channel::take_fd() {
    auto first = base::take_first(fds_);
    if (!first) return std::nullopt;
    return std::move(*first);
}

namespace {

// sun_path holds 107 bytes; a longer path goes through /proc/self/fd of its folder.
struct UnixAddress {
    sockaddr_un address{};
    Fd folder;
};

Result<UnixAddress> unix_address(const std::string& path) {
    UnixAddress out;
    out.address.sun_family = AF_UNIX;
    std::string usable = path;
    if (usable.size() >= sizeof out.address.sun_path) {
        const std::filesystem::path whole(path);
        out.folder = Fd(::open(whole.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!out.folder)
            return base::fail_errno(Fault::not_found, fmt::format("no folder for {}", path), errno);
        usable = fmt::format("/proc/self/fd/{}/{}", out.folder.get(), whole.filename().string());
    }
    if (usable.size() >= sizeof out.address.sun_path)
        return base::fail(Fault::usage, "socket name too long: {}", path);
    std::memcpy(out.address.sun_path, usable.c_str(), usable.size() + 1);
    return out;
}

Result<Fd> connect_unix_as(const std::string& path, int type) {
    GATEHOUSE_TRY(const UnixAddress to, unix_address(path));
    Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    if (!socket) return base::fail_errno(Fault::limit, "no socket could be made", errno);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to.address), sizeof to.address) != 0) {
        return base::fail_errno(Fault::unavailable, fmt::format("cannot connect to {}", path), errno);
    }
    return socket;
}

}  // namespace

Result<Fd> connect_unix(const std::string& path) {
    return connect_unix_as(path, SOCK_STREAM);
}

Result<Fd> connect_unix_now(const std::string& path) {
    return connect_unix_as(path, SOCK_STREAM | SOCK_NONBLOCK);
}

Result<Fd> listen_unix(const std::string& path, unsigned mode) {
    GATEHOUSE_TRY(const UnixAddress at, unix_address(path));
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return base::fail_errno(Fault::limit, "no socket could be made", errno);
    ::unlink(path.c_str());
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at.address), sizeof at.address) != 0 ||
        ::chmod(path.c_str(), mode) != 0 || ::listen(socket.get(), 64) != 0) {
        return base::fail_errno(Fault::unavailable, fmt::format("cannot listen on {}", path), errno);
    }
    return socket;
}

Result<PeerIds> peer_of(int unix_socket) {
    ucred ids{};
    socklen_t length = sizeof ids;
    if (::getsockopt(unix_socket, SOL_SOCKET, SO_PEERCRED, &ids, &length) != 0) {
        return base::fail_errno(Fault::unavailable, "the peer cannot be identified", errno);
    }
    PeerIds peer{ids.pid, ids.uid, ids.gid};
    // The first call says how many there are (Linux 4.13 and later; an older kernel has none to tell).
    socklen_t bytes = 0;
    if (::getsockopt(unix_socket, SOL_SOCKET, SO_PEERGROUPS, nullptr, &bytes) == 0 || errno != ERANGE)
        return peer;
    static_assert(sizeof(gid_t) == sizeof(unsigned));
    peer.groups.resize(bytes / sizeof(gid_t));
    if (::getsockopt(unix_socket, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &bytes) != 0)
        peer.groups.clear();
    return peer;
}

PeerRights rights_of(const PeerIds& peer, unsigned reading_group) {
    if (peer.uid == 0 || peer.uid == ::geteuid()) return PeerRights::change;
    const bool is_member = peer.gid == reading_group || std::find(peer.groups.begin(), peer.groups.end(),
                                                                  reading_group) != peer.groups.end();
    return is_member ? PeerRights::read : PeerRights::none;
}

}  // namespace gatehouse::ipc
