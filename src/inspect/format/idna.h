// Names of hosts in Unicode: to and from their ASCII form, and what they look like. The one adapter around
// ICU's IDNA and spoof checker; used by the URL parser, by homograph.h and by whoever shows a host to people.
// Sources: https://url.spec.whatwg.org/#concept-domain-to-ascii (UTS #46, non-transitional, with bidi and
// joiner checks, without length and hyphen checks), UTS #39 for scripts and skeletons. Pure, total,
// thread-safe; what is longer than kMaxIdnaBytes is refused, because Punycode costs the square of its length.
// Plain ASCII never touches ICU. Debian's ICU carries its data in a shared library: no file is opened at run
// time.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::inspect::format {

/// DNS ends at 253; browsers take longer names, so some room is left.
inline constexpr std::size_t kMaxIdnaBytes = 2048;

struct AsciiDomain {
    std::string text;        ///< lower case, Punycode where needed
    bool invisible = false;  ///< the name held characters that nobody sees
};

/// Nothing when browsers refuse the name. Forbidden characters (space, '%' ...) are the caller's check.
std::optional<AsciiDomain> domain_to_ascii(std::string_view utf8);

/// For people: xn-- labels decoded; the same text where one of them is not valid or too long to look at.
std::string domain_to_unicode(std::string_view ascii);

/// What one label in Unicode looks like to a reader.
struct LabelLook {
    bool ascii = true;
    bool mixed_scripts = false;  ///< more than UTS #39 "highly restrictive" allows (CJK with Latin is fine)
    bool mixed_lookalikes = false;  ///< Latin with Cyrillic, Greek or Cherokee, or more than two scripts
    bool invisible = false;         ///< holds joiners, variation selectors ...
    std::string looks_like;         ///< ASCII that it may be taken for; empty for ASCII and the unmistakable
};
LabelLook look_of_label(std::string_view utf8);

/// UTS #39 skeleton in lower case: two names are confusable when their skeletons are equal.
std::string confusable_skeleton(std::string_view utf8);

/// Valid UTF-8; what is not becomes U+FFFD as browsers replace it.
std::string repair_utf8(std::string_view bytes);

/// Opens what ICU needs for all of the above. False when something is missing. Call it once, before threads
/// and before the sandbox closes.
bool warm_idna();

}  // namespace gatehouse::inspect::format
