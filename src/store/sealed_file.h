// Encrypted files for items that wait (quarantine, later holds and the archive): XChaCha20-Poly1305 in a
// stream of 64 KiB chunks (libsodium secretstream), so any size needs little memory. Each file has a random
// key of its own, which its owner keeps elsewhere: whoever erases the key has erased the file. The label (the
// item's id) is bound to every chunk: a file under another name, cut, lengthened or changed does not open. No
// shared state.
//
//   "GHSEALED", u32 format, u32 length of the label (little-endian), label, stream header of 24 bytes,
//   chunks of up to 65536 + 17 bytes, the last one marked as such
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gatehouse::store {

inline constexpr std::uint32_t kSealedFormat = 1;

/// 32 random bytes, wiped from our memory at the end of its life.
class SealKey {
  public:
    static SealKey make();
    /// Fault::malformed unless there are 32 bytes.
    static base::Result<SealKey> from_bytes(std::string_view bytes);
    SealKey(SealKey&&) noexcept = default;
    SealKey& operator=(SealKey&&) noexcept = default;
    ~SealKey() = default;

    std::string_view bytes() const { return *bytes_; }

  private:
    struct Wiper {
        void operator()(std::string* bytes) const;
    };
    explicit SealKey(std::string bytes);
    std::unique_ptr<std::string, Wiper> bytes_;
};

/// Size of the file that holds `size` bytes.
std::uint64_t sealed_size(std::string_view label, std::uint64_t size);

/// Writes the whole file to `fd`, from where it stands; does not sync.
base::Result<void> seal(int fd, std::string_view label, const SealKey& key, std::string_view bytes);

/// Reads `fd` from where it stands to its end. The sink gets verified bytes, but whether the file was cut off
/// is only known at the end: use what it got only after success. Fault::malformed = damaged, changed or not
/// this label's file, refused = a newer format; the sink's own faults pass through.
using UnsealSink = std::function<base::Result<void>(std::string_view bytes)>;
base::Result<void> unseal(int fd, std::string_view label, const SealKey& key, const UnsealSink& sink);

}  // namespace gatehouse::store
