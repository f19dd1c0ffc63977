#include "act/delivery/headers.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "act/delivery/command.h"
#include "base/clock.h"
#include "base/text.h"

namespace gatehouse::act::delivery {
namespace {

/// Text that may stand in a comment (RFC 5322 3.2.2): parentheses and backslashes would end or open one.
std::string comment_text(std::string_view text, std::size_t limit) {
    std::string out(base::cut_text(text, limit));
    const auto bad = [](char c) { return c <= 0x20 || c >= 0x7F || c == '(' || c == ')' || c == '\\'; };
    std::replace_if(out.begin(), out.end(), bad, '?');
    return out;
}

bool is_ascii_path(std::string_view address) {
    constexpr std::size_t kMaxShown = 320;
    const auto odd = [](char c) {
        return c == ' ' || c == '"' || c == '\\' || c == '(' || c == ')' || c == ';';
    };
    return !address.empty() && address.size() <= kMaxShown && check_path(address, false).has_value() &&
           std::none_of(address.begin(), address.end(), odd);
}

std::string address_literal(std::string_view address) {
    const auto good = [](char c) { return base::hex_value(c) >= 0 || c == '.' || c == ':'; };
    if (address.empty() || address.size() > 45 || !std::all_of(address.begin(), address.end(), good)) {
        return "[unknown]";
    }
    return fmt::format("[{}{}]", address.contains(':') ? "IPv6:" : "", address);
}

/// RFC 5321 4.4 From-domain: the HELO name when it is one, else the address with the name in a comment.
void append_from(std::string& out, const message::Client& client) {
    const auto literal = address_literal(client.address);
    const auto write = std::back_inserter(out);
    if (check_helo_name(client.helo)) {
        fmt::format_to(write, "from {} ({})", client.helo, literal);
    } else if (client.helo.empty()) {
        fmt::format_to(write, "from {}", literal);
    } else {
        fmt::format_to(write, "from {} (HELO {})", literal, comment_text(client.helo, 200));
    }
    if (!client.tls_version.empty()) {
        fmt::format_to(write, "\r\n\t(using {} with {})", comment_text(client.tls_version, 20),
                       comment_text(client.tls_cipher, 60));
    }
}

}  // namespace

std::string received_line(const message::Envelope& envelope, std::string_view host) {
    std::string out = "Received: ";
    append_from(out, envelope.client);
    const auto write = std::back_inserter(out);
    const auto& protocol = envelope.client.protocol;
    fmt::format_to(write, "\r\n\tby {} with {} id {}", comment_text(host, 255),
                   protocol.empty() ? "SMTP" : comment_text(protocol, 20), envelope.reference.to_string());
    // A second recipient may be a blind one, so `for` names one only when there is no other.
    if (envelope.recipients.size() == 1 && is_ascii_path(envelope.recipients[0].address)) {
        fmt::format_to(write, "\r\n\tfor <{}>", envelope.recipients[0].address);
    }
    fmt::format_to(write, ";\r\n\t{}\r\n", base::to_rfc5322(envelope.received, envelope.utc_offset));
    return out;
}

std::string header_block(const message::Envelope& envelope, message::Verdict verdict, std::string_view host) {
    auto out = received_line(envelope, host);
    fmt::format_to(std::back_inserter(out), "X-Gatehouse-Ref: {}\r\nX-Gatehouse-Verdict: {}\r\n",
                   envelope.reference.to_string(), message::to_string(verdict));
    return out;
}

}  // namespace gatehouse::act::delivery
