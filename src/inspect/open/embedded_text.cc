#include "inspect/open/embedded_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/text.h"
#include "inspect/mime/decode.h"

namespace gatehouse::inspect::open {

namespace {

using message::GapReason;

constexpr std::size_t kMaxHeader = 512;
constexpr std::size_t kMinFile = 24;
constexpr std::size_t kMinRun = 64;

std::string percent_decoded(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_escape = text[i] == '%' && i + 2 < text.size() && base::hex_value(text[i + 1]) >= 0 &&
                               base::hex_value(text[i + 2]) >= 0;
        if (!is_escape) {
            out.push_back(text[i]);
            continue;
        }
        out.push_back(static_cast<char>(base::hex_value(text[i + 1]) * 16 + base::hex_value(text[i + 2])));
        i += 2;
    }
    return out;
}

bool ends_uri(char c) {
    return base::is_space(c) || c == '"' || c == '\'' || c == '<' || c == '>' || c == ')' || c == '`';
}

struct DataUri {
    std::string_view header;
    std::string_view content;
    std::size_t end = 0;
};

/// `at`: where "data:" begins.
std::optional<DataUri> read_data_uri(std::string_view text, std::size_t at) {
    const auto begin = at + 5;
    const auto window = text.substr(begin, kMaxHeader);
    const auto comma = window.find(',');
    if (comma == std::string_view::npos) return std::nullopt;
    const auto header = window.substr(0, comma);
    if (header.find_first_of("<>{}()") != std::string_view::npos) return std::nullopt;
    const char before = at == 0 ? ' ' : text[at - 1];
    const auto rest = text.substr(begin + comma + 1);
    // In an attribute blanks may stand within it.
    const bool is_quoted = before == '"' || before == '\'' || before == '`';
    const auto length = is_quoted
                            ? rest.find(before)
                            : static_cast<std::size_t>(std::ranges::find_if(rest, ends_uri) - rest.begin());
    const auto content = rest.substr(0, length);
    return DataUri{header, content, begin + comma + 1 + content.size()};
}

/// The next "data:", in any case; npos.
std::size_t find_data_uri(std::string_view text, std::size_t from) {
    for (auto at = text.find(':', from); at != std::string_view::npos; at = text.find(':', at + 1)) {
        if (at >= from + 4 && base::iequals(text.substr(at - 4, 4), "data")) return at - 4;
    }
    return std::string_view::npos;
}

bool is_base64(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        return base::is_alnum(c) || c == '+' || c == '/' || c == '=' || c == '-' || c == '_' ||
               base::is_space(c);
    });
}

bool is_hex(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return base::hex_value(c) >= 0; });
}

/// "data-1.png", by the type that it says.
std::string data_name(std::string_view header, std::size_t number) {
    const auto type = header.substr(0, header.find(';'));
    const auto slash = type.find('/');
    const auto subtype = slash == std::string_view::npos ? std::string_view() : type.substr(slash + 1, 12);
    const bool is_plain = !subtype.empty() && std::ranges::all_of(subtype, base::is_alnum);
    return fmt::format("data-{}.{}", number, is_plain ? base::lower(subtype) : "bin");
}

std::string standard_base64(std::string_view text) {
    std::string out(text);
    std::ranges::replace(out, '-', '+');
    std::ranges::replace(out, '_', '/');
    return out;
}

/// Reads a script's literals one after the other.
class Literals {
  public:
    Literals(std::string_view script, std::size_t max_files, std::size_t max_output)
        : script_(script), max_files_(max_files), room_(max_output) {}

    CarriedFiles run() {
        while (at_ < script_.size() && out_.is_complete) {
            const char c = script_[at_];
            if (c == '"' || c == '\'' || c == '`') {
                read_sum();
            } else if (c == '[' || c == '(') {
                read_numbers();
            } else if (base::is_alnum(c)) {
                read_run();
            } else {
                ++at_;
            }
        }
        return std::move(out_);
    }

  private:
    /// "a" + 'b' + `c`
    void read_sum() {
        std::string sum;
        do {
            read_literal(sum);
        } while (goes_on());
        consider(sum);
    }

    bool goes_on() {
        auto next = skip_blanks(at_);
        if (next >= script_.size() || script_[next] != '+') return false;
        next = skip_blanks(next + 1);
        if (next >= script_.size() || (script_[next] != '"' && script_[next] != '\'' && script_[next] != '`'))
            return false;
        at_ = next;
        return true;
    }

    std::size_t skip_blanks(std::size_t at) const {
        while (at < script_.size() && base::is_space(script_[at])) ++at;
        return at;
    }

    void read_literal(std::string& out) {
        const char quote = script_[at_++];
        while (at_ < script_.size() && script_[at_] != quote) {
            const char c = script_[at_];
            // An apostrophe of a comment begins no literal that goes beyond its line.
            if (c == '\n' && quote != '`') break;
            if (c == '\\') {
                read_escape(out);
            } else {
                out.push_back(c);
                ++at_;
            }
        }
        if (at_ < script_.size()) ++at_;
    }

