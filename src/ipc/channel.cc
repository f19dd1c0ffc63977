#include "ipc/channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/fd_passing.h"

namespace gatehouse::ipc {

using base::Fault;
using base::Fd;
using base::Result;

Result<void> Channel::send(std::string_view payload, std::span<const int> fds) {
    const std::string header = base::frame_header(payload.size());
    GATEHOUSE_TRY(std::size_t sent, base::send_with_fds(socket_.get(), header, payload, fds));
    while (sent < header.size() + payload.size()) {
        const auto head = std::string_view(header).substr(std::min(sent, header.size()));
        const auto body = payload.substr(sent > header.size() ? sent - header.size() : 0);
        GATEHOUSE_TRY(const std::size_t more, base::send_with_fds(socket_.get(), head, body,
                                                                  sent == 0 ? fds : std::span<const int>()));
        if (more == 0) {  // a non-blocking socket: wait until it takes more
            pollfd ready{socket_.get(), POLLOUT, 0};
            if (::poll(&ready, 1, -1) < 0 && errno != EINTR) {
                return base::fail_errno(Fault::unavailable, "the peer process is gone", errno);
            }
        }
        sent += more;
    }
    return {};
}

Result<std::string> Channel::receive(int timeout_ms) {
    std::array<char, 16 * 1024> block;
    while (true) {
        GATEHOUSE_TRY(auto frame, buffer_.next());
        if (frame) return std::move(*frame);
        pollfd ready{socket_.get(), POLLIN, 0};
        const int polled = timeout_ms < 0 ? 1 : ::poll(&ready, 1, timeout_ms);
        if (polled == 0) return base::fail(Fault::timed_out, "no answer within {} ms", timeout_ms);
        if (polled < 0 && errno == EINTR) continue;
        const auto got = base::receive_with_fds(socket_.get(), block, fds_);
        if (!got && got.error().fault == Fault::timed_out) {
            if (::poll(&ready, 1, timeout_ms) == 0) return base::fail(Fault::timed_out, "no answer");
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
    return PeerIds{ids.pid, ids.uid, ids.gid};
}

}  // namespace gatehouse::ipc
