#include "act/delivery/dot_stuffing.h"

#include <algorithm>
#include <cstring>

namespace gatehouse::act::delivery {

/// One more run and its dot fit, and so does the end.
bool DotStuffer::has_room() const {
    return count_ + 3 <= kMaxPieces && scratch_used_ + kShort + 1 <= kScratch;
}

/// Bytes up to and with the LF behind which a dot stands; all of `rest` when there is none.
std::size_t DotStuffer::run_length(std::string_view rest) const {
    std::size_t at = 0;
    while (true) {
        at = rest.find('\n', at);
        if (at == std::string_view::npos || ++at == rest.size()) return rest.size();
        if (rest[at] == '.') return at;
    }
}

void DotStuffer::add(std::string_view piece) {
    if (piece.size() >= kShort) {
        pieces_[count_++] = piece;
        return;
    }
    if (!scratch_) scratch_ = std::make_unique_for_overwrite<std::array<char, kScratch>>();
    char* const to = scratch_->data() + scratch_used_;
    std::memcpy(to, piece.data(), piece.size());
    scratch_used_ += piece.size();
    auto* const before = count_ > 0 ? &pieces_[count_ - 1] : nullptr;
    if (before != nullptr && before->data() + before->size() == to) {
        *before = std::string_view(before->data(), before->size() + piece.size());
    } else {
        pieces_[count_++] = std::string_view(to, piece.size());
    }
}

void DotStuffer::finish() {
    pieces_[count_++] = after_crlf_ ? std::string_view(".\r\n") : std::string_view("\r\n.\r\n");
    done_ = true;
}

void DotStuffer::fill() {
    first_ = 0;
    count_ = 0;
    scratch_used_ = 0;
    std::size_t given = 0;
    while (part_ < parts_.size() && has_room() && given < kBatchBytes) {
        auto& rest = parts_.at(part_);
        if (rest.empty()) {
            ++part_;
            continue;
        }
        if (line_start_ && rest.front() == '.') add(".");
        const auto run = rest.substr(0, run_length(rest.substr(0, kBatchBytes - given)));
        add(run);
        given += run.size();
        const char before = run.size() > 1 ? run[run.size() - 2] : last_;
        last_ = run.back();
        line_start_ = last_ == '\n';
        after_crlf_ = line_start_ && before == '\r';
        rest.remove_prefix(run.size());
    }
    const bool all_given = part_ == parts_.size() || (part_ + 1 == parts_.size() && parts_.back().empty());
    if (all_given && has_room()) finish();
}

std::span<const std::string_view> DotStuffer::pieces() {
    if (first_ == count_ && !done_) fill();
    return std::span(pieces_).subspan(first_, count_ - first_);
}

void DotStuffer::written(std::size_t bytes) {
    while (first_ < count_ && bytes > 0) {
        auto& piece = pieces_.at(first_);
        const auto taken = std::min(bytes, piece.size());
        piece.remove_prefix(taken);
        bytes -= taken;
        if (piece.empty()) ++first_;
    }
}

}  // namespace gatehouse::act::delivery
