#include "record/journal_format.h"

#include "base/digest.h"

namespace gatehouse::record {
namespace {

using base::fail;
using base::Fault;

constexpr std::string_view kMagic = "GHJOURNL";
constexpr std::size_t kChecksumAt = 8;  // in a frame

template <typename T>
void put(std::string& to, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) to += static_cast<char>((value >> (8 * i)) & 0xFF);
}

template <typename T>
T get(std::string_view from, std::size_t at) {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        value |= static_cast<T>(static_cast<T>(static_cast<unsigned char>(from[at + i])) << (8 * i));
    }
    return value;
}

/// Length, kind and segment are mixed into the payload's checksum, so the payload is read once and copied
/// never.
std::uint64_t frame_checksum(std::uint32_t segment, std::uint32_t kind, std::string_view payload) {
    std::string head;
    put(head, segment);
    put(head, kind);
    put(head, static_cast<std::uint64_t>(payload.size()));
    put(head, base::checksum64(payload));
    return base::checksum64(head);
}

enum class FrameState { whole, incomplete, damaged };

struct FrameView {
    FrameState state = FrameState::damaged;
    std::uint32_t kind = 0;
    std::string_view payload;
    std::size_t size = 0;  // of the whole frame; 0 = its length is senseless
};

FrameView read_frame(std::string_view bytes, std::uint32_t segment) {
    if (bytes.size() < kFrameHeaderBytes) return {FrameState::incomplete, 0, {}, kFrameHeaderBytes};
    const auto length = get<std::uint32_t>(bytes, 0);
    if (length > kMaxPayload) return {};
    FrameView frame{FrameState::incomplete, get<std::uint32_t>(bytes, 4), {}, kFrameHeaderBytes + length};
    if (bytes.size() < frame.size) return frame;
    frame.payload = bytes.substr(kFrameHeaderBytes, length);
    const bool good =
        get<std::uint64_t>(bytes, kChecksumAt) == frame_checksum(segment, frame.kind, frame.payload);
    frame.state = good ? FrameState::whole : FrameState::damaged;
    return frame;
}

}  // namespace

std::string make_segment_header(std::uint32_t segment) {
    std::string out(kMagic);
    put(out, kJournalFormat);
    put(out, std::uint32_t{0});
    put(out, segment);
    put(out, std::uint32_t{0});
    put(out, base::checksum64(out));
    return out;
}

base::Result<std::uint32_t> parse_segment_header(std::string_view bytes) {
    if (bytes.size() < kSegmentHeaderBytes || !bytes.starts_with(kMagic)) {
        return fail(Fault::malformed, "this is no journal segment");
    }
    // The format comes first: a newer one may lay out the rest in another way.
    const auto format = get<std::uint32_t>(bytes, 8);
    if (format > kJournalFormat) {
        return fail(
            Fault::refused,
            "the journal has format {}, but this Gatehouse knows formats up to {}: start the newer Gatehouse "
            "that wrote it once more, it empties the journal when it stops",
            format, kJournalFormat);
    }
    if (format == 0 || get<std::uint64_t>(bytes, 24) != base::checksum64(bytes.substr(0, 24))) {
        return fail(Fault::malformed, "the header of this journal segment is damaged");
    }
    return get<std::uint32_t>(bytes, 16);
}

std::string make_frame(std::uint32_t segment, std::uint32_t kind, std::string_view payload) {
    std::string out;
    out.reserve(kFrameHeaderBytes + payload.size());
    put(out, static_cast<std::uint32_t>(payload.size()));
    put(out, kind);
    put(out, frame_checksum(segment, kind, payload));
    out += payload;
    return out;
}

JournalStep next_step(std::string_view window, std::uint32_t segment, bool at_end) {
    const JournalStep torn{};
    const auto frame = read_frame(window, segment);
    switch (frame.state) {
        case FrameState::whole:
            return {StepKind::frame, frame.kind, frame.payload, frame.size};
        case FrameState::incomplete:
            return at_end ? torn : JournalStep{StepKind::need_more, 0, {}, frame.size};
        case FrameState::damaged:
            break;
    }
    if (frame.size == 0) return torn;
    // Damage, or a tail that was torn but padded with zeros? A good frame right behind it tells.
    const auto next = read_frame(window.substr(frame.size), segment);
    if (next.state == FrameState::whole) return {StepKind::skip, 0, {}, frame.size};
    if (next.state == FrameState::incomplete && !at_end) {
        return {StepKind::need_more, 0, {}, frame.size + next.size};
    }
    return torn;
}

}  // namespace gatehouse::record
