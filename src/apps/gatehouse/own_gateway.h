// A gateway for `bench smtp`: the real programs beside this one, in a folder and on ports of its own. Ends
// with its object.
#pragma once

#include <memory>

#include "apps/bench/process.h"
#include "base/ip_address.h"

namespace gatehouse::apps {

struct GatewayPlan {
    std::string folder;  ///< exists and is empty
    base::Endpoint next_hop;
    bool cut_through = true;
    bool clamd = false;
};

class OwnGateway {
  public:
    /// Returns when it takes mail, and its malware engine answers where there is one.
    static base::Result<OwnGateway> start(const GatewayPlan& plan);

    const base::Endpoint& endpoint() const { return endpoint_; }
    pid_t pid() const { return process_.pid(); }

  private:
    OwnGateway(Process process, const base::Endpoint& endpoint)
        : process_(std::move(process)), endpoint_(endpoint) {}

    Process process_;
    base::Endpoint endpoint_;
};

}  // namespace gatehouse::apps
