// What an operator sets in [smtp] and [limits] of gatehouse.toml, and what the machine gets of it. apps hands
// the tables to the settings loader; the session shell uses the times, counts and addresses itself. Plain
// values; the tables are constexpr and shared.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/field_table.h"
#include "receive/smtp/content_reader.h"
#include "receive/smtp/relay.h"

namespace gatehouse::receive::smtp {

struct SmtpSettings {
    std::vector<std::string> listen{"127.0.0.1:2525"};
    std::string hostname;
    std::vector<std::string> relay_domains;
    std::vector<std::string> permitted_senders;
    std::vector<std::string> xclient_hosts;
    std::vector<std::string> proxy_hosts;
    std::string tls_certificate;
    std::string tls_key;
    std::string bare_newline = "refuse";
    std::string early_commands = "refuse";
    bool routed_local_parts = false;
    std::int64_t max_message_size = 100LL << 20;
    std::int64_t max_recipients = 5000;
    std::int64_t greeting_delay = 0;
};

struct LimitSettings {
    std::int64_t connections = 20'000;
    std::int64_t connections_per_address = 100;
    std::int64_t rate_per_address = 600;
    std::vector<std::string> exempt{"127.0.0.0/8", "::1"};
    std::int64_t command_length = 2048;
    std::int64_t errors = 20;
    std::int64_t refused_recipients = 100;
    std::int64_t idle_commands = 100;
    std::int64_t idle_timeout = 300;
    std::int64_t command_timeout = 60;
    std::int64_t data_timeout = 180;
    std::int64_t message_timeout = 1800;
    std::int64_t session_timeout = 7200;
    std::int64_t discard = 128LL << 20;
    std::int64_t discard_timeout = 60;
    std::int64_t memory = 0;
};

const base::FieldTable& smtp_table();
const base::FieldTable& limit_table();

enum class EarlyCommands { note, refuse };

struct MachineSettings {
    std::string hostname = "localhost";
    RelayRules relay;
    std::vector<base::Network> xclient_hosts;
    std::uint64_t max_message_size = 100ULL << 20;
    std::uint64_t discard_limit = 128ULL << 20;
    std::size_t max_recipients = 5000;
    std::size_t max_command_length = 2048;
    std::size_t max_errors = 20;
    std::size_t max_refused_recipients = 100;
    std::size_t max_idle_commands = 100;
    BareNewline bare_newline = BareNewline::refuse;
    EarlyCommands early_commands = EarlyCommands::refuse;
    bool routed_local_parts = false;
    bool offers_tls = false;
};

/// `hostname`: the machine's name, used when the setting is empty. Fails only where the field checks would
/// have.
base::Result<MachineSettings> make_machine_settings(const SmtpSettings& smtp, const LimitSettings& limits,
                                                    std::string_view hostname, bool offers_tls);

}  // namespace gatehouse::receive::smtp
