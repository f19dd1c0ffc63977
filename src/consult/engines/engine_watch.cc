#include "consult/engines/engine_watch.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "consult/engines/clamd_control.h"
#include "ipc/channel.h"

namespace gatehouse::consult::engines {

bool EngineWatch::is_stuck(base::SteadyTime now) {
    if (!connection_) {
        if (now >= next_) put_probe(now);
        return false;
    }
    char byte = 0;
    const ssize_t got = ::recv(connection_.get(), &byte, 1, MSG_DONTWAIT);
    const bool is_silent = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    if (is_silent) return now - asked_ > patience_;
    connection_.reset();  // an answer, or its end, which the owner hears of otherwise
    next_ = now + interval_;
    return false;
}

void EngineWatch::put_probe(base::SteadyTime now) {
    next_ = now + interval_;
    if (!probe_) {
        auto made = make_probe_file();
        if (!made) return;
        probe_ = std::move(*made);
    }
    auto connected = ipc::connect_unix_now(socket_);
    if (!connected || !send_command(connected->get(), "FILDES", probe_.get())) return;
    connection_ = std::move(*connected);
    asked_ = now;
}

}  // namespace gatehouse::consult::engines
