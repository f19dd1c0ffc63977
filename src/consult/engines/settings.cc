#include "consult/engines/settings.h"

#include <algorithm>
#include <thread>

namespace gatehouse::consult::engines {

using base::Fault;
using base::Result;

Result<ClamdMode> parse_clamd_mode(std::string_view text) {
    constexpr std::string_view kUnix = "unix:";
    if (text == "managed") return ClamdMode{};
    if (text == "off") return ClamdMode{.kind = ClamdMode::Kind::off, .socket = {}};
    if (text.starts_with(kUnix) && text.size() > kUnix.size()) {
        return ClamdMode{.kind = ClamdMode::Kind::external, .socket = std::string(text.substr(kUnix.size()))};
    }
    return base::fail(Fault::usage, "managed, off or unix:PATH");
}

Result<void> check_clamd_mode(std::string_view text) {
    GATEHOUSE_CHECK(parse_clamd_mode(text));
    return {};
}

unsigned engine_threads(const AntivirusSettings& settings) {
    if (settings.threads > 0) return static_cast<unsigned>(settings.threads);
    return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace gatehouse::consult::engines
