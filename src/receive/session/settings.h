// What a session needs of [smtp] and [limits], in the types it uses. Made by apps at start and at each
// reload; sessions keep the one they began with, so the value is shared and never changes.
#pragma once

#include <chrono>
#include <memory>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "net/tls.h"
#include "receive/session/connection_limits.h"
#include "receive/smtp/settings.h"

namespace gatehouse::receive::session {

struct SessionSettings {
    smtp::MachineSettings machine;
    std::vector<base::Network> proxy_hosts;  ///< their connections must begin with a PROXY header
    std::vector<base::Network> exempt;       ///< no limits per address; permitted senders have none either
    ConnectionNumbers connections;
    std::chrono::milliseconds greeting_delay{0};
    std::chrono::milliseconds idle{std::chrono::seconds(300)};  ///< for a command to begin
    std::chrono::milliseconds command{
        std::chrono::seconds(60)};  ///< for a command to end; for our replies to be taken
    std::chrono::milliseconds data{std::chrono::seconds(180)};      ///< for the next bytes of a message
    std::chrono::milliseconds message{std::chrono::seconds(1800)};  ///< for all of a message
    std::chrono::milliseconds session{
        std::chrono::seconds(7200)};                              ///< for a connection; ends between messages
    std::chrono::milliseconds discard{std::chrono::seconds(60)};  ///< for what is left of a refused message
    std::shared_ptr<net::TlsContext> tls;  ///< shared with running handshakes; null = no STARTTLS
};

/// `hostname`: the machine's name, used when the setting is empty.
base::Result<SessionSettings> make_session_settings(const smtp::SmtpSettings& smtp,
                                                    const smtp::LimitSettings& limits,
                                                    std::string_view hostname,
                                                    std::shared_ptr<net::TlsContext> tls);

bool contains(const std::vector<base::Network>& networks, const base::IpAddress& address);

}  // namespace gatehouse::receive::session
