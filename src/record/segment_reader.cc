#include "record/segment_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "record/journal_format.h"

namespace gatehouse::record {
namespace {

using base::Fault;

constexpr std::size_t kWindow = 1U << 20;

}  // namespace

base::Result<SegmentReader> SegmentReader::open(const std::string& path) {
    base::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) {
        return base::fail_errno(errno == ENOENT ? Fault::not_found : Fault::unavailable,
                                fmt::format("cannot open {}", path), errno);
    }
    std::string header(kSegmentHeaderBytes, '\0');
    const ssize_t got = ::pread(file.get(), header.data(), header.size(), 0);
    if (got < 0) return base::fail_errno(Fault::unavailable, fmt::format("cannot read {}", path), errno);
    header.resize(static_cast<std::size_t>(got));
    const auto segment = parse_segment_header(header);
    if (!segment) return base::fail(segment.error().fault, "{}: {}", path, segment.error().sentence);
    SegmentReader reader(std::move(file), *segment);
    reader.seek(kSegmentHeaderBytes);
    return reader;
}

void SegmentReader::seek(std::uint64_t offset) {
    offset_ = std::max<std::uint64_t>(offset, kSegmentHeaderBytes);
    window_.clear();
    used_ = 0;
}

base::Result<std::uint64_t> SegmentReader::size() const {
    struct stat status{};
    if (::fstat(file_.get(), &status) != 0) {
        return base::fail_errno(Fault::unavailable, "cannot look at a journal segment", errno);
    }
    return static_cast<std::uint64_t>(status.st_size);
}

base::Result<void> SegmentReader::fill(std::size_t wanted, std::uint64_t until) {
    window_.erase(0, used_);
    used_ = 0;
    const std::uint64_t left = until - offset_;
    const auto target = static_cast<std::size_t>(std::min<std::uint64_t>(std::max(wanted, kWindow), left));
    std::size_t have = window_.size();
    if (have >= target) return {};
    window_.resize(target);
    while (have < target) {
        const ssize_t got =
            ::pread(file_.get(), window_.data() + have, target - have, static_cast<off_t>(offset_ + have));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return base::fail_errno(Fault::unavailable, "cannot read a journal segment", errno);
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    window_.resize(have);
    return {};
}

base::Result<std::optional<JournalEntry>> SegmentReader::next(std::uint64_t until) {
    std::size_t wanted = kFrameHeaderBytes;
    while (offset_ < until) {
        auto window = std::string_view(window_).substr(used_);
        if (window.size() < wanted && offset_ + window.size() < until) {
            GATEHOUSE_CHECK(fill(wanted, until));
            window = window_;
            // The file may be shorter than it was said to be: then its end is where reading ended.
            if (window.size() < wanted) until = offset_ + window.size();
        }
        if (window.empty()) break;
        if (window.size() > until - offset_)
            window = window.substr(0, static_cast<std::size_t>(until - offset_));
        const auto step = next_step(window, segment_, offset_ + window.size() >= until);
        if (step.step == StepKind::torn) break;
        if (step.step == StepKind::need_more) {
            wanted = step.size;
            continue;
        }
        offset_ += step.size;
        used_ += step.size;
        wanted = kFrameHeaderBytes;
        if (step.step == StepKind::frame) return JournalEntry{step.kind, step.payload};
        ++damaged_frames_;
    }
    return std::nullopt;
}

}  // namespace gatehouse::record
