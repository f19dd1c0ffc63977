#include "receive/smtp/settings.h"

#include <array>

#include "base/text.h"

namespace gatehouse::receive::smtp {
namespace {

using base::field;
using base::Result;

constexpr std::int64_t kDay = 86'400;
constexpr std::array<std::string_view, 2> kBareNewline{"refuse", "normalise"};
constexpr std::array<std::string_view, 2> kEarlyCommands{"refuse", "note"};

Result<void> check_endpoint(std::string_view text) {
    GATEHOUSE_CHECK(base::Endpoint::parse(text));
    return {};
}

Result<void> check_network(std::string_view text) {
    GATEHOUSE_CHECK(base::Network::parse(text));
    return {};
}

Result<void> check_permitted(std::string_view text) {
    GATEHOUSE_TRY(const auto network, base::Network::parse(text));
    if (!network.to_string().ends_with("/0")) return {};
    return base::fail(base::Fault::usage,
                      "\"{}\" would make an open relay; name the networks of those who may",
                      base::printable(text, 80));
}

Result<void> check_hostname(std::string_view text) {
    if (text.empty() || is_domain(text)) return {};
    return base::fail(base::Fault::usage, "\"{}\" is no host name", base::printable(text, 80));
}

constexpr std::array kSmtpFields = {
    field<&SmtpSettings::listen>("listen", "addresses and ports to accept mail on, as 0.0.0.0:25 or [::]:25",
                                 {.check = check_endpoint}),
    field<&SmtpSettings::hostname>("hostname",
                                   "the name in the greeting and in Received lines; empty = this machine's",
                                   {.check = check_hostname}),
    field<&SmtpSettings::relay_domains>(
        "relay_domains", "domains to accept mail for: example.com, or *.example.com for its subdomains",
        {.check = check_relay_domain, .reload = base::Reload::live}),
    field<&SmtpSettings::permitted_senders>("permitted_senders",
                                            "networks whose clients may send to any domain, as 10.0.0.0/8",
                                            {.check = check_permitted, .reload = base::Reload::live}),
    field<&SmtpSettings::xclient_hosts>("xclient_hosts", "networks that may name another client with XCLIENT",
                                        {.check = check_network, .reload = base::Reload::live}),
    field<&SmtpSettings::proxy_hosts>(
        "proxy_hosts",
        "load balancers: each of their connections must begin with a PROXY protocol "
        "version 2 header",
        {.check = check_network, .reload = base::Reload::live}),
    field<&SmtpSettings::tls_certificate>(
        "tls_certificate",
        "PEM file of the certificate chain; empty = a self-signed one, none = no "
        "STARTTLS",
        {.reload = base::Reload::live}),
    field<&SmtpSettings::tls_key>("tls_key", "PEM file of the certificate's key",
                                  {.reload = base::Reload::live}),
    field<&SmtpSettings::bare_newline>(
        "bare_newline",
        "messages with a bare CR, a bare LF or a NUL: refuse them (550), or make each "
        "newline CR LF and remove NUL",
        {.choices = kBareNewline, .reload = base::Reload::live}),
    field<&SmtpSettings::early_commands>(
        "early_commands",
        "clients that speak before the greeting or send content before 354: refuse "
        "and close, or note it in the record",
        {.choices = kEarlyCommands, .reload = base::Reload::live}),
    field<&SmtpSettings::routed_local_parts>(
        "routed_local_parts", "accept recipients with %, ! or @ before the last @ from anybody",
        {.reload = base::Reload::live}),
    field<&SmtpSettings::max_message_size>(
        "max_message_size", "octets of one message, beyond: 552",
        {.min = 1, .max = (1LL << 30) - (1LL << 20), .unit = "bytes", .reload = base::Reload::live}),
    field<&SmtpSettings::max_recipients>("max_recipients", "recipients of one message, beyond: 452",
                                         {.min = 1, .max = 1'000'000, .reload = base::Reload::live}),
    field<&SmtpSettings::greeting_delay>(
        "greeting_delay", "time to wait for clients that speak before the greeting; 0 = greet at once",
        {.min = 0, .max = 30'000, .unit = "ms", .reload = base::Reload::live}),
};

constexpr std::array kLimitFields = {
    field<&LimitSettings::connections>("connections", "open connections in all, beyond: 421",
                                       {.min = 1, .max = 1'000'000, .reload = base::Reload::live}),
    field<&LimitSettings::connections_per_address>(
        "connections_per_address", "open connections of one address, beyond: 421; 0 = no limit",
        {.min = 0, .max = 1'000'000, .reload = base::Reload::live}),
    field<&LimitSettings::rate_per_address>(
        "rate_per_address", "new connections of one address a minute, beyond: 421; 0 = no limit",
        {.min = 0, .max = 1'000'000, .reload = base::Reload::live}),
    field<&LimitSettings::exempt>("exempt",
                                  "networks without a limit per address; permitted senders have none either",
                                  {.check = check_network, .reload = base::Reload::live}),
    field<&LimitSettings::command_length>(
        "command_length", "octets of a command line, beyond: 500",
        {.min = 1024, .max = 65'536, .unit = "bytes", .reload = base::Reload::live}),
    field<&LimitSettings::errors>("errors", "errors of a client between two messages, beyond: 421",
                                  {.min = 1, .max = 10'000, .reload = base::Reload::live}),
    field<&LimitSettings::refused_recipients>(
        "refused_recipients", "recipients answered with 5xx between two messages, beyond: 421",
        {.min = 1, .max = 1'000'000, .reload = base::Reload::live}),
    field<&LimitSettings::idle_commands>(
        "idle_commands", "NOOP, RSET, VRFY and the like between two messages; each more is an error",
        {.min = 1, .max = 1'000'000, .reload = base::Reload::live}),
    field<&LimitSettings::idle_timeout>("idle_timeout", "longest wait for a command, then 421",
                                        {.min = 1, .max = kDay, .unit = "s", .reload = base::Reload::live}),
    field<&LimitSettings::command_timeout>(
        "command_timeout", "longest time from a command's first octet to its last",
        {.min = 1, .max = kDay, .unit = "s", .reload = base::Reload::live}),
    field<&LimitSettings::data_timeout>("data_timeout", "longest wait for the next octets of a message",
                                        {.min = 1, .max = kDay, .unit = "s", .reload = base::Reload::live}),
    field<&LimitSettings::message_timeout>(
        "message_timeout", "longest time for the whole of a message's content",
        {.min = 1, .max = kDay, .unit = "s", .reload = base::Reload::live}),
    field<&LimitSettings::session_timeout>(
        "session_timeout", "longest life of a connection; ends between messages",
        {.min = 1, .max = 7 * kDay, .unit = "s", .reload = base::Reload::live}),
    field<&LimitSettings::discard>(
        "discard", "octets beyond max_message_size to read on to a refused message's end; more: close",
        {.min = 0, .max = 4LL << 30, .unit = "bytes", .reload = base::Reload::live}),
    field<&LimitSettings::discard_timeout>(
        "discard_timeout", "time to read a refused message on to its end",
        {.min = 1, .max = kDay, .unit = "s", .reload = base::Reload::live}),
    field<&LimitSettings::memory>(
        "memory", "memory of all messages in flight, beyond: 452; 0 = a quarter of this machine's",
        {.min = 0, .max = 1LL << 44, .unit = "bytes"}),
};

constexpr base::FieldTable kSmtpTable =
    base::make_table<SmtpSettings>("smtp", "the SMTP server", kSmtpFields);
constexpr base::FieldTable kLimitTable =
    base::make_table<LimitSettings>("limits", "what one client, and all together, may use", kLimitFields);

}  // namespace

const base::FieldTable& smtp_table() {
    return kSmtpTable;
}

const base::FieldTable& limit_table() {
    return kLimitTable;
}

base::Result<MachineSettings> make_machine_settings(const SmtpSettings& smtp, const LimitSettings& limits,
                                                    std::string_view hostname, bool offers_tls) {
    MachineSettings out;
    out.hostname = smtp.hostname.empty() ? hostname : smtp.hostname;
    GATEHOUSE_TRY(out.relay, RelayRules::make(smtp.relay_domains, smtp.permitted_senders));
    GATEHOUSE_TRY(out.xclient_hosts, parse_networks(smtp.xclient_hosts));
    out.max_message_size = static_cast<std::uint64_t>(smtp.max_message_size);
    out.max_recipients = static_cast<std::size_t>(smtp.max_recipients);
    out.discard_limit = static_cast<std::uint64_t>(limits.discard);
    out.max_command_length = static_cast<std::size_t>(limits.command_length);
    out.max_errors = static_cast<std::size_t>(limits.errors);
    out.max_refused_recipients = static_cast<std::size_t>(limits.refused_recipients);
    out.max_idle_commands = static_cast<std::size_t>(limits.idle_commands);
    out.bare_newline = smtp.bare_newline == "normalise" ? BareNewline::normalise : BareNewline::refuse;
    out.early_commands = smtp.early_commands == "note" ? EarlyCommands::note : EarlyCommands::refuse;
    out.routed_local_parts = smtp.routed_local_parts;
    out.offers_tls = offers_tls;
    return out;
}

}  // namespace gatehouse::receive::smtp
