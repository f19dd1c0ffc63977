#include "message/charset.h"

#include <unicode/putil.h>
#include <unicode/uchar.h>
#include <unicode/ucnv.h>
#include <unicode/ucnv_cb.h>
#include <unicode/ucnv_err.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "base/text.h"

namespace gatehouse::message {

namespace {

enum class Method : std::uint8_t { utf8, windows1252, utf16_by_mark, icu, icu_ascii };

struct Charset {
    std::string_view key;   ///< the label without case and punctuation
    std::string_view name;  ///< what we call it
    const char* converter;  ///< what ICU calls it
    Method method;  ///< icu_ascii: bytes below 0x80 are ASCII, so that text without others needs no ICU
};

// Only labels whose usual meaning differs from ICU's, or that are so frequent that the fast path should know
// them. Sorted by key; a test checks the order.
constexpr auto kCharsets = std::to_array<Charset>({
    {"ansix341968", "windows-1252", nullptr, Method::windows1252},
    {"ansix341986", "windows-1252", nullptr, Method::windows1252},
    {"ascii", "windows-1252", nullptr, Method::windows1252},
    {"big5", "big5", "Big5-HKSCS", Method::icu_ascii},
    {"big5hkscs", "big5", "Big5-HKSCS", Method::icu_ascii},
    {"chinese", "gb18030", "gb18030", Method::icu_ascii},
    {"cnbig5", "big5", "Big5-HKSCS", Method::icu_ascii},
    {"cp1252", "windows-1252", nullptr, Method::windows1252},
    {"cp50220", "iso-2022-jp", "ISO-2022-JP-2", Method::icu},
    {"cp50221", "iso-2022-jp", "ISO-2022-JP-2", Method::icu},
    {"cp819", "windows-1252", nullptr, Method::windows1252},
    {"cp874", "windows-874", "windows-874-2000", Method::icu_ascii},
    {"cp932", "shift_jis", "ibm-943_P15A-2003", Method::icu_ascii},
    {"cp936", "gb18030", "gb18030", Method::icu_ascii},
    {"cp949", "euc-kr", "windows-949-2000", Method::icu_ascii},
    {"cp950", "big5", "Big5-HKSCS", Method::icu_ascii},
    {"csascii", "windows-1252", nullptr, Method::windows1252},
    {"csbig5", "big5", "Big5-HKSCS", Method::icu_ascii},
    {"csgb2312", "gb18030", "gb18030", Method::icu_ascii},
    {"csisolatin1", "windows-1252", nullptr, Method::windows1252},
    {"csksc56011987", "euc-kr", "windows-949-2000", Method::icu_ascii},
    {"csshiftjis", "shift_jis", "ibm-943_P15A-2003", Method::icu_ascii},
    {"csunicode", "utf-16", nullptr, Method::utf16_by_mark},
    {"csunicode11utf7", "utf-7", "UTF-7", Method::icu},
    {"eucjp", "euc-jp", "EUC-JP", Method::icu_ascii},
    {"euckr", "euc-kr", "windows-949-2000", Method::icu_ascii},
    {"gb18030", "gb18030", "gb18030", Method::icu_ascii},
    {"gb2312", "gb18030", "gb18030", Method::icu_ascii},
    {"gb231280", "gb18030", "gb18030", Method::icu_ascii},
    {"gbk", "gb18030", "gb18030", Method::icu_ascii},
    {"ibm819", "windows-1252", nullptr, Method::windows1252},
    {"iso10646ucs2", "utf-16", nullptr, Method::utf16_by_mark},
    {"iso2022jp", "iso-2022-jp", "ISO-2022-JP-2", Method::icu},
    {"iso2022jp1", "iso-2022-jp", "ISO-2022-JP-2", Method::icu},
    {"iso2022jp2", "iso-2022-jp", "ISO-2022-JP-2", Method::icu},
    {"iso2022jpms", "iso-2022-jp", "ISO-2022-JP-2", Method::icu},
    {"iso646us", "windows-1252", nullptr, Method::windows1252},
    {"iso88591", "windows-1252", nullptr, Method::windows1252},
    {"iso885911", "windows-874", "windows-874-2000", Method::icu_ascii},
    {"iso8859111987", "windows-1252", nullptr, Method::windows1252},
    {"iso885911987", "windows-1252", nullptr, Method::windows1252},
    {"iso885915", "iso-8859-15", "ISO-8859-15", Method::icu_ascii},
    {"iso88592", "iso-8859-2", "ISO-8859-2", Method::icu_ascii},
    {"iso88598i", "iso-8859-8", "ISO-8859-8", Method::icu_ascii},
    {"iso88599", "windows-1254", "windows-1254", Method::icu_ascii},
    {"isoir100", "windows-1252", nullptr, Method::windows1252},
    {"koi8r", "koi8-r", "KOI8-R", Method::icu_ascii},
    {"koi8u", "koi8-u", "KOI8-U", Method::icu_ascii},
    {"korean", "euc-kr", "windows-949-2000", Method::icu_ascii},
    {"ksc5601", "euc-kr", "windows-949-2000", Method::icu_ascii},
    {"ksc56011987", "euc-kr", "windows-949-2000", Method::icu_ascii},
    {"ksc56011989", "euc-kr", "windows-949-2000", Method::icu_ascii},
    {"l1", "windows-1252", nullptr, Method::windows1252},
    {"latin1", "windows-1252", nullptr, Method::windows1252},
    {"latin5", "windows-1254", "windows-1254", Method::icu_ascii},
    {"ms932", "shift_jis", "ibm-943_P15A-2003", Method::icu_ascii},
    {"ms936", "gb18030", "gb18030", Method::icu_ascii},
    {"ms949", "euc-kr", "windows-949-2000", Method::icu_ascii},
    {"mskanji", "shift_jis", "ibm-943_P15A-2003", Method::icu_ascii},
    {"shiftjis", "shift_jis", "ibm-943_P15A-2003", Method::icu_ascii},
    {"sjis", "shift_jis", "ibm-943_P15A-2003", Method::icu_ascii},
    {"tis620", "windows-874", "windows-874-2000", Method::icu_ascii},
    {"ucs2", "utf-16", nullptr, Method::utf16_by_mark},
    {"unicode", "utf-16", nullptr, Method::utf16_by_mark},
    {"unicode11utf7", "utf-7", "UTF-7", Method::icu},
    {"unicode11utf8", "utf-8", nullptr, Method::utf8},
    {"unicodefeff", "utf-16", nullptr, Method::utf16_by_mark},
    {"usascii", "windows-1252", nullptr, Method::windows1252},
    {"utf16", "utf-16", nullptr, Method::utf16_by_mark},
    {"utf16be", "utf-16be", "UTF-16BE", Method::icu},
    {"utf16le", "utf-16le", "UTF-16LE", Method::icu},
    {"utf7", "utf-7", "UTF-7", Method::icu},
    {"utf8", "utf-8", nullptr, Method::utf8},
    {"utf8mb4", "utf-8", nullptr, Method::utf8},
    {"windows1250", "windows-1250", "windows-1250", Method::icu_ascii},
    {"windows1251", "windows-1251", "windows-1251", Method::icu_ascii},
    {"windows1252", "windows-1252", nullptr, Method::windows1252},
    {"windows1254", "windows-1254", "windows-1254", Method::icu_ascii},
    {"windows1256", "windows-1256", "windows-1256", Method::icu_ascii},
    {"windows31j", "shift_jis", "ibm-943_P15A-2003", Method::icu_ascii},
    {"windows874", "windows-874", "windows-874-2000", Method::icu_ascii},
    {"windows949", "euc-kr", "windows-949-2000", Method::icu_ascii},
    {"xcp1252", "windows-1252", nullptr, Method::windows1252},
    {"xeucjp", "euc-jp", "EUC-JP", Method::icu_ascii},
    {"xgbk", "gb18030", "gb18030", Method::icu_ascii},
    {"xmacroman", "macintosh", "macintosh", Method::icu_ascii},
    {"xsjis", "shift_jis", "ibm-943_P15A-2003", Method::icu_ascii},
    {"xunicode20utf7", "utf-7", "UTF-7", Method::icu},
    {"xunicode20utf8", "utf-8", nullptr, Method::utf8},
    {"xxbig5", "big5", "Big5-HKSCS", Method::icu_ascii},
});
static_assert(std::ranges::is_sorted(kCharsets, {}, &Charset::key));

constexpr std::size_t kLongestLabel = 64;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// ---- labels ----

std::string key_of(std::string_view label) {
    std::string key;
    for (const char c : label) {
        if (base::is_alnum(c)) key += base::to_lower(c);
    }
    return key;
}

const Charset* find_charset(std::string_view label) {
    const std::string key = key_of(label);
    const auto* at = std::ranges::lower_bound(kCharsets, std::string_view(key), {}, &Charset::key);
    return at != kCharsets.end() && at->key == key ? at : nullptr;
}

/// ICU takes options after a comma in a converter's name, which no sender may give.
bool is_plain_label(std::string_view label) {
    return !label.empty() && label.size() <= kLongestLabel && std::ranges::all_of(label, [](char c) {
        return base::is_alnum(c) || c == '-' || c == '_' || c == '.' || c == ':' || c == '+';
    });
}

std::string_view trim_label(std::string_view label) {
    label = base::trim(label);
    while (!label.empty() && (label.front() == '"' || label.front() == '\'')) label.remove_prefix(1);
    while (!label.empty() && (label.back() == '"' || label.back() == '\'')) label.remove_suffix(1);
    return base::trim(label);
}

// ---- without ICU ----

/// Number of leading bytes below 0x80.
std::size_t ascii_prefix(std::string_view bytes) {
    constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;
    std::size_t at = 0;
    while (at + 8 <= bytes.size()) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + at, 8);
        if ((word & kHighBits) != 0) break;
        at += 8;
    }
    while (at < bytes.size() && static_cast<unsigned char>(bytes[at]) < 0x80) ++at;
    return at;
}

