#include "inspect/engine/inside.h"

#include <fmt/format.h>

#include <algorithm>

#include "inspect/detect/detector.h"
#include "inspect/engine/part_facts.h"

namespace gatehouse::inspect::engine {

namespace {

using message::GapReason;

// Of one container; then one that says so.
constexpr std::uint64_t kMaxGaps = 50;
constexpr std::size_t kMaxName = 255;
// An answer holds ten thousand of them.
constexpr std::size_t kMaxPath = 700;

}  // namespace

Inside::Inside(Opening& opening, const message::Part& row, std::size_t size, Look look)
    : opening_(opening), path_(row.path), type_(row.type), size_(size), look_(std::move(look)) {
    const auto* type = format::find_file_type(type_);
    is_document_ = type != nullptr && type->group == format::FileGroup::document;
}

std::size_t Inside::room() const {
    const auto& limits = opening_.budget.limits();
    const auto held = std::min(opening_.held, limits.max_held);
    return std::min({static_cast<std::uint64_t>(opening_.settings.max_file_size), limits.max_held - held,
                     limits.max_decoded - opening_.budget.decoded()});
}

std::size_t Inside::max_members() const {
    return static_cast<std::size_t>(is_document_ ? open::kMaxFilesOfDocument : opening_.settings.max_files);
}

bool Inside::is_bomb() const {
    const auto ratio = static_cast<std::uint64_t>(
        is_document_ ? std::max(open::kMaxRatioOfDocument, opening_.settings.max_ratio)
                     : opening_.settings.max_ratio);
    return produced_ > static_cast<std::uint64_t>(open::kNoBomb) && produced_ / ratio > size_;
}

bool Inside::on_member(const open::Member& member) {
    if (!opening_.budget.take_part()) {
        on_gap("", GapReason::too_many, "there are more parts than the limit");
        return false;
    }
    produced_ += member.bytes.size();
    opening_.held += member.bytes.size();
    const bool has_room = opening_.budget.take_decoded(member.bytes.size());
    message::Part row;
    row.path = path_of(member.name.empty() ? "content" : member.name);
    row.name = tidy_name(
        member.name.substr(std::min(member.name.size(), member.name.find_last_of("/\\") + 1)), kMaxName);
    row.attachment = true;
    look_(std::move(row), member);
    opening_.held -= member.bytes.size();
    if (is_bomb()) {
        on_gap("", GapReason::too_large,
               "this archive unpacks to far more than its size; the rest was not unpacked");
        return false;
    }
    if (!has_room || opening_.budget.decoded() >= opening_.budget.limits().max_decoded) {
        on_gap("", GapReason::too_large, "this message unpacks to more than the limit");
        return false;
    }
    return true;
}

void Inside::on_gap(std::string_view member, GapReason reason, std::string_view text) {
    if (++gaps_ > kMaxGaps) return;
    if (gaps_ == kMaxGaps) {
        opening_.facts.coverage.gaps.push_back(
            {path_, reason, "more in this archive was not inspected; the rest is not listed", type_});
        return;
    }
    opening_.facts.coverage.gaps.push_back(
        {member.empty() ? path_ : path_of(member), reason, std::string(text), type_});
}

void Inside::on_evidence(const base::EvidenceInfo& info, std::string_view where, std::string text) {
    opening_.facts.evidence.push_back(
        detect::make_evidence(info, where.empty() ? path_ : path_of(where), std::move(text)));
}

void Inside::on_link(std::string_view url, std::string_view where) {
    opening_.link(url, where.empty() ? path_ : path_of(where));
}

std::string Inside::path_of(std::string_view member) const {
    auto path = member_path(path_, member);
    if (path.size() > kMaxPath)
        path = std::string(path.substr(0, path_.find('/'))) + "/.../" + path.substr(path.size() - 300);
    return path;
}

}  // namespace gatehouse::inspect::engine
