// The desk while no gateway runs: the command opens the stores itself, exclusively, under the state folder's
// lock.
#pragma once

#include "apps/common/control_client.h"
#include "apps/desk/desk.h"

namespace gatehouse::apps {

/// Over the socket when a gateway runs, else on the stores. Fault::unavailable names who holds them.
base::Result<pb::ControlEnd> ask_desk(const Config& config, pb::ControlRequest request,
                                      const ControlSinks& sinks);

}  // namespace gatehouse::apps