    void read_escape(std::string& out) {
        const char kind = at_ + 1 < script_.size() ? script_[at_ + 1] : '\0';
        const std::size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : 0;
        const auto number = script_.substr(std::min(at_ + 2, script_.size()), digits);
        if (digits != 0 && number.size() == digits && is_hex(number)) {
            out.push_back(static_cast<char>(base::hex_value(number[digits - 2]) * 16 +
                                            base::hex_value(number[digits - 1])));
            at_ += 2 + digits;
            return;
        }
        at_ += 2;
        if (kind == '\r' && at_ < script_.size() && script_[at_] == '\n') ++at_;
        const bool is_line_end = kind == '\n' || kind == '\r';
        if (!is_line_end) out.push_back(kind == 'n' ? '\n' : kind == 'r' ? '\r' : kind == 't' ? '\t' : kind);
        at_ = std::min(at_, script_.size());
    }

    /// [77,90,...] as arrays of bytes are written.
    void read_numbers() {
        auto at = at_ + 1;
        std::string bytes;
        while (at < script_.size()) {
            at = skip_blanks(at);
            const auto end = std::min(script_.find_first_of(",]) \r\n\t", at), script_.size());
            const auto value = parse_byte(script_.substr(at, std::min<std::size_t>(end - at, 8)));
            if (!value || end - at > 8) break;
            bytes.push_back(static_cast<char>(*value));
            at = skip_blanks(end);
            if (at >= script_.size() || script_[at] != ',') break;
            ++at;
        }
        at_ = bytes.size() < kMinFile ? at_ + 1 : at;
        if (bytes.size() >= kMinFile) add(std::move(bytes));
    }

    static std::optional<unsigned> parse_byte(std::string_view text) {
        if (base::istarts_with(text, "0x")) {
            if (text.size() < 3 || text.size() > 4 || !is_hex(text.substr(2))) return std::nullopt;
            unsigned value = 0;
            for (const char c : text.substr(2))
                value = value * 16 + static_cast<unsigned>(base::hex_value(c));
            return value;
        }
        // Signed, as Java writes them.
        const bool is_negative = text.starts_with('-');
        const auto value = base::parse_unsigned(is_negative ? text.substr(1) : text);
        if (!value || *value > (is_negative ? 128U : 255U)) return std::nullopt;
        return is_negative ? 256U - static_cast<unsigned>(*value) : static_cast<unsigned>(*value);
    }

    void read_run() {
        const auto begin = at_;
        while (at_ < script_.size() && (base::is_alnum(script_[at_]) || script_[at_] == '+' ||
                                        script_[at_] == '/' || script_[at_] == '='))
            ++at_;
        if (at_ - begin >= kMinRun) consider(script_.substr(begin, at_ - begin));
    }

    void consider(std::string_view text) {
        if (text.size() < kMinFile) return;
        if (text.size() % 2 == 0 && is_hex(text)) {
            if (auto bytes = base::from_hex(text)) return add(std::move(*bytes));
        }
        if (is_base64(text)) return add(mime::decode_base64(standard_base64(text), room_).bytes);
        if (std::ranges::count(text, '%') >= 8) add(percent_decoded(text));
    }

    void add(std::string bytes) {
        if (bytes.size() < kMinFile) return;
        if (out_.files.size() >= max_files_ || bytes.size() > room_) {
            out_.is_complete = false;
            return;
        }
        room_ -= bytes.size();
        out_.files.push_back(std::move(bytes));
    }

    std::string_view script_;
    std::size_t max_files_;
    std::size_t room_;
    std::size_t at_ = 0;
    CarriedFiles out_;
};

}  // namespace

bool show_data_uris(std::string_view text, Visitor& visitor) {
    std::size_t count = 0;
    std::size_t from = 0;
    for (auto at = find_data_uri(text, 0); at != std::string_view::npos; at = find_data_uri(text, from)) {
        from = at + 5;
        const auto uri = read_data_uri(text, at);
        if (!uri || uri->content.empty()) continue;
        from = uri->end;
        if (++count > visitor.max_members()) {
            visitor.on_gap("", GapReason::too_many, "this text carries more files than the limit");
            return true;
        }
        auto content = percent_decoded(uri->content);
        const auto name = data_name(uri->header, count);
        if (base::iends_with(base::trim(uri->header), ";base64") ||
            base::lower(uri->header).find(";base64") != std::string::npos) {
            auto decoded = mime::decode_base64(standard_base64(content), visitor.room());
            if (!decoded.complete)
                visitor.on_gap(name, GapReason::too_large, "only the beginning was decoded");
            content = std::move(decoded.bytes);
        }
        if (!visitor.on_member({name, content, true})) return false;
    }
    return true;
}

CarriedFiles carried_by_script(std::string_view script, std::size_t max_files, std::size_t max_output) {
    return Literals(script, max_files, max_output).run();
}

}  // namespace gatehouse::inspect::open
