// The inspector as a compiler of content expressions: what an operator, or whoever writes lists for one,
// gives us is compiled where a flaw of the compiler reaches nothing. One request, one answer, one process.
// The other end (apps/gatehouse/expression_keeper.h) watches the time.
#pragma once

#include <optional>

#include "base/fd.h"
#include "inspect/worker/sandbox.h"

namespace gatehouse::inspect::worker {

struct ExpressionBuilderOptions {
    base::Fd channel;  ///< a unix stream socket: ipc/expression_source.proto
    std::optional<RoleIds> ids;
};

/// Exit status of interfaces.md.
int run_expression_builder(ExpressionBuilderOptions options);

}  // namespace gatehouse::inspect::worker
