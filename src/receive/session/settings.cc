#include "receive/session/settings.h"

#include <algorithm>

#include "receive/smtp/relay.h"

namespace gatehouse::receive::session {

using base::Result;
using std::chrono::seconds;

Result<SessionSettings> make_session_settings(const smtp::SmtpSettings& smtp,
                                              const smtp::LimitSettings& limits, std::string_view hostname,
                                              std::shared_ptr<net::TlsContext> tls) {
    SessionSettings out;
    GATEHOUSE_TRY(out.machine, smtp::make_machine_settings(smtp, limits, hostname, tls != nullptr));
    GATEHOUSE_TRY(out.proxy_hosts, smtp::parse_networks(smtp.proxy_hosts));
    GATEHOUSE_TRY(out.exempt, smtp::parse_networks(limits.exempt));
    out.connections.in_all = static_cast<std::size_t>(limits.connections);
    out.connections.per_address = static_cast<std::size_t>(limits.connections_per_address);
    out.connections.per_minute = static_cast<std::size_t>(limits.rate_per_address);
    out.greeting_delay = std::chrono::milliseconds(smtp.greeting_delay);
    out.idle = seconds(limits.idle_timeout);
    out.command = seconds(limits.command_timeout);
    out.data = seconds(limits.data_timeout);
    out.message = seconds(limits.message_timeout);
    out.session = seconds(limits.session_timeout);
    out.discard = seconds(limits.discard_timeout);
    out.tls = std::move(tls);
    return out;
}

bool contains(const std::vector<base::Network>& networks, const base::IpAddress& address) {
    return std::any_of(networks.begin(), networks.end(),
                       [&](const base::Network& network) { return network.contains(address); });
}

}  // namespace gatehouse::receive::session
