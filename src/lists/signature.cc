#include "lists/signature.h"

#include <sodium.h>

#include <cstdlib>

namespace gatehouse::lists {

namespace {

unsigned char* raw(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}
const unsigned char* raw(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

void need_sodium() {
    static const bool is_ready = sodium_init() >= 0;
    if (!is_ready) std::abort();  // no source of random numbers: no key may be made
}

}  // namespace

SigningKey SigningKey::make() {
    need_sodium();
    std::string seed(kSeedBytes, '\0');
    randombytes_buf(seed.data(), seed.size());
    auto key = from_seed(seed);
    sodium_memzero(seed.data(), seed.size());
    return std::move(*key);
}

base::Result<SigningKey> SigningKey::from_seed(std::string_view seed) {
    need_sodium();
    if (seed.size() != kSeedBytes)
        return base::fail(base::Fault::malformed, "a signing key has {} bytes, not {}", kSeedBytes,
                          seed.size());
    SigningKey key;
    key.secret_.resize(crypto_sign_SECRETKEYBYTES);
    key.public_key_.resize(kPublicKeyBytes);
    crypto_sign_seed_keypair(raw(key.public_key_), raw(key.secret_), raw(seed));
    return key;
}

SigningKey::~SigningKey() {
    sodium_memzero(secret_.data(), secret_.size());
}

std::string SigningKey::sign(std::string_view bytes) const {
    std::string signature(kSignatureBytes, '\0');
    crypto_sign_detached(raw(signature), nullptr, raw(bytes), bytes.size(), raw(secret_));
    return signature;
}

bool is_signed_by(std::string_view bytes, std::string_view signature, std::string_view public_key) {
    need_sodium();
    return signature.size() == kSignatureBytes && public_key.size() == kPublicKeyBytes &&
           crypto_sign_verify_detached(raw(signature), raw(bytes), bytes.size(), raw(public_key)) == 0;
}

}  // namespace gatehouse::lists
