// The state folder: its shape, owners and modes, the one lock that says whose it is, and the self-signed
// certificate.
#pragma once

#include "apps/common/config.h"
#include "base/fd.h"
#include "net/tls.h"

namespace gatehouse::apps {

/// Fault::unavailable names the process that holds it.
base::Result<base::Fd> lock_state_folder(const Config& config);

/// Makes what is missing, gives each part to its role, and notes in `config` what could not be applied.
base::Result<void> prepare_state_folder(Config& config);

/// smtp.tls_certificate and tls_key, or the pair made at the first start. Read as root, before and instead of
/// the roles, which cannot open the key.
base::Result<net::PemPair> read_certificate(const Config& config);

/// As many descriptors for us and our children as we may have; notes in `config` when they are too few for
/// limits.connections.
void raise_descriptor_limit(Config& config);

}  // namespace gatehouse::apps
