#include "record/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "record/segment_reader.h"

namespace gatehouse::record {
namespace {

using base::fail;
using base::fail_errno;
using base::Fault;
using base::LogLevel;

constexpr mode_t kFileMode = 0660;
constexpr unsigned kFolderMode = 02770;
constexpr std::size_t kDigits = 10;
constexpr std::string_view kEnding = ".log";
constexpr std::size_t kMaxRetired = 4;
constexpr std::chrono::milliseconds kTryEvery{100};
constexpr std::size_t kTryBytes = 4096;
// What is kept free for mail that was taken before the bound came near.
constexpr std::uint64_t kHeadroom = 16U << 20;
constexpr std::uint64_t kPartOfAll = 16;

std::optional<std::uint32_t> number_of(std::string_view name) {
    if (name.size() != kDigits + kEnding.size() || !name.ends_with(kEnding)) return std::nullopt;
    const auto number = base::parse_unsigned(name.substr(0, kDigits));
    if (!number || *number == 0 || *number >= UINT32_MAX) return std::nullopt;
    return static_cast<std::uint32_t>(*number);
}

}  // namespace

std::string Journal::path_of(std::uint32_t segment) const {
    return fmt::format("{}/{:0{}}{}", options_.folder, segment, kDigits, kEnding);
}

base::Result<std::unique_ptr<Journal>> Journal::open(const JournalOptions& options) {
    GATEHOUSE_CHECK(base::make_folders(options.folder, kFolderMode));
    GATEHOUSE_TRY(auto hold, store::Hold::take(options.folder + "/lock", options.who));
    auto journal = std::unique_ptr<Journal>(new Journal(options, std::move(hold)));
    GATEHOUSE_CHECK(journal->adopt_old_segments());
    const auto last = journal->old_segments_.empty() ? 0U : journal->old_segments_.rbegin()->first;
    GATEHOUSE_CHECK(journal->begin_segment(std::max(last + 1, options.first_segment)));
    return journal;
}

base::Result<void> Journal::adopt_old_segments() {
    GATEHOUSE_TRY(const auto names, base::list_folder(options_.folder));
    std::vector<std::pair<std::uint32_t, std::string>> found;
    for (const auto& name : names) {
        if (const auto number = number_of(name)) found.emplace_back(*number, name);
    }
    for (const auto& [number, name] : found) {
        GATEHOUSE_CHECK(adopt(name, number, number == found.back().first));
    }
    return {};
}

base::Result<void> Journal::adopt(const std::string& name, std::uint32_t number, bool is_last) {
    const std::string path = options_.folder + "/" + name;
    auto reader = SegmentReader::open(path);
    if (!reader && reader.error().fault != Fault::malformed) return std::unexpected(reader.error());
    if (!reader || reader->segment() != number) {
        std::error_code error;
        if (std::filesystem::file_size(path, error) <= kSegmentHeaderBytes) {
            std::filesystem::remove(path, error);  // we died between making it and its first entry
            return {};
        }
        std::filesystem::rename(path, path + ".damaged", error);
        base::log(LogLevel::error, "journal: {} is unreadable; set aside as {}.damaged", path, name);
        return {};
    }
    GATEHOUSE_TRY(auto size, reader->size());
    if (is_last) {  // only this one can have been written when we died; the loader copes with all others
        while (true) {
            GATEHOUSE_TRY(const auto entry, reader->next(size));
            if (!entry) break;
        }
        if (reader->offset() < size) {
            base::log(LogLevel::warning, "journal: cut {} bytes of an entry that was never finished off {}",
                      size - reader->offset(), path);
            if (::truncate(path.c_str(), static_cast<off_t>(reader->offset())) != 0) {
                return fail_errno(Fault::unavailable, fmt::format("cannot cut {}", path), errno);
            }
            size = reader->offset();
        }
    }
    old_segments_[number] = size;
    counters_.stored_bytes += size;
    return {};
}

base::Result<void> Journal::begin_segment(std::uint32_t number) {
    const auto path = path_of(number);
    base::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, kFileMode));
    if (!file) return fail_errno(Fault::unavailable, fmt::format("cannot make {}", path), errno);
    if (auto written = base::write_all(file.get(), make_segment_header(number)); !written) {
        ::unlink(path.c_str());
        return fail(Fault::unavailable, "cannot begin {}: {}", path, written.error().sentence);
    }
    if (file_) {
        old_segments_[end_.segment] = end_.offset;
        // With a loader that syncs every second there is at most one; without any they must not pile up.
        if (retired_.size() >= kMaxRetired) retired_.erase(retired_.begin());
        retired_.push_back(std::move(file_));
    }
    file_ = std::move(file);
    end_ = {number, kSegmentHeaderBytes};
    counters_.stored_bytes += kSegmentHeaderBytes;
    broken_ = false;
    unsynced_ = true;
    folder_unsynced_ = true;
    return {};
}

base::Result<void> Journal::make_room(std::size_t bytes) {
    if (counters_.stored_bytes + bytes > options_.max_bytes) {
        return fail(Fault::limit, "the journal holds {} bytes that are not loaded yet",
                    counters_.stored_bytes);
    }
    const bool is_full = end_.offset > kSegmentHeaderBytes && end_.offset + bytes > options_.segment_bytes;
    if (broken_ || is_full) return begin_segment(end_.segment + 1);
    return {};
}