/// Appends whole characters only; false when the limit is reached.
class Output {
  public:
    explicit Output(std::size_t limit) : limit_(limit) {}

    bool append(std::string_view character) {
        if (character.size() > limit_ - result_.text.size()) return cut();
        result_.text += character;
        return true;
    }
    /// Any number of one-byte characters.
    bool append_ascii(std::string_view run) {
        const std::size_t room = limit_ - result_.text.size();
        result_.text += run.substr(0, room);
        return run.size() <= room || cut();
    }
    bool append_replacement() {
        ++result_.replaced;
        return append(kReplacement);
    }
    void reserve(std::size_t size) { result_.text.reserve(std::min(size, limit_)); }
    Utf8Text take() { return std::move(result_); }

  private:
    bool cut() {
        result_.complete = false;
        return false;
    }

    Utf8Text result_;
    std::size_t limit_;
};

struct Sequence {
    std::size_t length;  ///< bytes taken
    bool valid;
};

/// The character at the front of bytes, which begins with a byte >= 0x80; when it is broken, the longest
/// piece that could have begun one (Unicode 15 section 3.9, "maximal subpart").
Sequence utf8_sequence(std::string_view bytes) {
    const auto lead = static_cast<unsigned char>(bytes[0]);
    const std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                               : lead >= 0xE0 && lead <= 0xEF ? 3
                               : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                              : 1;
    if (length == 1) return {1, false};
    const unsigned char from = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned char to = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (std::size_t i = 1; i < length; ++i) {
        const unsigned char low = i == 1 ? from : 0x80;
        const unsigned char high = i == 1 ? to : 0xBF;
        if (i >= bytes.size()) return {i, false};
        const auto next = static_cast<unsigned char>(bytes[i]);
        if (next < low || next > high) return {i, false};
    }
    return {length, true};
}

