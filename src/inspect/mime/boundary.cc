#include "inspect/mime/boundary.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace gatehouse::inspect::mime {

namespace {

// FNV-1a: cheap to extend by one byte. Equal hashes of different boundaries have to be made on purpose; they
// share a chain that is compared byte by byte and is never longer than the nesting limit.
constexpr std::uint64_t kHashStart = 0xCBF29CE484222325ULL;

constexpr std::uint64_t hash_step(std::uint64_t hash, char c) {
    return (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
}

std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = kHashStart;
    for (const char c : text) hash = hash_step(hash, c);
    return hash;
}

std::string_view without_trailing_blanks(std::string_view text) {
    while (!text.empty() && base::is_blank(text.back())) text.remove_suffix(1);
    return text;
}

}  // namespace

bool BoundaryStack::push(std::string boundary, std::uint32_t part) {
    Open open;
    open.hash = hash_of(boundary);
    open.part = part;
    open.longest = std::max(boundary.size(), open_.empty() ? 0 : open_.back().longest);
    const std::uint32_t enclosing = find(open.hash, boundary);
    const bool reused = enclosing != kNone && !open_[enclosing].closed;
    const auto [at, fresh] = innermost_.try_emplace(open.hash, size());
    if (!fresh) open.older = std::exchange(at->second, size());
    if (lengths_.size() <= boundary.size()) lengths_.resize(boundary.size() + 1);
    ++lengths_[boundary.size()];
    open.boundary = std::move(boundary);
    open_.push_back(std::move(open));
    return !reused;
}

void BoundaryStack::pop_to(std::uint32_t size) {
    while (open_.size() > size) {
        const Open& open = open_.back();
        const auto at =
            innermost_.find(open.hash);  // the top of the stack is always the innermost of its hash
        if (open.older == kNone) {
            innermost_.erase(at);
        } else {
            at->second = open.older;
        }
        --lengths_[open.boundary.size()];
        open_.pop_back();
    }
}

std::uint32_t BoundaryStack::find(std::uint64_t hash, std::string_view text) const {
    const auto at = innermost_.find(hash);
    if (at == innermost_.end()) return kNone;
    std::uint32_t closed = kNone;
    for (std::uint32_t level = at->second; level != kNone; level = open_[level].older) {
        if (open_[level].boundary != text) continue;
        if (!open_[level].closed) return level;
        closed = level;  // only the top can be closed, so the walk ends soon
    }
    return closed;
}

std::optional<Delimiter> BoundaryStack::match_loosely(std::string_view rest) {
    constexpr std::size_t kMostExtra = 16;  // blanks that one line may have more, and the closing dashes
    const Open& open = open_.back();
    const std::string_view boundary = open.boundary;
    if (rest.size() > boundary.size() + kMostExtra) return std::nullopt;
    const bool has_blanks = rest.find_first_of(" \t") != std::string_view::npos ||
                            boundary.find_first_of(" \t") != std::string_view::npos;
    if (!has_blanks) return std::nullopt;
    steps_ += rest.size();
    std::size_t matched = 0;
    std::size_t at = 0;
    const auto skip_blanks = [](std::string_view text, std::size_t& from) {
        while (from < text.size() && base::is_blank(text[from])) ++from;
    };
    while (true) {
        skip_blanks(rest, at);
        skip_blanks(boundary, matched);
        if (matched == boundary.size() || at == rest.size() || rest[at] != boundary[matched]) break;
        ++at;
        ++matched;
    }
    const std::string_view tail = rest.substr(at);
    if (matched != boundary.size() || (!tail.empty() && tail != "--")) return std::nullopt;
    const auto level = size() - 1;
    return Delimiter{level, !tail.empty(), open.closed, false, true};
}

std::optional<Delimiter> BoundaryStack::match(std::string_view rest, bool& near) {
    near = false;
    if (open_.empty()) return std::nullopt;
    const std::string_view trimmed = without_trailing_blanks(rest);
    const std::size_t longest = std::min(open_.back().longest, rest.size());
    std::optional<Delimiter> best;
    std::uint32_t candidates = 0;
    std::uint64_t hash = kHashStart;
    for (std::size_t length = 1; length <= longest; ++length) {
        hash = hash_step(hash, rest[length - 1]);
        if (lengths_[length] == 0) continue;
        const std::uint32_t level = find(hash, rest.substr(0, length));
        if (level == kNone) continue;
        ++candidates;
        const std::string_view tail = length < trimmed.size() ? trimmed.substr(length) : std::string_view();
        if (!tail.empty() && tail != "--") continue;
        const bool closed = open_[level].closed;
        if (!best || best->after_close || !closed) best = Delimiter{level, !tail.empty(), closed, false};
    }
    steps_ += longest;
    if (!best && candidates == 0) best = match_loosely(trimmed);
    if (!best) {
        near = candidates > 0;
        return best;
    }
    best->several = candidates > 1;
    Open& open = open_[best->level];
    (best->loose ? open.loose_seen : open.strict_seen) = true;
    best->mixed = open.loose_seen && open.strict_seen;
    return best;
}

}  // namespace gatehouse::inspect::mime
