// Asks a running role over its control socket. Blocking; used by the commands.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "apps/common/config.h"
#include "base/result.h"
#include "ipc/control.pb.h"

namespace gatehouse::apps {

inline constexpr std::uint32_t kControlVersion = 1;

struct ControlSinks {
    std::function<void(std::string_view json)> row;
    std::function<void(std::string_view bytes)> raw;
};

/// `role`: "gatehouse" (the supervisor), "front", "admin". Fault::unavailable when nobody listens.
base::Result<pb::ControlEnd> ask_role(const Config& config, const std::string& role,
                                      pb::ControlRequest request, const ControlSinks& sinks);

/// "gatehouse: SENTENCE" on stderr; the exit class that fits the fault: 2 for wrong words or configuration, 3
/// for everything else (a damaged store is nobody's wrong usage).
int report(const base::Error& error);
int report_end(const pb::ControlEnd& end);

}  // namespace gatehouse::apps
