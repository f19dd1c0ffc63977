// The one adapter of libsodium in this module.
#include "store/sealed_file.h"

#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/fd.h"
#include "base/random.h"

namespace gatehouse::store {
namespace {

using base::fail;
using base::Fault;

constexpr std::string_view kMagic = "GHSEALED";
constexpr std::size_t kChunk = 64U * 1024;
constexpr std::size_t kExtra = crypto_secretstream_xchacha20poly1305_ABYTES;
constexpr std::size_t kStreamHeader = crypto_secretstream_xchacha20poly1305_HEADERBYTES;
constexpr std::size_t kKeyBytes = crypto_secretstream_xchacha20poly1305_KEYBYTES;
constexpr std::size_t kPrefix = 16;  // magic, format, length of the label

unsigned char* raw(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}
const unsigned char* raw(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

void put_u32(std::string& to, std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) to += static_cast<char>((value >> shift) & 0xFF);
}

std::uint32_t get_u32(std::string_view from, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 4; i-- > 0;) value = (value << 8) | static_cast<unsigned char>(from[at + i]);
    return value;
}

/// Chooses the fastest ciphers of this processor, once.
void need_sodium() {
    static const bool is_ready = sodium_init() >= 0;
    if (!is_ready) std::abort();  // no source of random numbers: nothing may be encrypted
}

/// What is bound to every chunk.
std::string file_header(std::string_view label) {
    std::string out(kMagic);
    put_u32(out, kSealedFormat);
    put_u32(out, static_cast<std::uint32_t>(label.size()));
    out += label;
    return out;
}

using StreamState = crypto_secretstream_xchacha20poly1305_state;

struct StateWiper {
    void operator()(StreamState* state) const {
        sodium_memzero(state, sizeof *state);
        std::default_delete<StreamState>()(state);
    }
};
using StatePointer = std::unique_ptr<StreamState, StateWiper>;

/// Fills `block` as far as the file goes.
base::Result<void> read_block(int fd, std::string& block, std::size_t size) {
    block.resize(size);
    std::size_t have = 0;
    while (have < size) {
        const ssize_t got = ::read(fd, block.data() + have, size - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return base::fail_errno(Fault::unavailable, "cannot read an encrypted file", errno);
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    block.resize(have);
    return {};
}

base::Result<void> check_header(int fd, std::string_view header) {
    std::string found;
    GATEHOUSE_CHECK(read_block(fd, found, kPrefix));
    if (found.size() < kPrefix || !found.starts_with(kMagic)) {
        return fail(Fault::malformed, "this is no encrypted item of Gatehouse");
    }
    const auto format = get_u32(found, kMagic.size());
    if (format > kSealedFormat) {
        return fail(
            Fault::refused,
            "the item has format {}, but this Gatehouse knows formats up to {}: use the newer Gatehouse that "
            "wrote it",
            format, kSealedFormat);
    }
    std::string label;
    GATEHOUSE_CHECK(read_block(fd, label, header.size() - kPrefix));
    if (found + label != header)
        return fail(Fault::malformed, "the file belongs to another item, or was changed");
    return {};
}

}  // namespace

void SealKey::Wiper::operator()(std::string* bytes) const {
    sodium_memzero(bytes->data(), bytes->size());
    std::default_delete<std::string>()(bytes);
}

SealKey::SealKey(std::string bytes) : bytes_(std::make_unique<std::string>(std::move(bytes)).release()) {}

SealKey SealKey::make() {
    return SealKey(base::random_bytes(kKeyBytes));
}

base::Result<SealKey> SealKey::from_bytes(std::string_view bytes) {
    if (bytes.size() != kKeyBytes)
        return fail(Fault::malformed, "a stored key does not have {} bytes", kKeyBytes);
    return SealKey(std::string(bytes));
}

std::uint64_t sealed_size(std::string_view label, std::uint64_t size) {
    const std::uint64_t chunks = std::max<std::uint64_t>(1, (size + kChunk - 1) / kChunk);
    return kPrefix + label.size() + kStreamHeader + chunks * kExtra + size;
}

base::Result<void> seal(int fd, std::string_view label, const SealKey& key, std::string_view bytes) {
    need_sodium();
    const std::string bound = file_header(label);
    std::string stream_header(kStreamHeader, '\0');
    const StatePointer state(std::make_unique<StreamState>().release());
    crypto_secretstream_xchacha20poly1305_init_push(state.get(), raw(stream_header), raw(key.bytes()));
    GATEHOUSE_CHECK(base::write_all(fd, bound + stream_header));
    std::string block;
    bool is_last = false;
    while (!is_last) {
        const auto chunk = bytes.substr(0, kChunk);
        bytes.remove_prefix(chunk.size());
        is_last = bytes.empty();
        block.resize(chunk.size() + kExtra);
        const unsigned char tag = is_last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0;
        crypto_secretstream_xchacha20poly1305_push(state.get(), raw(block), nullptr, raw(chunk), chunk.size(),
                                                   raw(std::string_view(bound)), bound.size(), tag);
        GATEHOUSE_CHECK(base::write_all(fd, block));
    }
    return {};
}

base::Result<void> unseal(int fd, std::string_view label, const SealKey& key, const UnsealSink& sink) {
    need_sodium();
    const std::string bound = file_header(label);
    GATEHOUSE_CHECK(check_header(fd, bound));
    std::string block;
    GATEHOUSE_CHECK(read_block(fd, block, kStreamHeader));
    const StatePointer state(std::make_unique<StreamState>().release());
    if (block.size() < kStreamHeader ||
        crypto_secretstream_xchacha20poly1305_init_pull(state.get(), raw(std::string_view(block)),
                                                        raw(key.bytes())) != 0) {
        return fail(Fault::malformed, "the encrypted item is cut short");
    }
    std::string plain(kChunk, '\0');
    unsigned char tag = 0;
    while (tag != crypto_secretstream_xchacha20poly1305_TAG_FINAL) {
        GATEHOUSE_CHECK(read_block(fd, block, kChunk + kExtra));
        if (block.size() < kExtra) return fail(Fault::malformed, "the encrypted item is cut short");
        unsigned long long size = 0;
        if (crypto_secretstream_xchacha20poly1305_pull(state.get(), raw(plain), &size, &tag,
                                                       raw(std::string_view(block)), block.size(),
                                                       raw(std::string_view(bound)), bound.size()) != 0) {
            return fail(Fault::malformed,
                        "the encrypted item was changed or damaged, or its key is another one");
        }
        GATEHOUSE_CHECK(sink(std::string_view(plain).substr(0, static_cast<std::size_t>(size))));
    }
    GATEHOUSE_CHECK(read_block(fd, block, 1));
    if (!block.empty()) return fail(Fault::malformed, "the encrypted item has something behind its end");
    return {};
}

}  // namespace gatehouse::store
