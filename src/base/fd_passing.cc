#include "base/fd_passing.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace gatehouse::base {

namespace {

/// One message of up to two pieces and the descriptors; borrows them.
class Outgoing {
  public:
    Outgoing(std::string_view head, std::string_view body, std::span<const int> fds)
        : parts_{iovec{const_cast<char*>(head.data()), head.size()},
                 iovec{const_cast<char*>(body.data()), body.size()}} {
        message_.msg_iov = parts_.data();
        message_.msg_iovlen = parts_.size();
        if (fds.empty()) return;
        std::memset(control_.data(), 0, CMSG_SPACE(fds.size_bytes()));
        message_.msg_control = control_.data();
        message_.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* rights = CMSG_FIRSTHDR(&message_);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
    }
    Outgoing(const Outgoing&) = delete;
    Outgoing& operator=(const Outgoing&) = delete;

    Result<std::size_t> send(int socket, int flags) const {
        while (true) {
            const ssize_t sent = ::sendmsg(socket, &message_, MSG_NOSIGNAL | flags);
            if (sent >= 0) return static_cast<std::size_t>(sent);
            if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
            if (errno != EINTR) return fail_errno(Fault::unavailable, "the peer process is gone", errno);
        }
    }

  private:
    std::array<iovec, 2> parts_;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxPassedFds)> control_;
    msghdr message_{};
};

Result<void> check_count(std::span<const int> fds) {
    if (fds.size() <= kMaxPassedFds) return {};
    return fail(Fault::limit, "too many descriptors for one frame ({})", fds.size());
}

}  // namespace

Result<std::size_t> send_with_fds(int socket, std::string_view head, std::string_view body,
                                  std::span<const int> fds) {
    GATEHOUSE_CHECK(check_count(fds));
    return Outgoing(head, body, fds).send(socket, 0);
}

Result<std::size_t> send_with_fds_now(int socket, std::string_view head, std::string_view body,
                                      std::span<const int> fds) {
    GATEHOUSE_CHECK(check_count(fds));
    return Outgoing(head, body, fds).send(socket, MSG_DONTWAIT);
}

Result<std::size_t> receive_with_fds(int socket, std::span<char> into, std::deque<Fd>& fds) {
    iovec part{into.data(), into.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxPassedFds)> control;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t got = 0;
    do {
        got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return fail(Fault::timed_out, "nothing to read yet");
    if (got < 0) return fail_errno(Fault::unavailable, "the peer process is gone", errno);
    std::size_t taken = 0;
    for (cmsghdr* item = CMSG_FIRSTHDR(&message); item != nullptr; item = CMSG_NXTHDR(&message, item)) {
        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(item) + i * sizeof(int), sizeof fd);
            fds.emplace_back(fd);
        }
        taken += count;
    }
    if ((message.msg_flags & MSG_CTRUNC) != 0) {
        if (taken >= kMaxPassedFds)
            return fail(Fault::malformed, "the peer process sent too many descriptors");
        fds.emplace_back();  // there was room for it in `control`, but not in our table of open files
    }
    return static_cast<std::size_t>(got);
}

Result<Fd> take_first(std::deque<Fd>& fds) {
    if (fds.empty()) return fail(Fault::malformed, "a descriptor was named and not sent");
    Fd first = std::move(fds.front());
    fds.pop_front();
    if (!first) return fail(Fault::limit, "too many files are open: raise the limit of open files (nofile)");
    return first;
}

Result<std::pair<Fd, Fd>> make_socket_pair() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return fail_errno(Fault::limit, "no socket pair could be made", errno);
    }
    return std::pair{Fd(ends[0]), Fd(ends[1])};
}

}  // namespace gatehouse::base
