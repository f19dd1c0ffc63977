#include "inspect/format/zip_cipher.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <memory>

namespace gatehouse::inspect::format {

namespace {

constexpr std::size_t kTraditionalHeader = 12;
constexpr int kRounds = 1000;
constexpr std::size_t kVerifier = 2;
constexpr std::size_t kTag = 10;
constexpr std::size_t kBlock = 16;

constexpr std::array<std::uint32_t, 256> make_crc_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t value = i;
        for (int bit = 0; bit < 8; ++bit) value = (value & 1U) != 0 ? 0xEDB88320U ^ value >> 1 : value >> 1;
        table[i] = value;
    }
    return table;
}
constexpr auto kCrcTable = make_crc_table();

/// The three keys of APPNOTE 6.1.5.
class TraditionalKeys {
  public:
    explicit TraditionalKeys(std::string_view password) {
        for (const char c : password) update(static_cast<std::uint8_t>(c));
    }
    std::uint8_t decrypt(char from) {
        const std::uint32_t odd = (third_ | 2U) & 0xFFFFU;
        const auto plain =
            static_cast<std::uint8_t>(static_cast<std::uint8_t>(from) ^ (odd * (odd ^ 1U) >> 8 & 0xFFU));
        update(plain);
        return plain;
    }

  private:
    static std::uint32_t step(std::uint32_t crc, std::uint32_t byte) {
        return crc >> 8 ^ kCrcTable[(crc ^ byte) & 0xFFU];
    }
    void update(std::uint8_t plain) {
        first_ = step(first_, plain);
        second_ = (second_ + (first_ & 0xFFU)) * 134775813U + 1U;
        third_ = step(third_, second_ >> 24);
    }

    std::uint32_t first_ = 0x12345678;
    std::uint32_t second_ = 0x23456789;
    std::uint32_t third_ = 0x34567890;
};

std::optional<std::string> decrypt_traditional(std::string_view packed, const ZipMember& member,
                                               std::string_view password) {
    if (packed.size() < kTraditionalHeader) return std::nullopt;
    TraditionalKeys keys(password);
    std::uint8_t last = 0;
    for (const char c : packed.substr(0, kTraditionalHeader)) last = keys.decrypt(c);
    if (last != member.check) return std::nullopt;
    std::string out(packed.substr(kTraditionalHeader));
    for (char& c : out) c = static_cast<char>(keys.decrypt(c));
    return out;
}

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

struct AesKeys {
    std::array<unsigned char, 2 * 32 + kVerifier> all{};
    std::size_t size = 0;  ///< of one key

    const unsigned char* authentication() const { return all.data() + size; }
    std::string_view verifier() const {
        return {reinterpret_cast<const char*>(all.data()) + 2 * size, kVerifier};
    }
};

std::optional<AesKeys> derive(std::string_view password, std::string_view salt, std::size_t key_size) {
    AesKeys keys;
    keys.size = key_size;
    const int done = PKCS5_PBKDF2_HMAC_SHA1(password.data(), static_cast<int>(password.size()),
                                            bytes_of(salt), static_cast<int>(salt.size()), kRounds,
                                            static_cast<int>(2 * key_size + kVerifier), keys.all.data());
    return done == 1 ? std::optional(keys) : std::nullopt;
}

bool is_authentic(const AesKeys& keys, std::string_view data, std::string_view tag) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> made{};
    unsigned size = 0;
    if (HMAC(EVP_sha1(), keys.authentication(), static_cast<int>(keys.size), bytes_of(data), data.size(),
             made.data(), &size) == nullptr) {
        return false;
    }
    return size >= kTag && tag == std::string_view(reinterpret_cast<const char*>(made.data()), kTag);
}

/// WinZip counts its blocks in little endian from 1, OpenSSL in big endian: so the key stream is made here.
bool apply_stream(const AesKeys& keys, std::string& data) {
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                  EVP_CIPHER_CTX_free);
    const auto* cipher = keys.size == 16   ? EVP_aes_128_ecb()
                         : keys.size == 24 ? EVP_aes_192_ecb()
                                           : EVP_aes_256_ecb();
    if (!context || EVP_EncryptInit_ex(context.get(), cipher, nullptr, keys.all.data(), nullptr) != 1 ||
        EVP_CIPHER_CTX_set_padding(context.get(), 0) != 1) {
        return false;
    }
    constexpr std::size_t kBlocks = 256;
    std::array<unsigned char, kBlocks * kBlock> counters{};
    std::array<unsigned char, kBlocks * kBlock> stream{};
    std::uint64_t count = 0;
    for (std::size_t at = 0; at < data.size(); at += stream.size()) {
        for (std::size_t block = 0; block < kBlocks; ++block) {
            ++count;
            for (std::size_t i = 0; i < 8; ++i)
                counters[block * kBlock + i] = static_cast<unsigned char>(count >> (8 * i) & 0xFFU);
        }
        int made = 0;
        if (EVP_EncryptUpdate(context.get(), stream.data(), &made, counters.data(),
                              static_cast<int>(counters.size())) != 1) {
            return false;
        }
        const std::size_t size = std::min(stream.size(), data.size() - at);
        for (std::size_t i = 0; i < size; ++i)
            data[at + i] = static_cast<char>(static_cast<unsigned char>(data[at + i]) ^ stream[i]);
    }
    return true;
}

std::optional<std::string> decrypt_aes(std::string_view packed, const ZipMember& member,
                                       std::string_view password) {
    if (member.aes_strength < 1 || member.aes_strength > 3) return std::nullopt;
    const std::size_t salt_size = 4 + 4U * member.aes_strength;
    if (packed.size() < salt_size + kVerifier + kTag) return std::nullopt;
    const auto keys = derive(password, packed.substr(0, salt_size), 2 * salt_size);
    if (!keys || keys->verifier() != packed.substr(salt_size, kVerifier)) return std::nullopt;
    packed.remove_prefix(salt_size + kVerifier);
    const auto tag = packed.substr(packed.size() - kTag);
    packed.remove_suffix(kTag);
    if (!is_authentic(*keys, packed, tag)) return std::nullopt;
    std::string out(packed);
    if (!apply_stream(*keys, out)) return std::nullopt;
    return out;
}

}  // namespace

std::optional<std::string> decrypt_zip_data(std::string_view packed, const ZipMember& member,
                                            std::string_view password) {
    if (password.size() > 1024) return std::nullopt;
    switch (member.cipher) {
        case ZipCipher::traditional:
            return decrypt_traditional(packed, member, password);
        case ZipCipher::aes:
            return decrypt_aes(packed, member, password);
        case ZipCipher::none:
        case ZipCipher::strong:
            break;
    }
    return std::nullopt;
}

}  // namespace gatehouse::inspect::format
