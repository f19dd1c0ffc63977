// The TLS contexts towards next hops: made once by apps (the system's authorities are read then) and shared
// by the pools of all threads; must outlive them. Thread-safe.
#pragma once

#include <memory>

#include "act/delivery/next_hop.h"
#include "base/result.h"
#include "net/tls.h"

namespace gatehouse::act::delivery {

class HopTls {
  public:
    /// `options.trust` is chosen here; `trust_file` and `clock` count for tls = verify.
    static base::Result<HopTls> make(net::TlsClientOptions options);

    net::TlsContext& context(TlsMode mode) const { return mode == TlsMode::verify ? *verifying_ : *any_; }

  private:
    std::unique_ptr<net::TlsContext> any_;
    std::unique_ptr<net::TlsContext> verifying_;
};

}  // namespace gatehouse::act::delivery
