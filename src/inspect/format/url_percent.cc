#include "inspect/format/url_percent.h"

#include <array>

#include "base/text.h"

namespace gatehouse::inspect::format {

namespace {

constexpr std::uint8_t bit(PercentSet set) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(set));
}

using Table = std::array<std::uint8_t, 256>;

constexpr void add(Table& table, std::string_view characters, std::uint8_t sets) {
    for (const char c : characters) {
        auto& entry = table[static_cast<unsigned char>(c)];
        entry = static_cast<std::uint8_t>(entry | sets);
    }
}

constexpr Table make_table() {
    Table table{};
    for (unsigned byte = 0; byte < table.size(); ++byte) {
        if (byte < 0x20 || byte > 0x7E) table[byte] = 0xFF;
    }
    const std::uint8_t userinfo = bit(PercentSet::userinfo);
    const auto path = static_cast<std::uint8_t>(userinfo | bit(PercentSet::path));
    const auto query =
        static_cast<std::uint8_t>(path | bit(PercentSet::query) | bit(PercentSet::special_query));
    const auto fragment = bit(PercentSet::fragment);
    add(table, " \"<>", static_cast<std::uint8_t>(query | fragment));
    add(table, "`", fragment);
    add(table, "#", query);
    add(table, "'", bit(PercentSet::special_query));
    add(table, "?^`{}", path);
    add(table, "/:;=@[\\]|", userinfo);
    return table;
}

constexpr Table kTable = make_table();

}  // namespace

bool needs_percent(unsigned char byte, PercentSet set) {
    return (kTable[byte] & bit(set)) != 0;
}

void append_percent_encoded(std::string& out, std::string_view text, PercentSet set) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (!needs_percent(byte, set)) {
            out += c;
            continue;
        }
        out += '%';
        out += kDigits[byte >> 4U];
        out += kDigits[byte & 15U];
    }
}

std::string percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int high = text[i] == '%' && i + 2 < text.size() ? base::hex_value(text[i + 1]) : -1;
        const int low = high < 0 ? -1 : base::hex_value(text[i + 2]);
        if (low < 0) {
            out += text[i];
            continue;
        }
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

}  // namespace gatehouse::inspect::format
