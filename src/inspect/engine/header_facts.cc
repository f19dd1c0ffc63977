#include "inspect/engine/header_facts.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "inspect/mime/address.h"
#include "inspect/mime/encoded_word.h"
#include "inspect/rewrite/authserv_id.h"
#include "message/charset.h"

namespace gatehouse::inspect::engine {

namespace {

constexpr std::size_t kMaxText = 998;
constexpr std::size_t kMaxAddress = 320;
constexpr std::size_t kMaxAddresses = 100;
constexpr std::size_t kMaxPostingAddresses = 4;
constexpr std::size_t kMaxNames = 100;
constexpr std::size_t kMaxQuestions = 32;
constexpr std::size_t kMaxDomain = 253;

constexpr std::array<std::string_view, 2> kStrippedPrefixes{"X-Gatehouse-", "X-Spam-"};

/// Valid UTF-8 of bounded length.
std::string clean(std::string_view bytes, std::size_t limit) {
    return message::guess_to_utf8(bytes, limit).text;
}

std::string cut(std::string text) {
    return text.size() <= kMaxText ? std::move(text) : clean(text, kMaxText);
}

void add_addresses(const mime::HeaderField& field, std::vector<std::string>& to) {
    for (const auto& mailbox : mime::parse_address_list(field.value, kMaxAddresses).mailboxes) {
        if (to.size() >= kMaxAddresses) return;
        if (!mailbox.address.empty()) to.push_back(clean(mailbox.address, kMaxAddress));
    }
}

void add_once(std::vector<std::string>& names, std::string name) {
    if (names.size() >= kMaxNames || std::ranges::find(names, name) != names.end()) return;
    names.push_back(std::move(name));
}

/// What stands in the last pair of angle brackets, else the whole.
std::string_view in_brackets(std::string_view text) {
    const auto open = text.rfind('<');
    const auto close = text.rfind('>');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) return text;
    return text.substr(open + 1, close - open - 1);
}

std::string percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_code = text[i] == '%' && i + 2 < text.size() && base::hex_value(text[i + 1]) >= 0 &&
                             base::hex_value(text[i + 2]) >= 0;
        out += is_code ? static_cast<char>(base::hex_value(text[i + 1]) * 16 + base::hex_value(text[i + 2]))
                       : text[i];
        if (is_code) i += 2;
    }
    return out;
}

/// RFC 2369 section 3.4: "<mailto:list@host?subject=x>, <https://...>", or NO.
void add_posting_addresses(const mime::HeaderField& field, std::vector<std::string>& to) {
    constexpr std::string_view kScheme = "mailto:";
    const std::string value = mime::unfold(field.value);
    for (const auto url : base::split(value, '<')) {
        if (!base::istarts_with(url, kScheme) || to.size() >= kMaxPostingAddresses) continue;
        const auto address = url.substr(kScheme.size());
        auto decoded = clean(percent_decoded(address.substr(0, address.find_first_of(">?"))), kMaxAddress);
        if (!decoded.empty()) to.push_back(std::move(decoded));
    }
}

/// What lists alone write. List-Unsubscribe, List-Help and "Precedence: bulk" stand in all kinds of mail of
/// programs, whose sender has to hear of what did not arrive.
void add_list(const mime::HeaderField& field, message::HeaderSummary& summary) {
    if (field.is("List-Id")) {
        summary.from_list = true;
        const std::string value = mime::unfold(field.value);
        if (summary.list_id.empty()) summary.list_id = clean(base::trim(in_brackets(value)), kMaxAddress);
    } else if (field.is("List-Post")) {
        summary.from_list = true;
        add_posting_addresses(field, summary.list_post);
    } else if (field.is("Precedence")) {
        summary.from_list = summary.from_list || base::iequals(base::trim(field.value), "list");
    }
}

void add_summary(const mime::HeaderField& field, message::HeaderSummary& summary) {
    if (field.is("From")) {
        add_addresses(field, summary.from);
    } else if (field.is("To") || field.is("Cc")) {
        add_addresses(field, summary.to);
    } else if (field.is("Subject")) {
        if (summary.subject.empty())
            summary.subject = cut(mime::decode_encoded_words(base::trim(field.value)));
    } else if (field.is("Message-ID")) {
        if (summary.message_id.empty()) summary.message_id = clean(mime::unfold(field.value), kMaxText);
    } else if (field.is("Date")) {
        if (summary.date.empty()) summary.date = clean(mime::unfold(field.value), kMaxText);
    } else if (field.is("Received")) {
        ++summary.received_count;
    } else {
        add_list(field, summary);
    }
}

void add_domains(const mime::HeaderField& field, std::vector<std::string>& to) {
    for (const auto& mailbox : mime::parse_address_list(field.value, kMaxQuestions).mailboxes) {
        to.push_back(base::lower(mailbox.domain()));
    }
}

/// The value of a tag in a list as RFC 6376 3.2 writes it, without any blanks; empty when it is not there.
std::string tag_value(std::string_view list, std::string_view wanted) {
    for (const auto item : base::split(list, ';')) {
        const auto equals = item.find('=');
        if (equals == std::string_view::npos || base::trim(item.substr(0, equals)) != wanted) continue;
        std::string value;
        for (const char c : item.substr(equals + 1)) {
            if (!base::is_space(c)) value += base::to_lower(c);
        }
        return value;
    }
    return {};
}

void add_key(const mime::HeaderField& field, Early& early) {
    const std::string domain = tag_value(field.value, "d");
    const std::string selector = tag_value(field.value, "s");
    if (domain.empty() || selector.empty()) return;
    early.domains.push_back(domain);
    early.dkim_keys.push_back(selector + "._domainkey." + domain);
}

bool is_signature(const mime::HeaderField& field) {
    return field.is("DKIM-Signature") || field.is("ARC-Message-Signature") || field.is("ARC-Seal");
}

bool is_domain(const std::string& text) {
    return !text.empty() && text.size() <= kMaxDomain && std::ranges::all_of(text, [](char c) {
        return base::is_alnum(c) || c == '.' || c == '-' || c == '_' || static_cast<unsigned char>(c) >= 0x80;
    });
}

void tidy(std::vector<std::string>& names) {
    std::erase_if(names, [](const std::string& name) { return !is_domain(name); });
    std::ranges::sort(names);
    names.erase(std::ranges::unique(names).begin(), names.end());
    if (names.size() > kMaxQuestions) names.resize(kMaxQuestions);
}

}  // namespace

void add_header(const mime::Structure& structure, message::Facts& facts) {
    const auto headers = structure.headers();
    for (const auto& field : headers) {
        add_summary(field, facts.header);
        for (const auto prefix : kStrippedPrefixes) {
            if (base::istarts_with(field.name, prefix))
                add_once(facts.stripped_headers, clean(field.name, kMaxText));
        }
        if (field.is("Authentication-Results")) {
            add_once(facts.authserv_ids, clean(rewrite::authserv_id(field.value), kMaxText));
        }
    }
    const auto& root = structure.root();
    facts.header_is_8bit = root.anomalies.contains(mime::AnomalyKind::eight_bit_header);
    facts.header_bytes = headers.size() == 0 ? 0 : root.header.end;
}

Early early_questions(const mime::Structure& structure) {
    Early early;
    for (const auto& field : structure.headers()) {
        if (field.is("From") || field.is("Sender") || field.is("Reply-To")) add_domains(field, early.domains);
        if (is_signature(field)) add_key(field, early);
    }
    tidy(early.domains);
    tidy(early.dkim_keys);
    return early;
}

}  // namespace gatehouse::inspect::engine
