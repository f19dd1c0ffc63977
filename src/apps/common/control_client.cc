#include "apps/common/control_client.h"

#include <fmt/format.h>

#include <cstdio>

#include "ipc/channel.h"

namespace gatehouse::apps {

using base::Fault;
using base::Result;

Result<pb::ControlEnd> ask_role(const Config& config, const std::string& role, pb::ControlRequest request,
                                const ControlSinks& sinks) {
    constexpr int kPatienceMs = 120'000;
    auto socket = ipc::connect_unix(config.state_path("run/" + role + ".sock"));
    if (!socket) {
        return base::fail(Fault::unavailable, "no gateway answers for {} ({})", config.state_path(""),
                          socket.error().sentence);
    }
    ipc::Channel channel(std::move(*socket), base::kControlFrameLimit);
    request.set_version(kControlVersion);
    request.set_id(1);
    // A peer that is turned away hears why without having been asked what it wants.
    const auto sent = channel.send(request.SerializeAsString(), {}, kPatienceMs);
    while (true) {
        const auto received = channel.receive(kPatienceMs);
        if (!received) return std::unexpected(sent ? received.error() : sent.error());
        const std::string& frame = *received;
        pb::ControlReply reply;
        if (!reply.ParseFromString(frame))
            return base::fail(Fault::malformed, "{} sent a damaged reply", role);
        if (reply.has_row() && sinks.row) sinks.row(reply.row());
        if (reply.has_raw() && sinks.raw) sinks.raw(reply.raw());
        if (reply.has_end()) return reply.end();
    }
}

int report(const base::Error& error) {
    fmt::print(stderr, "gatehouse: {}\n", error.sentence);
    return error.fault == Fault::usage ? 2 : 3;
}

int report_end(const pb::ControlEnd& end) {
    if (!end.sentence().empty()) {
        fmt::print(end.exit_class() == 0 ? stdout : stderr, "{}{}\n",
                   end.exit_class() == 0 ? "" : "gatehouse: ", end.sentence());
    }
    return static_cast<int>(end.exit_class());
}

}  // namespace gatehouse::apps
