#include "inspect/format/idna.h"

#include <unicode/uchar.h>
#include <unicode/uidna.h>
#include <unicode/uspoof.h>
#include <unicode/utf8.h>

#include <array>
#include <cstdint>
#include <memory>

#include "base/text.h"

namespace gatehouse::inspect::format {

namespace {

struct CloseIdna {
    void operator()(UIDNA* idna) const { uidna_close(idna); }
};
struct CloseSpoof {
    void operator()(USpoofChecker* checker) const { uspoof_close(checker); }
};
using IdnaPtr = std::unique_ptr<UIDNA, CloseIdna>;
using SpoofPtr = std::unique_ptr<USpoofChecker, CloseSpoof>;

/// Null when ICU has no data. Both are immutable once open: ICU allows them to be used by many threads.
const UIDNA* idna() {
    static const IdnaPtr kIdna = [] {
        UErrorCode status = U_ZERO_ERROR;
        constexpr std::uint32_t kOptions = UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ |
                                           UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_NONTRANSITIONAL_TO_UNICODE;
        IdnaPtr opened(uidna_openUTS46(kOptions, &status));
        if (U_FAILURE(status)) opened.reset();
        return opened;
    }();
    return kIdna.get();
}

const USpoofChecker* spoof() {
    static const SpoofPtr kSpoof = [] {
        UErrorCode status = U_ZERO_ERROR;
        SpoofPtr opened(uspoof_open(&status));
        if (U_SUCCESS(status)) {
            uspoof_setChecks(opened.get(), USPOOF_RESTRICTION_LEVEL | USPOOF_AUX_INFO, &status);
            uspoof_setRestrictionLevel(opened.get(), USPOOF_HIGHLY_RESTRICTIVE);
        }
        if (U_FAILURE(status)) opened.reset();
        return opened;
    }();
    return kSpoof.get();
}

/// VerifyDnsLength and CheckHyphens are off, so these are no errors for us.
constexpr std::uint32_t kAllowedErrors = UIDNA_ERROR_EMPTY_LABEL | UIDNA_ERROR_LABEL_TOO_LONG |
                                         UIDNA_ERROR_DOMAIN_NAME_TOO_LONG | UIDNA_ERROR_LEADING_HYPHEN |
                                         UIDNA_ERROR_TRAILING_HYPHEN | UIDNA_ERROR_HYPHEN_3_4;

using IdnaFunction = decltype(&uidna_nameToASCII_UTF8);

/// `text` is at most a few KiB, so its size fits.
std::optional<std::string> convert(IdnaFunction function, std::string_view text) {
    const auto size = static_cast<std::int32_t>(text.size());
    std::string out(text.size() * 4 + 64, '\0');
    for (int attempt = 0; attempt < 2; ++attempt) {
        UErrorCode status = U_ZERO_ERROR;
        UIDNAInfo info = UIDNA_INFO_INITIALIZER;
        const auto capacity = static_cast<std::int32_t>(out.size());
        const std::int32_t length = function(idna(), text.data(), size, out.data(), capacity, &info, &status);
        if (length >= 0) out.resize(static_cast<std::size_t>(length));
        if (status == U_BUFFER_OVERFLOW_ERROR) continue;
        if (U_FAILURE(status) || (info.errors & ~kAllowedErrors) != 0) return std::nullopt;
        return out;
    }
    return std::nullopt;
}

// The macro narrows on its own account.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
UChar32 next_code_point(std::string_view text, std::size_t& at) {
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(text.data(), at, text.size(), c);
    return c;
}
#pragma GCC diagnostic pop

void append_code_point(std::string& out, UChar32 c) {
    std::array<char, U8_MAX_LENGTH> bytes{};
    std::size_t size = 0;
    U8_APPEND_UNSAFE(bytes.data(), size, c);
    out.append(bytes.data(), size);
}

bool is_invisible(UChar32 c) {
    return u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) != 0;
}

/// UTS #46 of Unicode 15.1 and 16 reads some characters otherwise than Debian 12's ICU 72 (Unicode 15): what
/// browsers of today make of them. 0: dropped. This can go with the ICU of the next Debian.
UChar32 newer_mapping(UChar32 c) {
    if (c >= 0x206A && c <= 0x206F) return 0;
    if (c >= 0x10A0 && c <= 0x10C5) return c - 0x10A0 + 0x2D00;
    switch (c) {
        case 0x1E9E:
            return 0x00DF;
        case 0x04C0:
            return 0x04CF;
        case 0x180E:
            return 0;
        case 0x2132:
            return 0x214E;
        case 0x2183:
            return 0x2184;
        default:
            return c;
    }
}

std::string run_skeleton(std::string_view utf8) {
    const auto size = static_cast<std::int32_t>(utf8.size());
    std::string out(utf8.size() * 4 + 64, '\0');
    for (int attempt = 0; attempt < 2; ++attempt) {
        UErrorCode status = U_ZERO_ERROR;
        const auto capacity = static_cast<std::int32_t>(out.size());
        const std::int32_t length =
            uspoof_getSkeletonUTF8(spoof(), 0, utf8.data(), size, out.data(), capacity, &status);
        if (length >= 0) out.resize(static_cast<std::size_t>(length));
        if (status == U_BUFFER_OVERFLOW_ERROR) continue;
        return U_SUCCESS(status) ? out : std::string();
    }
    return {};
}

/// Character by character, so that ASCII stays as it is: skeletons of ASCII are not ("rn" for "m").
std::string ascii_look(std::string_view label) {
    std::string out;
    for (std::size_t at = 0; at < label.size();) {
        const std::size_t start = at;
        const UChar32 c = next_code_point(label, at);
        if (is_invisible(c)) continue;
        const auto symbol = label.substr(start, at - start);
        auto look = c < 0x80 ? std::string(symbol) : base::lower(run_skeleton(symbol));
        if (look == "rn") look = "m";
        if (look.empty() || !base::is_ascii(look)) return {};
        out += look;
    }
    return out;
}

void check_scripts(std::string_view label, LabelLook& look) {
    UErrorCode status = U_ZERO_ERROR;
    const auto size = static_cast<std::int32_t>(label.size());
    const std::int32_t result = uspoof_check2UTF8(spoof(), label.data(), size, nullptr, &status);
    if (U_FAILURE(status)) return;
    const auto level = result & USPOOF_RESTRICTION_LEVEL_MASK;
    look.mixed_scripts = level > USPOOF_HIGHLY_RESTRICTIVE;
    look.mixed_lookalikes = level > USPOOF_MODERATELY_RESTRICTIVE;
}

}  // namespace

