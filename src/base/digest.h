// SHA-256 (FIPS 180-4, by libcrypto) for whole messages and parts, and the fast checksum (XXH3, 64 bit) of
// our own file frames. The checksum finds damage, not malice. Pure; no shared state.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace gatehouse::base {

class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void update(std::string_view bytes);
    /// 32 raw bytes. The object is ready for a new message afterwards.
    std::string finish();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// 32 raw bytes.
std::string sha256(std::string_view bytes);
std::uint64_t checksum64(std::string_view bytes);

}  // namespace gatehouse::base
