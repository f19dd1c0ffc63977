// Relay control: for which recipients a client may send through us. The one place that keeps the gateway from
// being an open relay; asked by the machine at every RCPT. Immutable after make(), shared by all threads.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"
#include "receive/smtp/path.h"

namespace gatehouse::receive::smtp {

enum class RelayVerdict {
    accept,
    foreign,  ///< not one of our domains, and the client may not send elsewhere
    routed,   ///< %, ! or @ in the local part might route the mail on from here
};

class RelayRules {
  public:
    RelayRules() = default;
    /// `domains`: "example.com" = that domain alone, "*.example.com" = all its subdomains but not itself.
    /// `permitted`: networks whose clients may send anywhere.
    static base::Result<RelayRules> make(const std::vector<std::string>& domains,
                                         const std::vector<std::string>& permitted);

    /// Never for the unspecified address.
    bool is_permitted(const base::IpAddress& client) const;
    bool is_relay_domain(std::string_view domain) const;
    /// `routed_local_parts`: let %, ! and @ pass for everybody.
    RelayVerdict judge(const Path& recipient, bool is_permitted, bool routed_local_parts) const;
    /// The first domain that is no wildcard, where <Postmaster> is at home; empty when there is none.
    const std::string& home_domain() const { return home_domain_; }

  private:
    std::vector<std::string> exact_;      // lower case, sorted
    std::vector<std::string> wildcards_;  // "example.com" of "*.example.com", lower case, sorted
    std::vector<base::Network> permitted_;
    std::string home_domain_;
};

/// One entry of relay_domains; the sentence says what is wrong.
base::Result<void> check_relay_domain(std::string_view entry);
base::Result<std::vector<base::Network>> parse_networks(const std::vector<std::string>& entries);

}  // namespace gatehouse::receive::smtp
