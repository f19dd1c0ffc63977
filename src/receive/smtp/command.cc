#include "receive/smtp/command.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "message/xtext.h"

namespace gatehouse::receive::smtp {
namespace {

constexpr std::size_t kMaxHello = 255;
constexpr std::size_t kMaxSizeDigits = 20;  // RFC 1870 4
constexpr std::size_t kMaxEnvid = 100;      // RFC 3461 4.4
constexpr std::size_t kMaxOrcpt = 500;      // RFC 3461 4.2
constexpr std::size_t kMaxParameters = 16;  // we know five of MAIL
constexpr std::uint64_t kHugeSize = ~std::uint64_t{0};

std::unexpected<Reply> syntax(std::string_view text) {
    return std::unexpected(Reply{501, "5.5.4", std::string(text)});
}

std::unexpected<Reply> needs_utf8() {
    return std::unexpected(Reply{553, "5.6.7", "The address is not ASCII and SMTPUTF8 was not asked for"});
}

struct Parameter {
    std::string_view keyword;
    std::string_view value;
    bool has_value = false;

    bool is(std::string_view name) const { return base::iequals(keyword, name); }
};

bool is_keyword(std::string_view text) {
    const auto is_allowed = [](char c) { return base::is_alnum(c) || c == '-'; };
    return !text.empty() && text.front() != '-' && std::all_of(text.begin(), text.end(), is_allowed);
}

bool is_value(std::string_view text) {
    const auto is_allowed = [](char c) { return (c & 0x80) != 0 || (c > ' ' && c <= '~'); };
    return !text.empty() && std::all_of(text.begin(), text.end(), is_allowed);
}

/// What stands behind a path: " KEYWORD=VALUE KEYWORD ...".
std::expected<std::vector<Parameter>, Reply> split_parameters(std::string_view text) {
    if (!text.empty() && !base::is_blank(text.front())) return syntax("Characters behind the address");
    std::vector<Parameter> out;
    for (const std::string_view word : split_words(text)) {
        const std::size_t equals = word.find('=');
        Parameter parameter{word.substr(0, equals), {}, equals != std::string_view::npos};
        if (parameter.has_value) parameter.value = word.substr(equals + 1);
        if (out.size() == kMaxParameters) return syntax("Too many parameters");
        if (!is_keyword(parameter.keyword) || (parameter.has_value && !is_value(parameter.value))) {
            return syntax("Malformed parameter");
        }
        const auto is_same = [&](const Parameter& other) { return other.is(parameter.keyword); };
        if (std::any_of(out.begin(), out.end(), is_same)) return syntax("Parameter given twice");
        out.push_back(parameter);
    }
    return out;
}

std::expected<void, Reply> unknown_parameter() {
    return std::unexpected(Reply{555, "5.5.4", "Parameter not known or not offered"});
}

std::expected<void, Reply> apply_size(std::string_view value, Mail& mail) {
    const bool is_number = !value.empty() && std::all_of(value.begin(), value.end(), base::is_digit);
    if (!is_number || value.size() > kMaxSizeDigits) return syntax("SIZE must be a number");
    mail.declared_size = base::parse_unsigned(value).value_or(kHugeSize);
    return {};
}

std::expected<void, Reply> apply_body(std::string_view value, Mail& mail) {
    mail.eight_bit = base::iequals(value, "8BITMIME");
    if (mail.eight_bit || base::iequals(value, "7BIT")) return {};
    return syntax("BODY must be 7BIT or 8BITMIME");
}

std::expected<void, Reply> apply_mail(const Parameter& parameter, Mail& mail) {
    if (parameter.is("SIZE")) return apply_size(parameter.value, mail);
    if (parameter.is("BODY")) return apply_body(parameter.value, mail);
    if (parameter.is("SMTPUTF8")) {
        if (parameter.has_value) return syntax("SMTPUTF8 takes no value");
        mail.smtputf8 = true;
        return {};
    }
    if (parameter.is("RET")) {
        if (!base::iequals(parameter.value, "FULL") && !base::iequals(parameter.value, "HDRS")) {
            return syntax("RET must be FULL or HDRS");
        }
        mail.ret = base::iequals(parameter.value, "FULL") ? "FULL" : "HDRS";
        return {};
    }
    if (parameter.is("ENVID")) {
        if (parameter.value.empty() || parameter.value.size() > kMaxEnvid ||
            !message::decode_xtext(parameter.value)) {
            return syntax("ENVID must be xtext of at most 100 characters");
        }
        mail.envid = parameter.value;
        return {};
    }
    return unknown_parameter();
}

std::expected<void, Reply> apply_notify(std::string_view value, RcptCommand& rcpt) {
    constexpr std::array<std::pair<std::string_view, std::uint8_t>, 4> kWords{
        {{"NEVER", message::kNotifyNever},
         {"SUCCESS", message::kNotifySuccess},
         {"FAILURE", message::kNotifyFailure},
         {"DELAY", message::kNotifyDelay}}};
    for (const std::string_view word : base::split(value, ',')) {
        const auto known = std::find_if(kWords.begin(), kWords.end(),
                                        [&](const auto& entry) { return base::iequals(entry.first, word); });
        if (known == kWords.end()) return syntax("NOTIFY must be NEVER or a list of SUCCESS, FAILURE, DELAY");
        rcpt.notify = static_cast<std::uint8_t>(rcpt.notify | known->second);
    }
    const bool mixed = (rcpt.notify & message::kNotifyNever) != 0 && rcpt.notify != message::kNotifyNever;
    if (mixed) return syntax("NOTIFY=NEVER stands alone");
    return {};
}

std::expected<void, Reply> apply_orcpt(std::string_view value, bool smtputf8, RcptCommand& rcpt) {
    const std::size_t semicolon = value.find(';');
    const std::string_view type = value.substr(0, semicolon);
    if (semicolon == std::string_view::npos || !is_keyword(type) || value.size() > kMaxOrcpt) {
        return syntax("ORCPT must be a type, a semicolon and an encoded address");
    }
    const std::string_view address = value.substr(semicolon + 1);
    const bool good = base::iequals(type, "utf-8")
                          ? message::is_utf8_address_text(address, smtputf8)
                          : !address.empty() && message::decode_xtext(address).has_value();
    if (!good) return syntax("The address in ORCPT is not encoded as it must be");
    rcpt.orcpt = value;
    return {};
}

std::expected<void, Reply> apply_rcpt(const Parameter& parameter, bool smtputf8, RcptCommand& rcpt) {
    if (parameter.is("NOTIFY")) return apply_notify(parameter.value, rcpt);
    if (parameter.is("ORCPT")) return apply_orcpt(parameter.value, smtputf8, rcpt);
    return unknown_parameter();
}

/// "FROM:" or "TO:" and the path behind it; what follows stays in `text`.
std::expected<ParsedPath, Reply> take_path(std::string_view& text, std::string_view keyword) {
    if (!base::istarts_with(text, keyword)) return syntax("Syntax: MAIL FROM:<address>, RCPT TO:<address>");
    text.remove_prefix(keyword.size());
    while (!text.empty() && base::is_blank(text.front())) text.remove_prefix(1);
    return parse_path(text);
}

}  // namespace

std::vector<std::string_view> split_words(std::string_view text) {
    std::vector<std::string_view> out;
    while (true) {
        while (!text.empty() && base::is_blank(text.front())) text.remove_prefix(1);
        if (text.empty()) return out;
        const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
        out.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
}

CommandLine split_command(std::string_view line) {
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    return {line.substr(0, end), base::trim(line.substr(end))};
}

std::expected<std::string, Reply> parse_hello(std::string_view arguments) {
    const std::string_view name = arguments.substr(0, arguments.find_first_of(" \t"));
    const auto is_printable = [](char c) { return c > ' ' && c <= '~'; };
    if (name.empty()) return syntax("Your host name is missing");
    if (name.size() > kMaxHello) return syntax("Your host name is too long");
    if (!std::all_of(name.begin(), name.end(), is_printable)) return syntax("Your host name is malformed");
    return std::string(name);
}

std::expected<Mail, Reply> parse_mail(std::string_view arguments) {
    auto parsed = take_path(arguments, "FROM:");
    if (!parsed && parsed.error().enhanced == "5.1.3") parsed.error().enhanced = "5.1.7";
    if (!parsed) return std::unexpected(std::move(parsed).error());
    const Path& path = parsed->path;
    if (!path.is_null() && path.domain.empty()) {
        return std::unexpected(Reply{501, "5.1.7", "The sender's address needs a domain"});
    }
    Mail mail;
    mail.sender = path.to_string();
    auto parameters = split_parameters(arguments);
    if (!parameters) return std::unexpected(std::move(parameters).error());
    for (const Parameter& parameter : *parameters) {
        if (auto applied = apply_mail(parameter, mail); !applied)
            return std::unexpected(std::move(applied).error());
    }
    if (parsed->is_eight_bit && !mail.smtputf8) return needs_utf8();
    return mail;
}

std::expected<RcptCommand, Reply> parse_rcpt(std::string_view arguments, bool smtputf8) {
    auto parsed = take_path(arguments, "TO:");
    if (!parsed) return std::unexpected(std::move(parsed).error());
    if (parsed->path.is_null()) return std::unexpected(Reply{501, "5.1.3", "A recipient needs an address"});
    if (parsed->has_route) return std::unexpected(Reply{553, "5.1.3", "Source routes are not served"});
    if (parsed->is_eight_bit && !smtputf8) return needs_utf8();
    RcptCommand rcpt;
    rcpt.path = std::move(parsed->path);
    const bool is_qualified = !rcpt.path.domain.empty() || base::iequals(rcpt.path.local, "Postmaster");
    if (!is_qualified) return std::unexpected(Reply{501, "5.1.3", "The recipient's address needs a domain"});
    auto parameters = split_parameters(arguments);
    if (!parameters) return std::unexpected(std::move(parameters).error());
    for (const Parameter& parameter : *parameters) {
        auto applied = apply_rcpt(parameter, smtputf8, rcpt);
        if (!applied) return std::unexpected(std::move(applied).error());
    }
    return rcpt;
}

std::optional<Chunk> parse_bdat(std::string_view arguments) {
    const auto words = split_words(arguments);
    if (words.empty() || words.size() > 2) return std::nullopt;
    const auto size = base::parse_unsigned(words[0]);
    if (!size || (words.size() == 2 && !base::iequals(words[1], "LAST"))) return std::nullopt;
    return Chunk{*size, words.size() == 2};
}

}  // namespace gatehouse::receive::smtp
