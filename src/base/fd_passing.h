// Bytes and descriptors over a unix stream socket (SCM_RIGHTS). The descriptors of one call arrive together
// with the first of its bytes. Shared by ipc (blocking) and net (coroutines). Not for pure code.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string_view>

#include "base/fd.h"

namespace gatehouse::base {

/// More than this in one call is refused; more than this from a peer are closed and the stream is malformed.
inline constexpr std::size_t kMaxPassedFds = 128;

/// One sendmsg of up to `head` + `body` and the descriptors; returns the bytes taken, which may be fewer. The
/// caller sends the rest without descriptors. EAGAIN is 0 bytes (then no descriptor was sent either).
Result<std::size_t> send_with_fds(int socket, std::string_view head, std::string_view body,
                                  std::span<const int> fds);
/// The same, but it never waits for room, whatever the socket's mode: for senders with a deadline.
Result<std::size_t> send_with_fds_now(int socket, std::string_view head, std::string_view body,
                                      std::span<const int> fds);

/// One recvmsg; received descriptors are close-on-exec and are put at the end of `fds`. 0 bytes = end of
/// stream; EAGAIN is Fault::timed_out. Where this process could not open any more, the bytes come all the
/// same, and a closed Fd stands in the place of what was lost (how many, nobody knows): see take_first.
Result<std::size_t> receive_with_fds(int socket, std::span<char> into, std::deque<Fd>& fds);

/// The oldest of them. Fault::malformed: there is none, the peer sent fewer than it named; limit: it came,
/// but this process has too many files open.
Result<Fd> take_first(std::deque<Fd>& fds);

/// Two connected unix stream sockets, close-on-exec.
Result<std::pair<Fd, Fd>> make_socket_pair();

}  // namespace gatehouse::base
