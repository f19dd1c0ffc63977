// The one framing of our local sockets: u32 little-endian length, then that many bytes (a protobuf message).
// Used blocking by ipc and with coroutines by net. Pure. A length above the limit is Fault::limit and final:
// the stream cannot be resynchronised, so the caller closes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gatehouse::base {

/// Control sockets (interfaces: at most 1 MiB).
inline constexpr std::uint32_t kControlFrameLimit = 1U << 20;
/// Between the front and its inspectors: Facts of the largest message within its limits.
inline constexpr std::uint32_t kInspectorFrameLimit = 16U << 20;

std::string frame_header(std::size_t payload_size);

/// Holds what has arrived and was not taken: less than twice that and a little, however the frames lie.
class FrameBuffer {
  public:
    explicit FrameBuffer(std::uint32_t limit) : limit_(limit) {}

    void append(std::string_view bytes) { buffer_.append(bytes); }
    /// The next whole payload, nullopt when more bytes are needed.
    Result<std::optional<std::string>> next();
    /// Bytes of a frame that has begun; 0 between frames.
    std::size_t pending() const { return buffer_.size() - start_; }
    /// What it takes of memory.
    std::size_t capacity() const { return buffer_.capacity(); }

  private:
    void compact();

    std::uint32_t limit_;
    std::string buffer_;
    std::size_t start_ = 0;
};

}  // namespace gatehouse::base