std::string_view without_mark(std::string_view bytes) {
    if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
    return bytes;
}

bool is_utf8(std::string_view bytes) {
    while (true) {
        bytes.remove_prefix(ascii_prefix(bytes));
        if (bytes.empty()) return true;
        const Sequence sequence = utf8_sequence(bytes);
        if (!sequence.valid) return false;
        bytes.remove_prefix(sequence.length);
    }
}

Utf8Text from_utf8(std::string_view bytes, std::size_t max_output) {
    bytes = without_mark(bytes);
    Output out(max_output);
    out.reserve(bytes.size());
    while (!bytes.empty()) {
        const std::size_t run = ascii_prefix(bytes);
        if (!out.append_ascii(bytes.substr(0, run))) break;
        bytes.remove_prefix(run);
        if (bytes.empty()) break;
        const Sequence sequence = utf8_sequence(bytes);
        const bool room =
            sequence.valid ? out.append(bytes.substr(0, sequence.length)) : out.append_replacement();
        if (!room) break;
        bytes.remove_prefix(sequence.length);
    }
    return out.take();
}

/// A code point of the basic plane, 0x80 or above.
std::string encode_utf8(std::uint16_t code) {
    std::string out;
    if (code >= 0x800) {
        out += static_cast<char>(0xE0 | code >> 12);
        out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    } else {
        out += static_cast<char>(0xC0 | code >> 6);
    }
    out += static_cast<char>(0x80 | (code & 0x3F));
    return out;
}

// windows-1252, bytes 0x80 to 0x9F; the five that it does not assign are control characters (WHATWG index).
constexpr std::array<std::uint16_t, 32> kWindows1252 = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

