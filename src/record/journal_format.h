// The bytes of a journal segment. Pure: no file, no clock. Used by the journal (writing), the segment reader
// and the fuzz target. A segment is a header of 32 bytes and then frames:
//
//   header: "GHJOURNL", u32 format, u32 zero, u32 segment number, u32 zero, u64 checksum of what stands
//   before frame:  u32 length of the payload, u32 kind, u64 checksum, payload
//
// all little-endian. A frame's checksum is seeded with the segment's number, so that a frame of another file
// never passes for one of this. What is read here is treated as hostile.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gatehouse::record {

inline constexpr std::uint32_t kJournalFormat = 1;
inline constexpr std::size_t kSegmentHeaderBytes = 32;
inline constexpr std::size_t kFrameHeaderBytes = 16;
inline constexpr std::size_t kMaxPayload = 32U << 20;

/// What a frame holds. Numbers are final; the loader skips those it does not know, with a log line.
enum class FrameKind : std::uint32_t {
    message = 1,            ///< a message::Record (record_store.h)
    ledger_checkpoint = 2,  ///< kept for the door's signed checkpoints
};

std::string make_segment_header(std::uint32_t segment);
/// The segment's number. Fault::refused = a newer format, malformed = no journal segment or a damaged header.
base::Result<std::uint32_t> parse_segment_header(std::string_view bytes);

std::string make_frame(std::uint32_t segment, std::uint32_t kind, std::string_view payload);

enum class StepKind {
    frame,      ///< `kind` and `payload` are set
    skip,       ///< a damaged frame with a good one behind it
    need_more,  ///< give at least `size` bytes from the same place
    torn,       ///< nothing can be read from here on
};

struct JournalStep {
    StepKind step = StepKind::torn;
    std::uint32_t kind = 0;
    std::string_view payload;  ///< points into the window
    std::size_t size = 0;      ///< bytes to go on by; for need_more, bytes wanted
};

/// What stands at the beginning of `window`, which is not empty. `at_end` = the file ends where the window
/// ends.
JournalStep next_step(std::string_view window, std::uint32_t segment, bool at_end);

}  // namespace gatehouse::record
