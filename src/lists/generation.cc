#include "lists/generation.h"

#include <algorithm>

#include "base/digest.h"

namespace gatehouse::lists {

using base::Fault;

namespace {

constexpr std::string_view kMagic{"GHLISTS\0", 8};
constexpr std::size_t kKindBytes = 16;
constexpr std::size_t kDigestBytes = 32;
constexpr std::size_t kKeyIdBytes = 8;
constexpr std::size_t kSigned = kGenerationHeader - kSignatureBytes;

void put(std::string& to, std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) to += static_cast<char>((value >> (8 * i)) & 0xFF);
}

std::uint64_t get(std::string_view from, std::size_t at, unsigned bytes) {
    std::uint64_t value = 0;
    for (unsigned i = bytes; i-- > 0;) value = (value << 8) | static_cast<unsigned char>(from[at + i]);
    return value;
}

std::string fixed(std::string_view text, std::size_t size) {
    std::string out(text.substr(0, size));
    out.resize(size, '\0');
    return out;
}

std::string key_id(std::string_view public_key) {
    return base::sha256(public_key).substr(0, kKeyIdBytes);
}

}  // namespace

std::string make_generation(const GenerationInfo& info, std::string_view payload, const SigningKey* key) {
    std::string out(kMagic);
    out.reserve(kGenerationHeader + payload.size());
    put(out, kGenerationFormat, 4);
    put(out, kGenerationHeader, 4);
    out += fixed(info.kind, kKindBytes);
    put(out, info.number, 8);
    put(out, info.made, 8);
    out += fixed(info.source, kDigestBytes);
    put(out, payload.size(), 8);
    out += base::sha256(payload);
    out += key == nullptr ? std::string(kKeyIdBytes, '\0') : key_id(key->public_key());
    out += key == nullptr ? std::string(kSignatureBytes, '\0') : key->sign(out);
    out += payload;
    return out;
}

base::Result<Generation> read_generation(std::string_view bytes, std::string_view kind,
                                         std::optional<std::string_view> public_key) {
    if (bytes.size() < kGenerationHeader || !bytes.starts_with(kMagic))
        return base::fail(Fault::malformed, "this is no list of Gatehouse");
    const auto format = get(bytes, 8, 4);
    if (format > kGenerationFormat) {
        return base::fail(Fault::refused,
                          "a list of format {} was made by a newer Gatehouse; this one knows {}", format,
                          kGenerationFormat);
    }
    if (get(bytes, 12, 4) != kGenerationHeader || bytes.substr(16, kKindBytes) != fixed(kind, kKindBytes))
        return base::fail(Fault::malformed, "this is no list of the kind {}", kind);
    Generation out;
    out.info = {std::string(kind), get(bytes, 32, 8), get(bytes, 40, 8),
                std::string(bytes.substr(48, kDigestBytes))};
    out.payload = bytes.substr(kGenerationHeader);
    if (public_key) {
        const bool is_ours =
            bytes.substr(kSigned - kKeyIdBytes, kKeyIdBytes) == key_id(*public_key) &&
            is_signed_by(bytes.substr(0, kSigned), bytes.substr(kSigned, kSignatureBytes), *public_key);
        if (!is_ours) return base::fail(Fault::refused, "a list is not signed by this node's key");
    }
    if (get(bytes, 80, 8) != out.payload.size() ||
        base::sha256(out.payload) != bytes.substr(88, kDigestBytes))
        return base::fail(Fault::malformed, "a list is damaged");
    return out;
}

}  // namespace gatehouse::lists
