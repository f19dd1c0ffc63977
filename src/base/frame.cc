#include "base/frame.h"

namespace gatehouse::base {
namespace {

constexpr std::size_t kHeaderSize = 4;
constexpr std::size_t kKeep = 64 * 1024;  // capacity that an empty buffer keeps

}  // namespace

std::string frame_header(std::size_t payload_size) {
    std::string out(kHeaderSize, '\0');
    for (std::size_t i = 0; i < kHeaderSize; ++i)
        out[i] = static_cast<char>((payload_size >> (8 * i)) & 0xFF);
    return out;
}

Result<std::optional<std::string>> FrameBuffer::next() {
    if (pending() < kHeaderSize) return std::nullopt;
    std::uint32_t length = 0;
    for (std::size_t i = 0; i < kHeaderSize; ++i) {
        length |= static_cast<std::uint32_t>(static_cast<unsigned char>(buffer_[start_ + i])) << (8 * i);
    }
    if (length > limit_)
        return fail(Fault::limit, "a frame of {} bytes is above the limit of {}", length, limit_);
    if (pending() < kHeaderSize + length) return std::nullopt;
    std::string payload = buffer_.substr(start_ + kHeaderSize, length);
    start_ += kHeaderSize + length;
    compact();
    return payload;
}

/// Drops what was taken once it is at least as much as what is left, so each byte is moved once at most.
void FrameBuffer::compact() {
    if (start_ < pending()) return;
    buffer_.erase(0, start_);
    start_ = 0;
    if (buffer_.capacity() > kKeep && buffer_.size() <= kKeep / 4) buffer_.shrink_to_fit();
}

}  // namespace gatehouse::base