base::Result<void> Journal::write_frame(std::string_view frame) {
    ssize_t written = -1;
    do {
        written = ::write(file_.get(), frame.data(), frame.size());
    } while (written < 0 && errno == EINTR);
    if (written == static_cast<ssize_t>(frame.size())) return {};
    const int reason = written < 0 ? errno : ENOSPC;
    // What was written in part must not stand before the next entry.
    if (written > 0 && ::ftruncate(file_.get(), static_cast<off_t>(end_.offset)) != 0) broken_ = true;
    return fail_errno(Fault::unavailable, "the journal cannot be written", reason);
}

base::Result<void> Journal::append(FrameKind kind, std::string_view payload) {
    const std::lock_guard lock(mutex_);
    auto done = append_locked(kind, payload);
    if (!done) ++counters_.failures;
    const bool is_too_large = payload.size() > kMaxPayload;  // that says nothing of the next one
    if (!is_too_large) set_writable(done && has_room());
    return done;
}

bool Journal::has_room() const {
    const auto headroom = std::min(kHeadroom, options_.max_bytes / kPartOfAll);
    return counters_.stored_bytes + headroom <= options_.max_bytes;
}

void Journal::set_writable(bool is_writable) {
    if (is_writable_.exchange(is_writable) == is_writable) return;
    if (is_writable) return base::log(LogLevel::info, "journal: can be written again");
    base::log(LogLevel::error, "journal: cannot be written; mail is turned away until it can");
}

/// Writes a little behind the end and takes it back, as a failed append is taken back.
base::Result<void> Journal::try_to_write() {
    GATEHOUSE_CHECK(make_room(kTryBytes));
    const std::string nothing(kTryBytes, '\0');
    GATEHOUSE_CHECK(write_frame(nothing));
    if (::ftruncate(file_.get(), static_cast<off_t>(end_.offset)) == 0) return {};
    broken_ = true;
    return fail_errno(Fault::unavailable, "the journal cannot be cut", errno);
}

bool Journal::is_writable() {
    if (is_writable_.load(std::memory_order_relaxed)) return true;
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (now - tried_at_ < kTryEvery) return is_writable_;
    tried_at_ = now;
    set_writable(has_room() && try_to_write());
    return is_writable_;
}

base::Result<void> Journal::append_locked(FrameKind kind, std::string_view payload) {
    if (payload.size() > kMaxPayload) {
        return fail(Fault::limit, "a journal entry of {} bytes is too large", payload.size());
    }
    GATEHOUSE_CHECK(make_room(kFrameHeaderBytes + payload.size()));
    const auto frame = make_frame(end_.segment, static_cast<std::uint32_t>(kind), payload);
    GATEHOUSE_CHECK(write_frame(frame));
    end_.offset += frame.size();
    counters_.stored_bytes += frame.size();
    counters_.bytes += frame.size();
    ++counters_.entries;
    unsynced_ = true;
    return {};
}

base::Result<void> Journal::sync() {
    std::vector<base::Fd> files;
    bool with_folder = false;
    {
        const std::lock_guard lock(mutex_);
        if (!unsynced_) return {};
        files.swap(retired_);
        GATEHOUSE_TRY(auto current, file_.duplicate());
        files.push_back(std::move(current));
        with_folder = std::exchange(folder_unsynced_, false);
        unsynced_ = false;
    }
    for (const auto& file : files) {
        if (::fdatasync(file.get()) != 0) {
            const int reason = errno;
            const std::lock_guard lock(mutex_);
            unsynced_ = true;
            folder_unsynced_ = folder_unsynced_ || with_folder;
            return fail_errno(Fault::unavailable, "the journal cannot be synced", reason);
        }
    }
    if (!with_folder) return {};
    auto done = base::sync_folder(options_.folder);
    if (!done) {
        const std::lock_guard lock(mutex_);
        unsynced_ = true;
        folder_unsynced_ = true;
    }
    return done;
}

JournalPosition Journal::end() const {
    const std::lock_guard lock(mutex_);
    return end_;
}

std::vector<std::uint32_t> Journal::segments() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::uint32_t> out;
    out.reserve(old_segments_.size() + 1);
    for (const auto& [number, size] : old_segments_) out.push_back(number);
    out.push_back(end_.segment);
    return out;
}

base::Result<void> Journal::remove_before(std::uint32_t segment) {
    const std::lock_guard lock(mutex_);
    while (!old_segments_.empty() && old_segments_.begin()->first < segment) {
        const auto [number, size] = *old_segments_.begin();
        if (::unlink(path_of(number).c_str()) != 0 && errno != ENOENT) {
            return fail_errno(Fault::unavailable, fmt::format("cannot delete {}", path_of(number)), errno);
        }
        counters_.stored_bytes -= size;
        old_segments_.erase(old_segments_.begin());
    }
    return {};
}

base::Result<void> Journal::remove_all() {
    const auto last = end().segment;
    GATEHOUSE_CHECK(remove_before(last));
    const std::lock_guard lock(mutex_);
    file_.reset();
    if (::unlink(path_of(last).c_str()) != 0) {
        return fail_errno(Fault::unavailable, fmt::format("cannot delete {}", path_of(last)), errno);
    }
    return {};
}

JournalCounters Journal::counters() const {
    const std::lock_guard lock(mutex_);
    auto out = counters_;
    out.segments = old_segments_.size() + 1;
    return out;
}

std::uint64_t Journal::bytes_after(JournalPosition position) const {
    const std::lock_guard lock(mutex_);
    std::uint64_t sum = 0;
    const auto add = [&](std::uint32_t number, std::uint64_t size) {
        if (number < position.segment) return;
        const auto from = number == position.segment ? position.offset : std::uint64_t{kSegmentHeaderBytes};
        if (size > from) sum += size - from;
    };
    for (const auto& [number, size] : old_segments_) add(number, size);
    add(end_.segment, end_.offset);
    return sum;
}

}  // namespace gatehouse::record
