// One inspector process: answers the front's requests on its socket, one at a time, until the front closes
// it. Blocking, single-threaded; runs inside the finished sandbox and treats every message as hostile.
// Protocol: the first frame is WorkerHello; then each InspectorRequest (with one sealed memory file) is
// answered by frames of its id, the last of which is Facts, Rewritten, Viewed or Failed. The last frame says
// whether the worker wants to be replaced: it has served its messages or its time, or ran out of memory. It
// never ends of its own accord, so no request can be lost; the front closes the socket and the process ends.
#pragma once

#include <span>

#include "base/fd.h"
#include "inspect/engine/catalogue.h"
#include "inspect/engine/settings.h"
#include "inspect/find/expressions.h"
#include "inspect/worker/sandbox.h"

namespace gatehouse::inspect::worker {

struct WorkerContext {
    const engine::Settings& settings;
    std::span<const engine::Detector> detectors;
    const SandboxReport& sandbox;
    const find::Expressions* expressions = nullptr;
};

/// Returns when the socket is closed or the peer breaks the protocol; the process should end then.
void serve(base::Fd socket, const WorkerContext& context);

}  // namespace gatehouse::inspect::worker