Utf8Text from_windows1252(std::string_view bytes, std::size_t max_output) {
    Output out(max_output);
    out.reserve(bytes.size());
    while (!bytes.empty()) {
        const std::size_t run = ascii_prefix(bytes);
        if (!out.append_ascii(bytes.substr(0, run))) break;
        bytes.remove_prefix(run);
        if (bytes.empty()) break;
        const auto byte = static_cast<unsigned char>(bytes[0]);
        if (!out.append(encode_utf8(byte < 0xA0 ? kWindows1252[byte - 0x80U] : byte))) break;
        bytes.remove_prefix(1);
    }
    return out.take();
}

// ---- with ICU ----

struct CloseConverter {
    void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, CloseConverter>;

Converter open_converter(const char* name) {
    UErrorCode error = U_ZERO_ERROR;
    Converter converter(ucnv_open(name, &error));
    return U_SUCCESS(error) ? std::move(converter) : nullptr;
}

/// ICU calls this for bytes that are illegal or unassigned: write U+FFFD, count it, go on.
// NOLINTNEXTLINE(readability-function-size): the parameters are ICU's
void on_undecodable(const void* context, UConverterToUnicodeArgs* arguments, const char*, std::int32_t,
                    UConverterCallbackReason reason, UErrorCode* error) {
    if (reason > UCNV_IRREGULAR) return;  // reset, close, clone: nothing to decode
    ++*static_cast<std::size_t*>(const_cast<void*>(context));
    *error = U_ZERO_ERROR;
    static constexpr UChar kReplacementUnit = 0xFFFD;
    ucnv_cbToUWriteUChars(arguments, &kReplacementUnit, 1, 0, error);
}

/// Removes a character that the output limit cut in two.
void drop_partial_character(std::string& text) {
    std::size_t start = text.size();
    while (start > 0 && text.size() - start < 3 &&
           (static_cast<unsigned char>(text[start - 1]) & 0xC0) == 0x80)
        --start;
    if (start == 0 || static_cast<unsigned char>(text[start - 1]) < 0xC0) return;
    --start;
    if (!utf8_sequence(std::string_view(text).substr(start)).valid) text.resize(start);
}

/// Both converters are fresh. False when ICU gives up for a reason that is no reason of the input.
bool convert(UConverter* from, std::string_view bytes, Utf8Text& result, std::size_t max_output) {
    const Converter to = open_converter("UTF-8");
    if (to == nullptr) return false;
    std::array<UChar, 1024> pivot{};
    UChar* pivot_source = pivot.data();
    UChar* pivot_target = pivot.data();
    const char* source = bytes.data();
    std::string& text = result.text;
    std::size_t used = 0;
    text.resize(std::min(max_output, bytes.size() + bytes.size() / 2 + 16));
    while (true) {
        UErrorCode error = U_ZERO_ERROR;
        char* target = text.data() + used;
        ucnv_convertEx(to.get(), from, &target, text.data() + text.size(), &source,
                       bytes.data() + bytes.size(), pivot.data(), &pivot_source, &pivot_target,
                       pivot.data() + pivot.size(), 0, 1, &error);
        used = static_cast<std::size_t>(target - text.data());
        if (error != U_BUFFER_OVERFLOW_ERROR) {
            text.resize(used);
            return U_SUCCESS(error) || error == U_TRUNCATED_CHAR_FOUND;
        }
        if (text.size() == max_output) {
            result.complete = false;
            text.resize(used);
            drop_partial_character(text);
            return true;
        }
        text.resize(std::min(max_output, text.size() * 2 + 16));
    }
}

std::optional<Utf8Text> from_icu(std::string_view bytes, const char* name, std::size_t max_output) {
    const Converter from = open_converter(name);
    if (from == nullptr) return std::nullopt;
    Utf8Text result;
    UErrorCode error = U_ZERO_ERROR;
    ucnv_setToUCallBack(from.get(), on_undecodable, &result.replaced, nullptr, nullptr, &error);
    if (U_FAILURE(error) || !convert(from.get(), bytes, result, max_output)) return std::nullopt;
    if (result.text.starts_with("\xEF\xBB\xBF")) result.text.erase(0, 3);
    return result;
}

/// RFC 2781 4.3 wants big endian without a mark, practice is little endian: ask the zero bytes of ASCII text.
const char* utf16_order(std::string_view bytes) {
    if (bytes.starts_with("\xFE\xFF")) return "UTF-16BE";
    if (bytes.starts_with("\xFF\xFE")) return "UTF-16LE";
    std::array<std::size_t, 2> zeros{};
    for (std::size_t i = 0; i < std::min<std::size_t>(bytes.size(), 256); ++i)
        zeros[i % 2] += bytes[i] == '\0' ? 1 : 0;
    return zeros[0] > zeros[1] ? "UTF-16BE" : "UTF-16LE";
}

std::optional<Utf8Text> decode(std::string_view bytes, const Charset& charset, std::size_t max_output) {
    switch (charset.method) {
        case Method::utf8:
            return from_utf8(bytes, max_output);
        case Method::windows1252:
            return from_windows1252(bytes, max_output);
        case Method::utf16_by_mark:
            return from_icu(bytes, utf16_order(bytes), max_output);
        case Method::icu_ascii:
            if (ascii_prefix(bytes) == bytes.size()) return from_windows1252(bytes, max_output);
            return from_icu(bytes, charset.converter, max_output);
        case Method::icu:
            return from_icu(bytes, charset.converter, max_output);
    }
    return std::nullopt;
}

}  // namespace

