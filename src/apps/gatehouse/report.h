// How a command ends: one sentence on stderr when it failed, and with --json the same as one object
// {"error": ..., "exit": N} on stdout. Returns the exit code of the program (see commands.h).
#pragma once

#include "apps/common/control_client.h"
#include "apps/gatehouse/commands.h"

namespace gatehouse::apps {

int report(const Globals& globals, const base::Error& error);
/// The sentence of a control request that was done stands on stdout, as {"message": ..., "exit": 0} with
/// --json.
int report_end(const Globals& globals, const pb::ControlEnd& end);
/// Wrong words on the command line: exit code 2.
int report_usage(const Globals& globals, const std::string& sentence);

}  // namespace gatehouse::apps
