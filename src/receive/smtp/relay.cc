#include "receive/smtp/relay.h"

#include <algorithm>

#include "base/text.h"

namespace gatehouse::receive::smtp {
namespace {

constexpr std::string_view kWildcard = "*.";

bool holds(const std::vector<std::string>& sorted, std::string_view domain) {
    return std::binary_search(sorted.begin(), sorted.end(), domain);
}

}  // namespace

base::Result<void> check_relay_domain(std::string_view entry) {
    std::string_view domain = entry;
    if (domain.starts_with(kWildcard)) domain.remove_prefix(kWildcard.size());
    if (is_domain(domain)) return {};
    if (entry == "*") {
        return base::fail(
            base::Fault::usage,
            "\"*\" would make an open relay; name the domains, and in permitted_senders who may send out");
    }
    return base::fail(base::Fault::usage, "\"{}\" is no domain, as example.com or *.example.com",
                      base::printable(entry, 80));
}

base::Result<std::vector<base::Network>> parse_networks(const std::vector<std::string>& entries) {
    std::vector<base::Network> out;
    for (const auto& entry : entries) {
        GATEHOUSE_TRY(const base::Network network, base::Network::parse(entry));
        out.push_back(network);
    }
    return out;
}

base::Result<RelayRules> RelayRules::make(const std::vector<std::string>& domains,
                                          const std::vector<std::string>& permitted) {
    RelayRules rules;
    for (const auto& entry : domains) {
        GATEHOUSE_CHECK(check_relay_domain(entry));
        const std::string domain = base::lower(entry);
        if (domain.starts_with(kWildcard)) {
            rules.wildcards_.push_back(domain.substr(kWildcard.size()));
            continue;
        }
        if (rules.home_domain_.empty()) rules.home_domain_ = domain;
        rules.exact_.push_back(domain);
    }
    std::sort(rules.exact_.begin(), rules.exact_.end());
    std::sort(rules.wildcards_.begin(), rules.wildcards_.end());
    GATEHOUSE_TRY(rules.permitted_, parse_networks(permitted));
    return rules;
}

bool RelayRules::is_permitted(const base::IpAddress& client) const {
    if (client.is_unspecified()) return false;
    return std::any_of(permitted_.begin(), permitted_.end(),
                       [&](const base::Network& network) { return network.contains(client); });
}

bool RelayRules::is_relay_domain(std::string_view domain) const {
    const std::string wanted = base::lower(domain);
    if (holds(exact_, wanted)) return true;
    std::string_view parent = wanted;
    for (std::size_t dot = parent.find('.'); dot != std::string_view::npos; dot = parent.find('.')) {
        parent.remove_prefix(dot + 1);
        if (holds(wildcards_, parent)) return true;
    }
    return false;
}

RelayVerdict RelayRules::judge(const Path& recipient, bool is_permitted, bool routed_local_parts) const {
    if (is_permitted) return RelayVerdict::accept;
    if (!is_relay_domain(recipient.domain)) return RelayVerdict::foreign;
    const bool is_routed = recipient.local.find_first_of("%!@") != std::string::npos;
    return is_routed && !routed_local_parts ? RelayVerdict::routed : RelayVerdict::accept;
}

}  // namespace gatehouse::receive::smtp
