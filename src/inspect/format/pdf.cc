#include "inspect/format/pdf.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "inspect/format/little_endian.h"
#include "inspect/format/pdf_filter.h"

namespace gatehouse::inspect::format {

namespace {

constexpr std::size_t kMaxHead = 1U << 20;

bool is_white(char c) {
    return base::is_space(c) || c == '\0' || c == '\f';
}

bool is_delimiter(char c) {
    return std::string_view("()<>[]{}/%").find(c) != std::string_view::npos;
}

/// ISO 32000-2 7.2.
class Lexer {
  public:
    explicit Lexer(std::string_view bytes) : bytes_(bytes) {}

    std::size_t position() const { return at_; }

    std::optional<PdfToken> next() {
        skip_blanks();
        if (at_ >= bytes_.size()) return std::nullopt;
        const char c = bytes_[at_];
        if (c == '/') return PdfToken{PdfKind::name, name()};
        if (c == '(') return PdfToken{PdfKind::string, literal()};
        const char following = at_ + 1 < bytes_.size() ? bytes_[at_ + 1] : '\0';
        if (c == '<' && following != '<') return PdfToken{PdfKind::string, hex()};
        if ((c == '<' || c == '>') && following == c) return bracket(c == '<', 2);
        if (c == '[' || c == ']') return bracket(c == '[', 1);
        if (is_delimiter(c)) {
            ++at_;
            return PdfToken{PdfKind::keyword, std::string(1, c)};
        }
        return word();
    }

  private:
    void skip_blanks() {
        while (at_ < bytes_.size()) {
            if (bytes_[at_] == '%') {
                at_ = std::min(bytes_.find_first_of("\r\n", at_), bytes_.size());
            } else if (is_white(bytes_[at_])) {
                ++at_;
            } else {
                return;
            }
        }
    }

    PdfToken bracket(bool opens, std::size_t size) {
        PdfToken out{opens ? PdfKind::open : PdfKind::close, std::string(bytes_.substr(at_, size))};
        at_ += size;
        return out;
    }

    PdfToken word() {
        const auto begin = at_;
        while (at_ < bytes_.size() && !is_white(bytes_[at_]) && !is_delimiter(bytes_[at_])) ++at_;
        std::string text(bytes_.substr(begin, at_ - begin));
        const bool is_number = text.find_first_not_of("0123456789+-.") == std::string::npos;
        return {is_number ? PdfKind::number : PdfKind::keyword, std::move(text)};
    }

    // "#4A" is J.
    std::string name() {
        std::string out;
        for (++at_; at_ < bytes_.size() && !is_white(bytes_[at_]) && !is_delimiter(bytes_[at_]); ++at_) {
            const auto digits = bytes_.substr(at_ + 1, 2);
            const bool is_escape = bytes_[at_] == '#' && digits.size() == 2 &&
                                   base::hex_value(digits[0]) >= 0 && base::hex_value(digits[1]) >= 0;
            if (is_escape) {
                out.push_back(
                    static_cast<char>(base::hex_value(digits[0]) * 16 + base::hex_value(digits[1])));
                at_ += 2;
            } else {
                out.push_back(bytes_[at_]);
            }
        }
        return out;
    }

    std::string hex() {
        std::string digits;
        for (++at_; at_ < bytes_.size() && bytes_[at_] != '>'; ++at_) {
            if (base::hex_value(bytes_[at_]) >= 0) digits.push_back(bytes_[at_]);
        }
        ++at_;
        if (digits.size() % 2 != 0) digits.push_back('0');
        return base::from_hex(digits).value_or("");
    }

    std::string literal() {
        std::string out;
        int depth = 1;
        for (++at_; at_ < bytes_.size(); ++at_) {
            const char c = bytes_[at_];
            if (c == '\\') {
                escape(out);
                continue;
            }
            if (c == '(') ++depth;
            if (c == ')' && --depth == 0) break;
            out.push_back(c);
        }
        ++at_;
        return out;
    }

    void escape(std::string& out) {
        if (++at_ >= bytes_.size()) return;
        const char c = bytes_[at_];
        if (c >= '0' && c <= '7') {
            unsigned value = 0;
            std::size_t digits = 0;
            for (; digits < 3 && at_ < bytes_.size() && bytes_[at_] >= '0' && bytes_[at_] <= '7'; ++digits)
                value = value * 8 + static_cast<unsigned>(bytes_[at_++] - '0');
            --at_;
            out.push_back(static_cast<char>(value));
            return;
        }
        constexpr std::string_view kLetters = "nrtbf";
        constexpr std::string_view kMeant = "\n\r\t\b\f";
        if (c == '\r' && at_ + 1 < bytes_.size() && bytes_[at_ + 1] == '\n') ++at_;
        if (c == '\r' || c == '\n') return;
        const auto letter = kLetters.find(c);
        out.push_back(letter == std::string_view::npos ? c : kMeant[letter]);
    }

