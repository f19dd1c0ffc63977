#include "apps/gatehouse/local_desk.h"

#include <unistd.h>

#include <filesystem>

#include "apps/common/control_server.h"
#include "apps/desk/queue_desk.h"
#include "apps/gatehouse/state_folder.h"
#include "base/log.h"
#include "ipc/channel.h"

namespace gatehouse::apps {

using base::Fault;
using base::Result;

Result<pb::ControlEnd> ask_desk(const Config& config, pb::ControlRequest request, const ControlSinks& sinks) {
    if (ipc::connect_unix(config.state_path("run/front.sock")))
        return ask_role(config, "front", request, sinks);
    std::error_code error;
    const bool is_there = std::filesystem::exists(config.state_path("run"), error);
    if (error) {
        return base::fail(Fault::refused, "the state folder {} is closed to this user: {}",
                          config.state_path(""), error.message());
    }
    if (!is_there) {
        return base::fail(Fault::not_found, "{} is no state folder of a gateway", config.state_path(""));
    }
    base::log_start("gatehouse", "", base::LogLevel::error);
    GATEHOUSE_TRY(const auto lock, lock_state_folder(config));
    const base::Clock clock;
    GATEHOUSE_TRY(const auto recorder, record::Recorder::open({.state = config.state_path(""),
                                                               .database = config.database_path(),
                                                               .who = "the gatehouse command",
                                                               .retention = config.retention,
                                                               .forgets = false},
                                                              clock));
    GATEHOUSE_TRY(const auto quarantine,
                  act::quarantine::Quarantine::open({.folder = config.state_path("items/quarantine"),
                                                     .database = config.database_path(),
                                                     .who = "the gatehouse command"}));
    if (request.has_quarantine()) {
        auto& quarantine_request = *request.mutable_quarantine();
        quarantine_request.set_who(signed_name(quarantine_request.who(), ::getuid()));
    }
    const DeskSinks desk_sinks{[&](const std::string& row) {
                                   if (sinks.row) sinks.row(row);
                               },
                               [&](std::string_view bytes) {
                                   if (sinks.raw) sinks.raw(bytes);
                               }};
    DeskEnd done;
    if (request.has_queue()) {
        request.mutable_queue()->set_who(signed_name(request.queue().who(), ::getuid()));
        GATEHOUSE_TRY(const auto queue,
                      act::queue::Queue::open(
                          {.folder = config.state_path("queue"), .who = "the gatehouse command"}, clock));
        done = QueueDesk(*queue, *recorder, clock).answer(request.queue(), desk_sinks);
    } else {
        done = Desk(*recorder, *quarantine, clock).answer(request, desk_sinks);
    }
    pb::ControlEnd end;
    end.set_exit_class(done.exit_class);
    end.set_sentence(done.sentence);
    return end;
}

}  // namespace gatehouse::apps
