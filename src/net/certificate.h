// A self-signed certificate for STARTTLS and the console when the operator has given none. Nobody can verify
// it; it keeps listeners on the wire out. The caller decides where it is kept.
#pragma once

#include <string>

#include "base/reference.h"
#include "net/tls.h"

namespace gatehouse::net {

/// EC P-256, valid for ten years from the day before `now`; `host` is a name or an IP address.
base::Result<PemPair> make_self_signed(const std::string& host, base::WallTime now);

}  // namespace gatehouse::net
