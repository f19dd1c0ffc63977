#include "act/delivery/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/text.h"

namespace gatehouse::act::delivery {
namespace {

using base::fail;
using base::Fault;

constexpr std::size_t kMaxPath = 1024;       // RFC 5321 4.5.3.1.3 says 256; UTF-8 and old software need more
constexpr std::size_t kMaxParameter = 1024;  // RFC 3461 5.4: ENVID 100, ORCPT 500; UTF-8 forms need more

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}
bool is_ascii(char c) {
    return static_cast<unsigned char>(c) < 0x80;
}

/// Quotes must be closed, and what could end the path early stands only inside them.
bool is_well_quoted(std::string_view address) {
    bool quoted = false;
    for (std::size_t i = 0; i < address.size(); ++i) {
        const char c = address[i];
        if (c == '"') {
            quoted = !quoted;
        } else if (quoted && c == '\\') {
            if (++i == address.size()) return false;
        } else if (!quoted && (c == ' ' || c == '<' || c == '>' || c == '\\')) {
            return false;
        }
    }
    return !quoted;
}

/// xtext, addr-type and utf-8-addr-xtext (RFC 3461 section 4, RFC 6533 section 3): graphic characters, no
/// blank.
base::Result<void> check_parameter(std::string_view name, std::string_view value, bool smtputf8) {
    const auto bad = [&](char c) { return is_control(c) || c == ' ' || (!smtputf8 && !is_ascii(c)); };
    if (value.size() > kMaxParameter || std::any_of(value.begin(), value.end(), bad)) {
        return fail(Fault::usage, "{}={} cannot be sent to a next hop", name, base::printable(value, 80));
    }
    return {};
}

struct NotifyWord {
    std::uint8_t bit;
    std::string_view word;
};
constexpr std::array kNotifyWords = {
    NotifyWord{message::kNotifySuccess, "SUCCESS"},
    NotifyWord{message::kNotifyFailure, "FAILURE"},
    NotifyWord{message::kNotifyDelay, "DELAY"},
};

void append_notify(std::string& out, std::uint8_t notify) {
    if (notify == 0) return;
    out += " NOTIFY=";
    if ((notify & message::kNotifyNever) != 0) {  // RFC 3461 4.1: NEVER stands alone
        out += "NEVER";
        return;
    }
    std::string_view separator;
    for (const auto& known : kNotifyWords) {
        if ((notify & known.bit) == 0) continue;
        out += separator;
        out += known.word;
        separator = ",";
    }
}

}  // namespace

base::Result<void> check_helo_name(std::string_view name) {
    const auto good = [](char c) {
        return base::is_alnum(c) || c == '.' || c == '-' || c == '_' || c == ':';
    };
    auto inner = name;
    if (name.size() > 2 && name.front() == '[' && name.back() == ']') inner = name.substr(1, name.size() - 2);
    if (inner.empty() || name.size() > 255 || !std::all_of(inner.begin(), inner.end(), good)) {
        return fail(Fault::usage, "\"{}\" is no host name or address literal for EHLO",
                    base::printable(name, 80));
    }
    return {};
}

base::Result<void> check_path(std::string_view address, bool smtputf8) {
    const auto bad = [&](char c) { return is_control(c) || (!smtputf8 && !is_ascii(c)); };
    if (address.size() > kMaxPath || std::any_of(address.begin(), address.end(), bad) ||
        !is_well_quoted(address)) {
        return fail(Fault::usage, "the address \"{}\" cannot be sent to a next hop",
                    base::printable(address, 80));
    }
    return {};
}

base::Result<void> append_hello(std::string& out, std::string_view verb, std::string_view name) {
    GATEHOUSE_CHECK(check_helo_name(name));
    fmt::format_to(std::back_inserter(out), "{} {}\r\n", verb, name);
    return {};
}

base::Result<void> append_mail(std::string& out, const message::Envelope& envelope,
                               const Capabilities& offers) {
    GATEHOUSE_CHECK(check_path(envelope.sender, envelope.smtputf8));
    GATEHOUSE_CHECK(check_parameter("ENVID", envelope.envid, false));
    const bool ret_known = base::iequals(envelope.ret, "FULL") || base::iequals(envelope.ret, "HDRS");
    if (!envelope.ret.empty() && !ret_known) {
        return fail(Fault::usage, "RET={} cannot be sent to a next hop", base::printable(envelope.ret, 80));
    }
    const auto size = envelope.size != 0 ? envelope.size : envelope.declared_size;
    const auto write = std::back_inserter(out);
    fmt::format_to(write, "MAIL FROM:<{}>", envelope.sender);
    if (offers.size && size != 0) fmt::format_to(write, " SIZE={}", size);
    if (offers.eight_bit && envelope.eight_bit) out += " BODY=8BITMIME";
    if (offers.smtputf8 && envelope.smtputf8) out += " SMTPUTF8";
    if (offers.dsn && !envelope.ret.empty()) fmt::format_to(write, " RET={}", envelope.ret);
    if (offers.dsn && !envelope.envid.empty()) fmt::format_to(write, " ENVID={}", envelope.envid);
    out += "\r\n";
    return {};
}

base::Result<void> append_rcpt(std::string& out, const message::Recipient& recipient,
                               const Capabilities& offers, bool smtputf8) {
    GATEHOUSE_CHECK(check_path(recipient.address, smtputf8));
    GATEHOUSE_CHECK(check_parameter("ORCPT", recipient.orcpt, true));
    if (recipient.address.empty()) return fail(Fault::usage, "a recipient without an address cannot be sent");
    fmt::format_to(std::back_inserter(out), "RCPT TO:<{}>", recipient.address);
    if (offers.dsn) append_notify(out, recipient.notify);
    const bool can_be_said =
        smtputf8 || base::is_ascii(recipient.orcpt);  // RFC 6533 section 3: else not at all
    if (offers.dsn && !recipient.orcpt.empty() && can_be_said)
        fmt::format_to(std::back_inserter(out), " ORCPT={}", recipient.orcpt);
    out += "\r\n";
    return {};
}

}  // namespace gatehouse::act::delivery
