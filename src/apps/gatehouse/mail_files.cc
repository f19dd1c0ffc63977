#include "apps/gatehouse/mail_files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "base/fd.h"
#include "base/text.h"

namespace gatehouse::apps {

using base::Fault;
using base::Result;

namespace {

namespace fs = std::filesystem;
constexpr std::size_t kLargestMbox = 4ULL << 30;

Result<std::string> read_standard_input(std::size_t limit) {
    std::string out;
    std::array<char, 65536> block{};
    while (true) {
        const ssize_t got = ::read(STDIN_FILENO, block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return base::fail_errno(Fault::unavailable, "cannot read standard input", errno);
        if (got == 0) return out;
        out.append(block.data(), static_cast<std::size_t>(got));
        if (out.size() > limit)
            return base::fail(Fault::limit, "standard input is larger than {} bytes", limit);
    }
}

/// An mbox begins with "From " and has another such line behind an empty one; a single message may begin so,
/// too.
std::size_t next_separator(std::string_view text, std::size_t from) {
    for (auto at = text.find("\nFrom ", from); at != std::string_view::npos;
         at = text.find("\nFrom ", at + 1)) {
        const bool after_blank =
            at > 0 && (text[at - 1] == '\n' || (at > 1 && text[at - 1] == '\r' && text[at - 2] == '\n'));
        const auto line_end = text.find('\n', at + 1);
        const auto line =
            text.substr(at + 1, line_end == std::string_view::npos ? line_end : line_end - at - 1);
        if (after_blank && line.find(':') != std::string_view::npos) return at + 1;
    }
    return std::string_view::npos;
}

}  // namespace

MailFiles::MailFiles(std::vector<std::string> paths) : paths_(std::move(paths)) {}

std::vector<base::Error> MailFiles::find() {
    std::vector<base::Error> problems;
    for (const auto& path : paths_) {
        std::error_code error;
        const auto status = fs::status(path, error);
        if (path == "-" || fs::is_regular_file(status)) {
            found_.push_back(path);
            continue;
        }
        if (!fs::is_directory(status)) {
            const std::string why = status.type() == fs::file_type::not_found ? "does not exist"
                                    : error ? "cannot be looked at: " + error.message()
                                            : "is neither a file nor a folder";
            problems.push_back({Fault::not_found, base::printable(path, 512) + " " + why});
            continue;
        }
        std::vector<std::string> below;
        for (fs::recursive_directory_iterator at(path, fs::directory_options::skip_permission_denied, error),
             end;
             at != end; at.increment(error)) {
            if (at->is_regular_file(error)) below.push_back(at->path().string());
        }
        if (error) {
            problems.push_back(
                {Fault::unavailable, fmt::format("{}: {}", base::printable(path, 512), error.message())});
        }
        std::sort(below.begin(), below.end());
        found_.insert(found_.end(), below.begin(), below.end());
    }
    return problems;
}

void MailFiles::take_of_mbox(MailFile& into) {
    const auto end = next_separator(mbox_, mbox_at_);
    const auto length = end == std::string::npos ? std::string::npos : end - mbox_at_;
    ++mbox_count_;
    into.name = mbox_count_ == 1 && end == std::string::npos ? mbox_name_
                                                             : fmt::format("{}#{}", mbox_name_, mbox_count_);
    into.bytes = mbox_.substr(mbox_at_, length);
    mbox_at_ = end == std::string::npos ? mbox_.size() : end;
    if (mbox_at_ >= mbox_.size()) mbox_.clear();
}

Result<bool> MailFiles::next(MailFile& into) {
    if (!mbox_.empty()) {
        take_of_mbox(into);
        return true;
    }
    if (next_ >= found_.size()) return false;
    const std::string path = found_[next_++];
    auto bytes = path == "-" ? read_standard_input(kLargestMbox) : base::read_file(path, kLargestMbox);
    if (!bytes) return std::unexpected(bytes.error());
    if (bytes->starts_with("From ")) {
        mbox_name_ = path;
        mbox_ = std::move(*bytes);
        mbox_at_ = mbox_count_ = 0;
        take_of_mbox(into);
        return true;
    }
    into = {path, std::move(*bytes)};
    return true;
}

}  // namespace gatehouse::apps
