// The state folder: its shape, owners and modes, the one lock that says whose it is, and the self-signed
// certificate.
#pragma once

#include "apps/common/config.h"
#include "base/fd.h"

namespace gatehouse::apps {

/// Fault::unavailable names the process that holds it.
base::Result<base::Fd> lock_state_folder(const Config& config);

/// Makes what is missing, gives each part to its role, and notes in `config` what could not be applied.
base::Result<void> prepare_state_folder(Config& config);

}  // namespace gatehouse::apps