std::optional<AsciiDomain> domain_to_ascii(std::string_view utf8) {
    AsciiDomain out;
    if (base::is_ascii(utf8)) {
        // Names that are ASCII already are taken as they are, even where an xn-- label means nothing.
        out.text = base::lower(utf8);
        return out;
    }
    if (utf8.size() > kMaxIdnaBytes || idna() == nullptr) return std::nullopt;
    std::string mapped;
    mapped.reserve(utf8.size());
    for (std::size_t at = 0; at < utf8.size();) {
        const UChar32 c = next_code_point(utf8, at);
        out.invisible = out.invisible || is_invisible(c);
        const UChar32 newer = newer_mapping(c);
        if (newer != 0 || c == 0) append_code_point(mapped, newer);
    }
    auto ascii = convert(uidna_nameToASCII_UTF8, mapped);
    if (!ascii || !base::is_ascii(*ascii)) return std::nullopt;
    out.text = *std::move(ascii);
    return out;
}

std::string domain_to_unicode(std::string_view ascii) {
    if (ascii.find("xn--") == std::string_view::npos || ascii.size() > kMaxIdnaBytes || idna() == nullptr) {
        return std::string(ascii);
    }
    auto out = convert(uidna_nameToUnicodeUTF8, ascii);
    return out ? *std::move(out) : std::string(ascii);
}

LabelLook look_of_label(std::string_view utf8) {
    LabelLook look;
    look.ascii = base::is_ascii(utf8);
    if (look.ascii || utf8.size() > kMaxIdnaBytes || spoof() == nullptr) return look;
    for (std::size_t at = 0; at < utf8.size() && !look.invisible;) {
        look.invisible = is_invisible(next_code_point(utf8, at));
    }
    check_scripts(utf8, look);
    look.looks_like = ascii_look(utf8);
    return look;
}

std::string confusable_skeleton(std::string_view utf8) {
    if (utf8.size() > kMaxIdnaBytes || spoof() == nullptr) return base::lower(utf8);
    return base::lower(run_skeleton(utf8));
}

std::string repair_utf8(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() + 16);
    for (std::size_t at = 0; at < bytes.size();) append_code_point(out, next_code_point(bytes, at));
    return out;
}

bool warm_idna() {
    if (idna() == nullptr || spoof() == nullptr) return false;
    const auto ascii = domain_to_ascii(
        "b\xC3\xBC"
        "cher.de");
    const auto look = look_of_label("p\xD0\xB0ypal");
    return ascii && ascii->text == "xn--bcher-kva.de" && look.looks_like == "paypal" && look.mixed_lookalikes;
}

}  // namespace gatehouse::inspect::format
