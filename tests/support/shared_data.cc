#include "support/shared_data.h"

#include <zstd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

namespace gatehouse::test {

namespace {

constexpr std::size_t kBlock = 512;  // of a tar

std::optional<std::string> decompress(const std::string& packed) {
    const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    std::string out;
    std::vector<char> chunk(ZSTD_DStreamOutSize());
    while (in.pos < in.size) {
        ZSTD_outBuffer piece{chunk.data(), chunk.size(), 0};
        if (ZSTD_isError(ZSTD_decompressStream(context.get(), &piece, &in)) != 0) return std::nullopt;
        out.append(chunk.data(), piece.pos);
    }
    return out;
}

std::string text_field(std::string_view header, std::size_t at, std::size_t size) {
    const std::string_view field = header.substr(at, size);
    return std::string(field.substr(0, field.find('\0')));
}

/// "27 path=some/name\n" lines of a pax header.
std::string pax_path(std::string_view records) {
    const std::size_t at = records.find(" path=");
    if (at == std::string_view::npos) return {};
    return std::string(records.substr(at + 6, records.find('\n', at) - at - 6));
}

}  // namespace

std::optional<std::filesystem::path> shared_file(const std::string& relative_path) {
    const char* named =
        std::getenv("GATEHOUSE_SHARED");  // NOLINT(concurrency-mt-unsafe): tests have one thread here
    const std::filesystem::path folder = named == nullptr ? "../shared" : named;
    if (folder.empty() || !std::filesystem::exists(folder / relative_path)) return std::nullopt;
    return folder / relative_path;
}

void count_shared_cases(const std::string& name, std::size_t cases) {
    const char* folder = std::getenv("GATEHOUSE_SHARED_COUNTS");  // NOLINT(concurrency-mt-unsafe)
    if (folder == nullptr) return;
    std::ofstream(std::filesystem::path(folder) / name) << cases << '\n';
}

bool for_each_file(const std::filesystem::path& tar_zst,
                   const std::function<void(const std::string& name, std::string_view bytes)>& use) {
    std::ifstream file(tar_zst, std::ios::binary);
    const auto tar = decompress(std::string(std::istreambuf_iterator<char>(file), {}));
    if (!tar || tar->size() < kBlock) return false;
    std::string_view rest(*tar);
    std::string long_name;
    while (rest.size() >= kBlock && rest[0] != '\0') {
        const std::string_view header = rest.substr(0, kBlock);
        const std::string prefix = text_field(header, 345, 155);
        std::string name = text_field(header, 0, 100);
        if (header.substr(257, 6) == std::string_view("ustar\0", 6) && !prefix.empty())
            name.insert(0, prefix + "/");
        const std::size_t size = std::strtoull(text_field(header, 124, 12).c_str(), nullptr, 8);
        if (size > rest.size() - kBlock) return false;
        const std::string_view bytes = rest.substr(kBlock, size);
        const char type = header[156];
        if (type == 'L') long_name = text_field(bytes, 0, bytes.size());
        if (type == 'x') long_name = pax_path(bytes);
        if (type == '0' || type == '\0') {
            use(long_name.empty() ? name : long_name, bytes);
            long_name.clear();
        }
        rest.remove_prefix(std::min(rest.size(), kBlock + (size + kBlock - 1) / kBlock * kBlock));
    }
    return true;
}

}  // namespace gatehouse::test
