#include "decide/address_list.h"

#include <algorithm>

#include "base/text.h"
#include "message/envelope.h"

namespace gatehouse::decide {
namespace {

using base::Fault;
using base::Result;

constexpr std::size_t kMaxDomain = 255;  // RFC 5321 4.5.3.1.2
constexpr std::size_t kMaxPattern = 1024;

/// A pattern taken apart; the domain in lower case and without "*.".
struct Pattern {
    enum class Kind { anyone, null_sender, address, domain, parent };
    Kind kind = Kind::anyone;
    std::string local;
    std::string domain;
};

bool is_domain_byte(char c) {
    // Bytes of UTF-8 (SMTPUTF8) and of address literals pass; blanks, wildcards and quotes do not.
    return base::is_alnum(c) || c == '-' || c == '_' || c == '.' || c == ':' || c == '[' || c == ']' ||
           static_cast<unsigned char>(c) >= 0x80;
}

bool is_domain(std::string_view text) {
    return !text.empty() && text.size() <= kMaxDomain && text.front() != '.' && text.back() != '.' &&
           text.find("..") == std::string_view::npos && std::all_of(text.begin(), text.end(), is_domain_byte);
}

Result<Pattern> parse_pattern(std::string_view text) {
    using Kind = Pattern::Kind;
    const auto bad = [&] {
        return base::fail(Fault::usage,
                          "\"{}\" is no address pattern (user@example.com, *@example.com, *@*.example.com, "
                          "*@*, or <> for the null sender)",
                          base::printable(text, 80));
    };
    if (text.size() > kMaxPattern) return bad();
    if (text == "*@*" || text == "*") return Pattern{Kind::anyone, "", ""};
    if (text == "<>") return Pattern{Kind::null_sender, "", ""};
    const auto at = text.rfind('@');
    const bool has_local = at != std::string_view::npos;
    const std::string_view local = has_local ? text.substr(0, at) : "*";
    std::string domain = base::lower(has_local ? text.substr(at + 1) : text);
    if (domain.ends_with('.')) domain.pop_back();
    const bool is_parent = domain.starts_with("*.");
    if (is_parent) domain.erase(0, 2);
    if (local.empty() || !is_domain(domain)) return bad();
    if (local == "*") return Pattern{is_parent ? Kind::parent : Kind::domain, "", domain};
    if (is_parent || (local.find('*') != std::string_view::npos && local.front() != '"')) return bad();
    return Pattern{Kind::address, std::string(local), domain};
}

}  // namespace

Result<void> check_address_pattern(std::string_view pattern) {
    GATEHOUSE_TRY([[maybe_unused]] auto parsed, parse_pattern(pattern));
    return {};
}

Result<AddressList> AddressList::make(const std::vector<std::string>& patterns) {
    AddressList list;
    list.is_empty_ = patterns.empty();
    for (const auto& text : patterns) {
        GATEHOUSE_TRY(auto pattern, parse_pattern(text));
        switch (pattern.kind) {
            case Pattern::Kind::anyone:
                list.anyone_ = true;
                break;
            case Pattern::Kind::null_sender:
                list.null_sender_ = true;
                break;
            case Pattern::Kind::address:
                list.addresses_.insert(pattern.local + "@" + pattern.domain);
                break;
            case Pattern::Kind::domain:
                list.domains_.insert(pattern.domain);
                break;
            case Pattern::Kind::parent:
                list.parents_.insert(pattern.domain);
                break;
        }
    }
    return list;
}

Address::Address(std::string_view address) : text(address), domain(message::domain_of(address)) {}

bool AddressList::matches(const Address& address) const {
    if (anyone_ || (null_sender_ && address.text.empty())) return true;
    const auto& domain = address.domain;
    if (domain.empty()) return false;
    if (domains_.contains(domain) || is_below_a_parent(domain)) return true;
    if (addresses_.empty()) return false;
    return addresses_.contains(std::string(address.text.substr(0, address.text.rfind('@') + 1)) + domain);
}

// Looks at the suffixes that can be a pattern at all, so a hostile domain of 64 KiB costs no more than a DNS
// name.
bool AddressList::is_below_a_parent(std::string_view domain) const {
    if (parents_.empty()) return false;
    const std::size_t first = domain.size() > kMaxDomain ? domain.size() - kMaxDomain - 1 : 0;
    for (auto dot = domain.find('.', first); dot != std::string_view::npos; dot = domain.find('.', dot + 1)) {
        if (dot > 0 && parents_.contains(domain.substr(dot + 1))) return true;
    }
    return false;
}

}  // namespace gatehouse::decide
