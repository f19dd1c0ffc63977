// A Postfix for `bench smtp` to measure beside us: the machine's programs with a configuration, a queue, a
// log and a port of their own, as a plain relay to the bench's sink. Nothing else of the machine is touched.
// Ends with its object.
#pragma once

#include "apps/bench/process.h"
#include "base/ip_address.h"

namespace gatehouse::apps {

class PrivatePostfix {
  public:
    /// Fault::not_found with the line that installs it where the machine has none; Fault::refused without
    /// root, whom Postfix wants to be started by.
    static base::Result<PrivatePostfix> start(const std::string& folder, const base::Endpoint& next_hop);

    const base::Endpoint& endpoint() const { return endpoint_; }
    pid_t pid() const { return process_.pid(); }
    const std::string& version() const { return version_; }

  private:
    PrivatePostfix(Process process, const base::Endpoint& endpoint, std::string version)
        : process_(std::move(process)), endpoint_(endpoint), version_(std::move(version)) {}

    Process process_;
    base::Endpoint endpoint_;
    std::string version_;
};

}  // namespace gatehouse::apps