std::string charset_name(std::string_view label) {
    label = trim_label(label);
    if (!is_plain_label(label)) return {};
    if (const Charset* known = find_charset(label)) return std::string(known->name);
    UErrorCode error = U_ZERO_ERROR;
    const std::string name(label);
    const char* canonical = ucnv_getAlias(name.c_str(), 0, &error);
    return U_SUCCESS(error) && canonical != nullptr ? base::lower(label) : std::string();
}

std::optional<Utf8Text> to_utf8(std::string_view bytes, std::string_view label, std::size_t max_output) {
    label = trim_label(label);
    if (!is_plain_label(label)) return std::nullopt;
    if (const Charset* known = find_charset(label)) return decode(bytes, *known, max_output);
    return from_icu(bytes, std::string(label).c_str(), max_output);
}

Utf8Text guess_to_utf8(std::string_view bytes, std::size_t max_output) {
    return is_utf8(bytes) ? from_utf8(bytes, max_output) : from_windows1252(bytes, max_output);
}

Utf8Text to_utf8_or_guess(std::string_view bytes, std::string_view label, std::size_t max_output) {
    if (auto text = to_utf8(bytes, label, max_output)) return *std::move(text);
    return guess_to_utf8(bytes, max_output);
}

bool is_word_character(std::string_view utf8, std::size_t at) {
    const auto first = static_cast<unsigned char>(utf8[at]);
    if (first < 0x80) return base::is_alnum(utf8[at]) || utf8[at] == '_';
    const std::size_t more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    auto c = static_cast<UChar32>(first & (0x3FU >> more));
    for (std::size_t i = at + 1; i <= at + more && i < utf8.size(); ++i)
        c = c << 6 | (static_cast<unsigned char>(utf8[i]) & 0x3F);
    return c <= UCHAR_MAX_VALUE && (u_hasBinaryProperty(c, UCHAR_ALPHABETIC) || u_isdigit(c) ||
                                    (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0);
}

bool warm_charsets() {
    u_setDataDirectory("");  // never mind what the environment says: the data is in the library
    static constexpr auto kMore = std::to_array<const char*>(
        {"UTF-8",          "ISO-8859-3",   "ISO-8859-4",  "ISO-8859-5",  "ISO-8859-6",   "ISO-8859-7",
         "ISO-8859-8",     "ISO-8859-10",  "ISO-8859-13", "ISO-8859-14", "windows-1253", "windows-1255",
         "windows-1257",   "windows-1258", "IBM437",      "IBM850",      "IBM852",       "IBM866",
         "x-mac-cyrillic", "ISO-2022-KR",  "ISO-2022-CN", "HZ-GB-2312",  "UTF-32"});
    bool all = true;
    for (const char* name : kMore) all = open_converter(name) != nullptr && all;
    for (const Charset& charset : kCharsets) {
        if (charset.converter != nullptr) all = open_converter(charset.converter) != nullptr && all;
    }
    // Escape-driven converters load their tables at the first use of each, so they are used once here.
    const auto decoded = [](std::string_view bytes, const char* label) {
        const auto text = to_utf8(bytes, label, 64);
        return text.has_value() && text->replaced == 0;
    };
    return all && decoded("\x1B$B$\"\x1B(B", "iso-2022-jp") &&
           decoded("\x1B$)C\x0E\x30\x21\x0F", "iso-2022-kr") && decoded("~{<:Ky~}", "hz-gb-2312");
}

}  // namespace gatehouse::message