    std::string_view bytes_;
    std::size_t at_ = 0;
};

/// The object number before "N G obj", whose 'o' is at `at`.
std::optional<std::uint32_t> number_before(std::string_view bytes, std::size_t at) {
    const auto skip_white = [&](std::size_t i) {
        while (i > 0 && is_white(bytes[i - 1])) --i;
        return i;
    };
    const auto skip_digits = [&](std::size_t i) {
        const auto most = i;
        while (i > 0 && most - i < 10 && base::is_digit(bytes[i - 1])) --i;
        return i;
    };
    const auto generation_end = skip_white(at);
    const auto generation = skip_digits(generation_end);
    const auto number_end = skip_white(generation);
    const auto number = skip_digits(number_end);
    if (generation == generation_end || number == number_end || number_end == generation) return std::nullopt;
    const auto value = base::parse_unsigned(bytes.substr(number, number_end - number));
    return value ? std::optional(static_cast<std::uint32_t>(*value)) : std::nullopt;
}

bool ends_object(const PdfToken& token) {
    return token.kind == PdfKind::keyword &&
           (token.text == "endobj" || token.text == "obj" || token.text == "stream" || token.text == "xref" ||
            token.text == "startxref" || token.text == "trailer");
}

/// Behind the line end after "stream".
std::size_t stream_begin(std::string_view bytes, std::size_t at) {
    if (behind(bytes, at).starts_with("\r\n")) return at + 2;
    return at < bytes.size() && (bytes[at] == '\n' || bytes[at] == '\r') ? at + 1 : at;
}

bool is_type(std::span<const PdfToken> tokens, std::string_view type) {
    const auto value = pdf_value(tokens, "Type");
    return !value.empty() && value[0].kind == PdfKind::name && value[0].text == type;
}

}  // namespace

std::vector<PdfToken> pdf_tokens(std::string_view head, std::size_t max_tokens) {
    std::vector<PdfToken> out;
    Lexer lexer(head);
    while (out.size() < max_tokens) {
        auto token = lexer.next();
        if (!token) break;
        out.push_back(std::move(*token));
    }
    return out;
}

std::span<const PdfToken> pdf_value(std::span<const PdfToken> tokens, std::string_view key, std::size_t from,
                                    std::size_t* next) {
    for (auto i = from; i + 1 < tokens.size(); ++i) {
        if (tokens[i].kind != PdfKind::name || tokens[i].text != key) continue;
        auto end = i + 2;
        if (tokens[i + 1].kind == PdfKind::open) {
            for (std::size_t depth = 1; end < tokens.size() && depth > 0; ++end) {
                if (tokens[end].kind == PdfKind::open) ++depth;
                if (tokens[end].kind == PdfKind::close) --depth;
            }
        } else if (end + 1 < tokens.size() && tokens[end + 1].text == "R" &&
                   tokens[end].kind == PdfKind::number) {
            end += 2;
        }
        if (next != nullptr) *next = i + 1;
        return tokens.subspan(i + 1, end - i - 1);
    }
    return {};
}

std::uint32_t pdf_reference(std::span<const PdfToken> value) {
    if (value.size() != 3 || value[2].text != "R" || value[2].kind != PdfKind::keyword) return 0;
    return static_cast<std::uint32_t>(base::parse_unsigned(value[0].text).value_or(0));
}

PdfFile PdfFile::read(std::string_view bytes, std::size_t max_objects, std::size_t max_unpacked) {
    PdfFile out;
    for (auto at = bytes.find("endstream"); at != std::string_view::npos;
         at = bytes.find("endstream", at + 9))
        out.stream_ends_.push_back(at);
    // What an object swallows by an open string is read again from the next one on.
    out.work_left_ = 4 * bytes.size() + kMaxHead;
    out.sweep(bytes, max_objects);
    for (auto& object : out.objects_) {
        if (object.has_stream) out.place_stream(bytes, object);
    }
    auto room = max_unpacked;
    const auto count = out.objects_.size();
    for (std::size_t i = 0; i < count; ++i) out.unpack(i, max_objects, room);
    return out;
}

void PdfFile::sweep(std::string_view bytes, std::size_t max_objects) {
    for (auto at = bytes.find("obj"); at != std::string_view::npos; at = bytes.find("obj", at + 3)) {
        const auto number = number_before(bytes, at);
        if (!number) continue;
        if (objects_.size() >= max_objects) {
            is_complete_ = false;
            return;
        }
        add(bytes, at + 3, *number);
    }
    for (auto at = bytes.find("trailer"); at != std::string_view::npos && objects_.size() < max_objects;
         at = bytes.find("trailer", at + 7))
        add(bytes, at + 7, 0);
}

void PdfFile::add(std::string_view bytes, std::size_t begin, std::uint32_t number) {
    const auto window = behind(bytes, begin).substr(0, std::min(kMaxHead, work_left_));
    Lexer lexer(window);
    PdfObject object;
    object.number = number;
    std::size_t end = 0;
    std::size_t tokens = 0;
    while (const auto token = lexer.next()) {
        if (ends_object(*token)) {
            object.has_stream = token->text == "stream";
            break;
        }
        if (token->kind == PdfKind::name && token->text == "Encrypt" && tokens < 1000) is_encrypted_ = true;
        end = std::min(lexer.position(), window.size());
        ++tokens;
    }
    const auto read = std::min(lexer.position(), window.size());
    work_left_ -= read;
    if (work_left_ == 0) is_complete_ = false;
    object.head = window.substr(0, end);
    if (object.has_stream) {
        const auto start = stream_begin(bytes, begin + read);
        object.stream = behind(bytes, start);
    }
    by_number_.emplace(number, objects_.size());
    objects_.push_back(object);
}

/// The length that is declared when it leads to "endstream"; else what stands before the next one.
void PdfFile::place_stream(std::string_view bytes, PdfObject& object) const {
    const auto begin = static_cast<std::size_t>(object.stream.data() - bytes.data());
    const auto tokens = pdf_tokens(object.head, 1000);
    auto value = pdf_value(tokens, "Length");
    std::vector<PdfToken> target;
    if (const auto reference = pdf_reference(value); reference != 0) {
        const auto found = find(reference);
        if (!found.empty()) target = pdf_tokens(found.back()->head, 1);
        value = target;
    }
    const auto length = value.empty() ? std::nullopt : base::parse_unsigned(value[0].text);
    if (length && *length <= object.stream.size()) {
        const auto rest = object.stream.substr(*length);
        const auto skipped = std::min(rest.find_first_not_of("\r\n "), rest.size());
        if (skipped <= 3 && rest.substr(skipped).starts_with("endstream")) {
            object.stream = object.stream.substr(0, *length);
            return;
        }
    }
    const auto end = std::ranges::lower_bound(stream_ends_, begin);
    if (end != stream_ends_.end()) object.stream = object.stream.substr(0, *end - begin);
}

std::vector<const PdfObject*> PdfFile::find(std::uint32_t number) const {
    constexpr std::size_t kMost = 100;
    std::vector<const PdfObject*> out;
    const auto [first, last] = by_number_.equal_range(number);
    for (auto it = first; it != last && out.size() < kMost; ++it) out.push_back(&objects_[it->second]);
    return out;
}

/// ISO 32000-2 7.5.7: pairs of number and offset, then the values.
void PdfFile::unpack(std::size_t index, std::size_t max_objects, std::size_t& room) {
    if (!objects_[index].has_stream) return;
    const auto tokens = pdf_tokens(objects_[index].head, 1000);
    if (!is_type(tokens, "ObjStm")) return;
    const auto first = pdf_value(tokens, "First");
    const auto offset = first.empty() ? std::nullopt : base::parse_unsigned(first[0].text);
    auto content = decode_pdf_stream(objects_[index], room);
    room -= content.bytes.size();
    is_complete_ = is_complete_ && content.is_complete;
    // Where it is encrypted it cannot be read, and that is said already.
    is_damaged_ = is_damaged_ || ((content.is_damaged || !offset) && !is_encrypted_);
    if (!offset) return;
    unpacked_.push_back(std::move(content.bytes));
    const std::string_view bytes = unpacked_.back();
    const auto pairs = pdf_tokens(bytes.substr(0, *offset), 2 * max_objects);
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
        const auto number = base::parse_unsigned(pairs[i].text);
        const auto begin = base::parse_unsigned(pairs[i + 1].text);
        if (!number || !begin || *begin > bytes.size()) continue;
        const auto next = i + 3 < pairs.size() ? base::parse_unsigned(pairs[i + 3].text) : std::nullopt;
        const auto size = next && *next > *begin ? *next - *begin : std::string_view::npos;
        if (objects_.size() >= max_objects || work_left_ == 0) {
            is_complete_ = false;
            return;
        }
        PdfObject object;
        object.number = static_cast<std::uint32_t>(*number);
        object.head = behind(bytes, *offset + *begin).substr(0, std::min({size, kMaxHead, work_left_}));
        work_left_ -= std::min(work_left_, object.head.size());
        by_number_.emplace(object.number, objects_.size());
        objects_.push_back(object);
    }
}

PdfStream decode_pdf_stream(const PdfObject& object, std::size_t max_output) {
    const auto tokens = pdf_tokens(object.head, 1000);
    auto filters = pdf_value(tokens, "Filter");
    if (filters.empty()) filters = pdf_value(tokens, "F");
    PdfStream out;
    std::size_t applied = 0;
    std::string before;
    std::string_view in = object.stream;
    for (const auto& filter : filters) {
        if (filter.kind != PdfKind::name) continue;
        if (++applied > kMaxPdfFilters || !apply_pdf_filter({filter.text, tokens, max_output}, in, out)) {
            out.unknown_filter = filter.text;
            break;
        }
        before = std::exchange(out.bytes, {});
        in = before;
    }
    out.bytes = in.substr(0, max_output);
    out.is_complete = out.is_complete && in.size() <= max_output;
    return out;
}

}  // namespace gatehouse::inspect::format
