// What a configuration promises of the machine it stands on: files that exist, a certificate with its key, a
// zone that is known, a socket that is there. Used where an operator's files are read (load_config), never by
// the roles, which can open none of this. What cannot work is an error with file, line and key; what works
// and is hardly meant goes to Config::warnings.
#pragma once

#include "apps/common/config.h"

namespace gatehouse::apps {

base::Result<void> check_machine(Config& config);

/// Whether the zone database knows the name; the error has the nearest one. `folder`: the database, such as
/// /usr/share/zoneinfo. A machine without it knows UTC only to itself, so every name is taken.
base::Result<void> check_zone_exists(const std::string& folder, const std::string& name);

}  // namespace gatehouse::apps
