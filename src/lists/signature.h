// Ed25519 (RFC 8032) for files that come back from a disk. The one adapter of libsodium in this module.
// Thread-safe; the secret half is wiped with its owner.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace gatehouse::lists {

inline constexpr std::size_t kSeedBytes = 32;
inline constexpr std::size_t kPublicKeyBytes = 32;
inline constexpr std::size_t kSignatureBytes = 64;

class SigningKey {
  public:
    static SigningKey make();
    /// Fault::malformed for anything but 32 bytes.
    static base::Result<SigningKey> from_seed(std::string_view seed);
    SigningKey(SigningKey&&) noexcept = default;
    SigningKey& operator=(SigningKey&&) noexcept = default;
    SigningKey(const SigningKey&) = delete;
    SigningKey& operator=(const SigningKey&) = delete;
    ~SigningKey();

    std::string seed() const { return secret_.substr(0, kSeedBytes); }
    const std::string& public_key() const { return public_key_; }
    std::string sign(std::string_view bytes) const;

  private:
    SigningKey() = default;
    std::string secret_;  ///< as libsodium has it: seed and public key
    std::string public_key_;
};

bool is_signed_by(std::string_view bytes, std::string_view signature, std::string_view public_key);

}  // namespace gatehouse::lists
