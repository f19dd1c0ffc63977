#include "receive/smtp/xclient.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "base/text.h"
#include "message/xtext.h"
#include "receive/smtp/command.h"

namespace gatehouse::receive::smtp {
namespace {

constexpr std::size_t kMaxValue = 255;

bool is_unknown(std::string_view value) {
    return base::iequals(value, "[UNAVAILABLE]") || base::iequals(value, "[TEMPUNAVAIL]");
}

bool take_text(std::string_view value, std::string& to) {
    to = is_unknown(value) ? std::string_view() : value;
    return true;
}

bool take_name(std::string_view value, std::string& to) {
    const auto is_printable = [](char c) { return c > ' ' && c <= '~'; };
    return std::all_of(value.begin(), value.end(), is_printable) && take_text(value, to);
}

bool take_address(std::string_view value, base::Endpoint& to) {
    constexpr std::string_view kTag = "IPV6:";
    to.address = {};
    if (is_unknown(value)) return true;
    const bool is_v6 = base::istarts_with(value, kTag);
    if (is_v6) value.remove_prefix(kTag.size());
    const auto address = base::IpAddress::parse(value);
    if (!address || is_v6 != (value.find(':') != std::string_view::npos)) return false;
    to.address = *address;
    return true;
}

bool take_port(std::string_view value, base::Endpoint& to) {
    constexpr std::uint64_t kMaxPort = 65535;
    to.port = 0;
    if (is_unknown(value)) return true;
    const auto port = base::parse_unsigned(value);
    if (!port || *port > kMaxPort) return false;
    to.port = static_cast<std::uint16_t>(*port);
    return true;
}

bool take_protocol(std::string_view value, Client&) {
    return base::iequals(value, "SMTP") || base::iequals(value, "ESMTP");
}

struct Attribute {
    std::string_view name;
    bool (*take)(std::string_view value, Client& client);
};

constexpr std::array<Attribute, 8> kAttributes{{
    {"NAME", [](std::string_view value, Client& client) { return take_name(value, client.name); }},
    {"ADDR", [](std::string_view value, Client& client) { return take_address(value, client.remote); }},
    {"PORT", [](std::string_view value, Client& client) { return take_port(value, client.remote); }},
    {"PROTO", take_protocol},
    {"HELO", [](std::string_view value, Client& client) { return take_name(value, client.helo); }},
    {"LOGIN", [](std::string_view value, Client& client) { return take_text(value, client.login); }},
    {"DESTADDR", [](std::string_view value, Client& client) { return take_address(value, client.local); }},
    {"DESTPORT", [](std::string_view value, Client& client) { return take_port(value, client.local); }},
}};

std::unexpected<Reply> wrong(std::string_view what) {
    return std::unexpected(Reply{501, "5.5.4", std::string(what)});
}

}  // namespace

std::expected<Client, Reply> apply_xclient(std::string_view arguments, Client client) {
    const auto words = split_words(arguments);
    if (words.empty()) return wrong("Syntax: XCLIENT attribute=value ...");
    for (const std::string_view word : words) {
        const std::size_t equals = word.find('=');
        if (equals == std::string_view::npos) return wrong("Syntax: XCLIENT attribute=value ...");
        const auto known =
            std::find_if(kAttributes.begin(), kAttributes.end(), [&](const Attribute& attribute) {
                return base::iequals(attribute.name, word.substr(0, equals));
            });
        if (known == kAttributes.end()) return wrong("Unknown XCLIENT attribute");
        const auto value = message::decode_xtext(word.substr(equals + 1));
        const bool fits = value && !value->empty() && value->size() <= kMaxValue;
        if (!fits || !known->take(*value, client)) return wrong("Bad value of an XCLIENT attribute");
    }
    return client;
}

}  // namespace gatehouse::receive::smtp
