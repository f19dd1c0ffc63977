// The sink of `bench smtp`: takes all mail on one loopback port as cheaply as may be, and counts it. One
// thread, one epoll; runs in a process of its own until it is killed.
#pragma once

#include "apps/bench/board.h"
#include "base/fd.h"

namespace gatehouse::apps {

/// Returns only when it cannot go on.
base::Result<void> serve_sink(base::Fd listening, const Shared<SinkBoard>& board);

}  // namespace gatehouse::apps
