// Reads the frames of one segment file, in order, with a window of about 1 MiB (more for a larger frame).
// Used by the journal when it opens and by the loader. One thread. A live segment is read only up to the
// position that the journal has acknowledged, so a frame half written is never seen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace gatehouse::record {

struct JournalEntry {
    std::uint32_t kind = 0;
    std::string_view payload;  ///< until the next call
};

class SegmentReader {
  public:
    /// Checks the header; faults as parse_segment_header, not_found when there is no such file.
    static base::Result<SegmentReader> open(const std::string& path);

    /// Goes on at `offset`, which a reader has named before.
    void seek(std::uint64_t offset);
    /// The next frame that ends at or before `until`; nullopt = no more, or only what cannot be read.
    base::Result<std::optional<JournalEntry>> next(std::uint64_t until);

    std::uint32_t segment() const { return segment_; }
    /// Behind the last frame that was given out or skipped.
    std::uint64_t offset() const { return offset_; }
    /// Size of the file now.
    base::Result<std::uint64_t> size() const;
    std::uint64_t damaged_frames() const { return damaged_frames_; }

  private:
    SegmentReader(base::Fd file, std::uint32_t segment) : file_(std::move(file)), segment_(segment) {}
    base::Result<void> fill(std::size_t wanted, std::uint64_t until);

    base::Fd file_;
    std::uint32_t segment_ = 0;
    std::uint64_t offset_ = 0;
    std::string window_;  // the file from offset_ - used_ on
    std::size_t used_ = 0;
    std::uint64_t damaged_frames_ = 0;
};

}  // namespace gatehouse::record
