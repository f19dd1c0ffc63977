// The header fields of one entity, as they stand in the message: names and values are views of the raw bytes,
// folding included, and nothing is decoded before somebody asks. Used by the parser, by detectors and by mail
// authentication. Values: the bytes they look at must outlive them. Look-ups are linear in the number of
// fields and cheap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace gatehouse::inspect::mime {

inline constexpr std::uint32_t kNameHashStart = 0x811C9DC5U;

constexpr std::uint32_t name_hash_step(std::uint32_t hash, char lower) {
    return (hash ^ static_cast<unsigned char>(lower)) * 0x01000193U;
}

/// FNV-1a of the lower-case name; only to compare quickly, never to trust.
constexpr std::uint32_t name_hash(std::string_view name) {
    std::uint32_t hash = kNameHashStart;
    for (const char c : name) hash = name_hash_step(hash, base::to_lower(c));
    return hash;
}

struct HeaderField {
    std::string_view name;   ///< as written, without blanks before the colon
    std::string_view value;  ///< everything after the colon but the last line end, folding included
    std::size_t offset = 0;  ///< of the name, in the part's source
    std::uint32_t hash = 0;  ///< name_hash(name)

    bool is(std::string_view wanted) const {
        return hash == name_hash(wanted) && base::iequals(name, wanted);
    }
};

class Headers {
  public:
    Headers() = default;
    explicit Headers(std::span<const HeaderField> fields) : fields_(fields) {}

    auto begin() const { return fields_.begin(); }
    auto end() const { return fields_.end(); }
    std::size_t size() const { return fields_.size(); }

    /// The first field of that name, or null.
    const HeaderField* find(std::string_view name) const;
    std::vector<const HeaderField*> all(std::string_view name) const;
    std::size_t count(std::string_view name) const;
    /// The unfolded value of the first field of that name, or empty.
    std::string text(std::string_view name) const;

  private:
    std::span<const HeaderField> fields_;
};

/// RFC 5322 2.2.3: line ends removed, the blanks after them kept, no blanks at either end.
std::string unfold(std::string_view value);

/// How many hops wrote a Received field.
inline std::size_t count_received(const Headers& headers) {
    return headers.count("Received");
}

}  // namespace gatehouse::inspect::mime
