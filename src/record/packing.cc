#include "record/packing.h"

#include <zstd.h>

namespace gatehouse::record {
namespace {

using base::fail;
using base::Fault;

constexpr char kPlain = 0;
constexpr char kZstd = 1;
constexpr int kLevel = 1;

}  // namespace

std::string pack(std::string_view bytes, std::size_t threshold) {
    if (bytes.size() >= threshold) {
        std::string out(1 + ZSTD_compressBound(bytes.size()), kZstd);
        const std::size_t made =
            ZSTD_compress(out.data() + 1, out.size() - 1, bytes.data(), bytes.size(), kLevel);
        if (ZSTD_isError(made) == 0 && made < bytes.size()) {
            out.resize(1 + made);
            return out;
        }
    }
    std::string out;
    out.reserve(1 + bytes.size());
    out += kPlain;
    out += bytes;
    return out;
}

base::Result<std::string> unpack(std::string_view packed, std::size_t limit) {
    if (packed.empty()) return fail(Fault::malformed, "a packed value is empty");
    const auto bytes = packed.substr(1);
    if (packed[0] == kPlain) {
        if (bytes.size() > limit) return fail(Fault::limit, "a value of {} bytes is too large", bytes.size());
        return std::string(bytes);
    }
    if (packed[0] != kZstd) return fail(Fault::malformed, "a value is packed in an unknown way");
    const auto size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) {
        return fail(Fault::malformed, "a compressed value is damaged");
    }
    if (size > limit) return fail(Fault::limit, "a value of {} bytes is too large", size);
    std::string out(static_cast<std::size_t>(size), '\0');
    const std::size_t made = ZSTD_decompress(out.data(), out.size(), bytes.data(), bytes.size());
    if (ZSTD_isError(made) != 0 || made != out.size())
        return fail(Fault::malformed, "a compressed value is damaged");
    return out;
}

}  // namespace gatehouse::record
