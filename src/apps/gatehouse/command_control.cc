// gatehouse restart|reload, and what only tests may ask: clock, fault
#include "apps/gatehouse/commands.h"
#include "apps/gatehouse/report.h"

namespace gatehouse::apps {
namespace {

int ask(const Globals& globals, const std::string& role, const pb::ControlRequest& request) {
    const auto config = load_places(find_config(globals.config));
    if (!config) return report(globals, config.error());
    const auto end = ask_role(*config, role, request, {});
    return end ? report_end(globals, *end) : report(globals, end.error());
}

}  // namespace

int command_restart(const Globals& globals, const std::string& what) {
    pb::ControlRequest request;
    request.mutable_restart()->set_role(what);
    return ask(globals, "gatehouse", request);
}

int command_reload(const Globals& globals) {
    pb::ControlRequest request;
    request.mutable_reload();
    return ask(globals, "gatehouse", request);
}

int command_clock(const Globals& globals, std::int64_t seconds) {
    pb::ControlRequest request;
    request.mutable_testing()->set_advance_clock_s(seconds);
    return ask(globals, "front", request);
}

int command_fault(const Globals& globals, const std::string& point, std::uint64_t after,
                  const std::string& action) {
    pb::ControlRequest request;
    request.mutable_testing()->set_fault_point(point);
    request.mutable_testing()->set_fault_after(after);
    request.mutable_testing()->set_fault_action(action);
    return ask(globals, "front", request);
}

}  // namespace gatehouse::apps
