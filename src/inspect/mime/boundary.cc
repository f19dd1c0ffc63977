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

bool has_blanks(std::string_view text) {
    return std::ranges::any_of(text, base::is_blank);
}

/// What is left without blanks, at most `limit` bytes; `read` says how many bytes were looked at.
std::string take_out_blanks(std::string_view text, std::size_t limit, std::size_t& read) {
    std::string out;
    for (read = 0; read < text.size() && out.size() < limit; ++read) {
        if (!base::is_blank(text[read])) out += text[read];
    }
    return out;
}

}  // namespace

BoundaryStack::Key BoundaryStack::make_key(Form form, std::string text) const {
    Key key;
    key.hash = hash_of(text);
    key.longest = std::max(text.size(), open_.empty() ? 0 : open_.back().keys[form].longest);
    key.text = std::move(text);
    return key;
}

void BoundaryStack::add_to_table(Form form, Key& key) {
    Table& table = tables_[form];
    const auto [at, fresh] = table.innermost.try_emplace(key.hash, size());
    if (!fresh) key.older = std::exchange(at->second, size());
    if (table.lengths.size() <= key.text.size()) table.lengths.resize(key.text.size() + 1);
    ++table.lengths[key.text.size()];
}

bool BoundaryStack::push(std::string boundary, std::uint32_t part) {
    Open open;
    open.part = part;
    open.any_blanks = has_blanks(boundary) || (!open_.empty() && open_.back().any_blanks);
    std::size_t read = 0;
    open.keys[without_blanks] = make_key(without_blanks, take_out_blanks(boundary, boundary.size(), read));
    open.keys[exact] = make_key(exact, std::move(boundary));
    const Key& loose = open.keys[without_blanks];
    const std::uint32_t enclosing = find(without_blanks, loose.hash, loose.text);
    const bool reused = enclosing != kNone && !open_[enclosing].closed;
    for (const Form form : {exact, without_blanks}) add_to_table(form, open.keys[form]);
    open_.push_back(std::move(open));
    return !reused;
}

void BoundaryStack::pop_to(std::uint32_t size) {
    while (open_.size() > size) {
        for (const Form form : {exact, without_blanks}) {
            const Key& key = open_.back().keys[form];
            Table& table = tables_[form];
            --table.lengths[key.text.size()];
            // The top of the stack is always the innermost of its hash.
            if (key.older == kNone) {
                table.innermost.erase(key.hash);
            } else {
                table.innermost[key.hash] = key.older;
            }
        }
        open_.pop_back();
    }
}

std::uint32_t BoundaryStack::find(Form form, std::uint64_t hash, std::string_view text) const {
    const auto at = tables_[form].innermost.find(hash);
    if (at == tables_[form].innermost.end()) return kNone;
    std::uint32_t closed = kNone;
    for (std::uint32_t level = at->second; level != kNone; level = open_[level].keys[form].older) {
        if (open_[level].keys[form].text != text) continue;
        if (!open_[level].closed) return level;
        closed = level;  // only the top can be closed, so the walk ends soon
    }
    return closed;
}

BoundaryStack::Scan BoundaryStack::scan(Form form, std::string_view line) {
    const std::vector<std::uint32_t>& lengths = tables_[form].lengths;
    const std::size_t longest = std::min(open_.back().keys[form].longest, line.size());
    const std::size_t text_end = without_trailing_blanks(line).size();
    Scan out;
    std::uint64_t hash = kHashStart;
    for (std::size_t length = 1; length <= longest; ++length) {
        hash = hash_step(hash, line[length - 1]);
        if (lengths[length] == 0) continue;
        const std::uint32_t level = find(form, hash, line.substr(0, length));
        if (level == kNone) continue;
        ++out.candidates;
        const std::string_view tail =
            length < text_end ? line.substr(length, text_end - length) : std::string_view();
        if (!tail.empty() && tail != "--") continue;
        const bool closed = open_[level].closed;
        if (!out.best || out.best->after_close || !closed)
            out.best = Delimiter{level, !tail.empty(), closed, false};
    }
    steps_ += longest;
    return out;
}

/// A boundary with other blanks in it than were declared; of whichever multipart is open, because the inner
/// ones may be over without a word.
std::optional<Delimiter> BoundaryStack::match_loosely(std::string_view line) {
    constexpr std::string_view kClose = "--";
    if (!open_.back().any_blanks && !has_blanks(line)) return std::nullopt;
    std::size_t read = 0;
    // One byte more than the longest delimiter, so that what is longer is seen to go on.
    const std::size_t longest = open_.back().keys[without_blanks].longest + kClose.size() + 1;
    const std::string text = take_out_blanks(line, longest, read);
    steps_ += read;
    auto best = scan(without_blanks, text).best;
    if (!best || (best->close && !line.ends_with(kClose))) return std::nullopt;
    best->loose = true;
    return best;
}

std::optional<Delimiter> BoundaryStack::match(std::string_view rest, bool& near) {
    near = false;
    if (open_.empty()) return std::nullopt;
    const auto [strict, candidates] = scan(exact, rest);
    auto best = strict;
    if (!best && candidates == 0) best = match_loosely(without_trailing_blanks(rest));
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
