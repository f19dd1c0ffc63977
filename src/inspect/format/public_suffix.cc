#include "inspect/format/public_suffix.h"

#include <libpsl.h>

#include "base/text.h"

namespace gatehouse::inspect::format {

namespace {

constexpr std::size_t kMaxName = 1024;

}  // namespace

std::string registrable_domain(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    if (host.empty() || host.size() > kMaxName || host.front() == '.' || host.front() == '[') return "";
    if (host.find('\0') != std::string_view::npos) return "";
    const auto name = base::lower(host);
    // All digits is no name of a zone: an address.
    if (base::is_digit(name.back())) return "";
    const char* found = psl_registrable_domain(psl_builtin(), name.c_str());
    return found == nullptr ? "" : found;
}

bool has_known_top_level(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    const auto dot = host.rfind('.');
    const auto last = base::lower(host.substr(dot == std::string_view::npos ? 0 : dot + 1));
    if (last.empty() || last.size() > kMaxName || last.find('\0') != std::string::npos) return false;
    return psl_is_public_suffix2(psl_builtin(), last.c_str(), PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE) != 0;
}

}  // namespace gatehouse::inspect::format
