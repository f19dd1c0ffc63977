#include "settings/text/nesting.h"

#include <algorithm>

#include "settings/text/parse.h"

namespace gatehouse::settings::text {
namespace {

/// The index behind the string that begins at `at`.
std::size_t skip_string(std::string_view toml, std::size_t at) {
    const char quote = toml[at];
    const bool is_long = toml.substr(at, 3) == (quote == '"' ? R"(""")" : "'''");
    std::size_t i = at + (is_long ? 3 : 1);
    while (i < toml.size()) {
        if (quote == '"' && toml[i] == '\\') {
            i += 2;
        } else if (is_long && toml.substr(i, 3) == toml.substr(at, 3)) {
            i += 3;
            while (i < toml.size() && toml[i] == quote) ++i;  // """" ends with a quote of its own
            return i;
        } else if (!is_long && (toml[i] == quote || toml[i] == '\n')) {
            return toml[i] == quote ? i + 1 : i;
        } else {
            ++i;
        }
    }
    return toml.size();
}

/// What one byte outside strings and comments does to the two depths.
struct Depths {
    std::size_t brackets = 0;
    std::size_t dots = 0;

    void take(char c) {
        if (c == '[' || c == '{') ++brackets;
        if ((c == ']' || c == '}') && brackets > 0) --brackets;
        if (c == '.') ++dots;
        if (c == '[' || c == ']' || c == '{' || c == '}' || c == '=' || c == ',' || c == '\n') dots = 0;
    }
    bool is_too_deep() const { return brackets > kMaxDepth || dots >= kMaxDepth; }
};

}  // namespace

base::Result<void> check_nesting(std::string_view toml, std::string_view file_name) {
    Depths depths;
    std::size_t line = 1;
    for (std::size_t i = 0; i < toml.size();) {
        const char c = toml[i];
        std::size_t next = i + 1;
        if (c == '#') {
            next = std::min(toml.find('\n', i), toml.size());
        } else if (c == '"' || c == '\'') {
            next = skip_string(toml, i);
            for (std::size_t j = i; j < next && j < toml.size(); ++j) line += toml[j] == '\n' ? 1U : 0U;
        } else {
            depths.take(c);
            line += c == '\n' ? 1U : 0U;
        }
        if (depths.is_too_deep()) {
            return base::fail(base::Fault::limit, "{}:{}: tables or lists nest deeper than {}", file_name,
                              line, kMaxDepth);
        }
        i = next;
    }
    return {};
}

}  // namespace gatehouse::settings::text
