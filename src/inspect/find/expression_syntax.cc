#include "inspect/find/expression_syntax.h"

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "message/charset.h"

namespace gatehouse::inspect::find {

namespace {

/// What one step over a pattern has met.
struct Piece {
    enum class Kind { other, boundary, alternative, open, close, start_flags } kind = Kind::other;
    std::string_view text;
};

std::size_t end_of_class(std::string_view pattern, std::size_t at) {
    std::size_t i = at + 1;
    if (i < pattern.size() && pattern[i] == '^') ++i;
    if (i < pattern.size() && pattern[i] == ']') ++i;
    for (; i < pattern.size(); ++i) {
        if (pattern[i] == '\\') {
            ++i;
        } else if (pattern.substr(i).starts_with("[:")) {
            const auto close = pattern.find(":]", i);
            if (close != std::string_view::npos) i = close + 1;
        } else if (pattern[i] == ']') {
            return i + 1;
        }
    }
    return pattern.size();
}

/// "(?i)" and its like, which stand for no text.
std::size_t end_of_flags(std::string_view pattern, std::size_t at) {
    if (!pattern.substr(at).starts_with("(?")) return 0;
    std::size_t i = at + 2;
    while (i < pattern.size() && (base::is_alnum(pattern[i]) || pattern[i] == '-')) ++i;
    return i < pattern.size() && pattern[i] == ')' ? i + 1 : 0;
}

Piece next_piece(std::string_view pattern, std::size_t at) {
    const auto piece = [&](Piece::Kind kind, std::size_t size) {
        return Piece{kind, pattern.substr(at, size)};
    };
    switch (pattern[at]) {
        case '\\':
            if (pattern.substr(at).starts_with("\\Q")) {
                const auto close = pattern.find("\\E", at + 2);
                return piece(Piece::Kind::other,
                             close == std::string_view::npos ? pattern.size() : close + 2 - at);
            }
            return piece(pattern.substr(at).starts_with("\\b") || pattern.substr(at).starts_with("\\B")
                             ? Piece::Kind::boundary
                             : Piece::Kind::other,
                         2);
        case '[':
            return piece(Piece::Kind::other, end_of_class(pattern, at) - at);
        case '(':
            if (const auto end = end_of_flags(pattern, at); end != 0)
                return piece(Piece::Kind::start_flags, end - at);
            return piece(Piece::Kind::open, 1);
        case ')':
            return piece(Piece::Kind::close, 1);
        case '|':
            return piece(Piece::Kind::alternative, 1);
        default:
            return piece(Piece::Kind::other, 1);
    }
}

std::vector<Piece> pieces_of(std::string_view pattern) {
    std::vector<Piece> out;
    for (std::size_t at = 0; at < pattern.size();) {
        out.push_back(next_piece(pattern, at));
        at += out.back().text.size();
    }
    return out;
}

/// The outermost alternatives; what flags the pattern begins with stands before each.
struct Alternatives {
    std::string_view flags;
    std::vector<std::vector<Piece>> pieces;
    bool has_flags_inside = false;
};

Alternatives alternatives_of(std::string_view pattern) {
    Alternatives out;
    out.pieces.emplace_back();
    int depth = 0;
    for (const auto& piece : pieces_of(pattern)) {
        if (piece.kind == Piece::Kind::start_flags && piece.text.data() == pattern.data()) {
            out.flags = piece.text;
            continue;
        }
        out.has_flags_inside |= piece.kind == Piece::Kind::start_flags;
        if (piece.kind == Piece::Kind::open) ++depth;
        if (piece.kind == Piece::Kind::close) --depth;
        if (piece.kind == Piece::Kind::alternative && depth == 0)
            out.pieces.emplace_back();
        else
            out.pieces.back().push_back(piece);
    }
    return out;
}

bool is_word_boundary(const Piece& piece) {
    return piece.kind == Piece::Kind::boundary && piece.text == "\\b";
}

/// Characters when these pieces stand for exactly themselves, else 0.
std::uint32_t literal_length(const std::vector<Piece>& pieces) {
    std::uint32_t length = 0;
    for (const auto& piece : pieces) {
        if (piece.kind != Piece::Kind::other) return 0;
        const char c = piece.text.front();
        if (c == '\\' && (piece.text.size() != 2 || base::is_alnum(piece.text[1]) ||
                          static_cast<unsigned char>(piece.text[1]) >= 0x80))
            return 0;
        if (c != '\\' && std::string_view("[].*+?{}^$").contains(c)) return 0;
        length += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }
    return length;
}

ExpressionForm form_of(std::vector<Piece> pieces, std::string_view flags) {
    ExpressionForm form;
    bool has_first = false;
    if (pieces.size() > 1 && is_word_boundary(pieces.front())) {
        has_first = true;
        pieces.erase(pieces.begin());
    }
    if (pieces.size() > 1 && is_word_boundary(pieces.back())) {
        form.ends_word = true;
        pieces.pop_back();
    }
    form.literal = literal_length(pieces);
    form.begins_word = has_first && form.literal != 0;
    std::string text;
    for (const auto& piece : pieces) {
        text += piece.text;
        form.is_unicode &= piece.kind != Piece::Kind::boundary;
    }
    form.pattern = flags;
    if (has_first && !form.begins_word) {
        const bool is_plain = base::is_ascii(text);
        form.is_unicode &= !is_plain;
        form.pattern += is_plain || !form.is_unicode ? "\\b" : "(?:^|\\W)";
    }
    form.pattern += text;
    return form;
}

}  // namespace

std::vector<ExpressionForm> forms_of(std::string_view pattern) {
    auto alternatives = alternatives_of(pattern);
    const bool has_boundary = std::ranges::any_of(alternatives.pieces, [](const auto& pieces) {
        return std::ranges::any_of(pieces, [](const auto& one) { return one.kind == Piece::Kind::boundary; });
    });
    const bool is_one = alternatives.pieces.size() == 1;
    if (alternatives.has_flags_inside || (!has_boundary && !is_one))
        return {{std::string(pattern), !has_boundary, false, false, 0}};
    std::vector<ExpressionForm> out;
    for (auto& pieces : alternatives.pieces) out.push_back(form_of(std::move(pieces), alternatives.flags));
    return out;
}

std::size_t step_back(std::string_view utf8, std::size_t at, std::uint32_t count) {
    while (count > 0 && at > 0) {
        --at;
        if ((static_cast<unsigned char>(utf8[at]) & 0xC0) != 0x80) --count;
    }
    return at;
}

bool is_word_edge(std::string_view utf8, std::size_t at) {
    const bool before = at > 0 && message::is_word_character(utf8, step_back(utf8, at, 1));
    const bool after = at < utf8.size() && message::is_word_character(utf8, at);
    return before != after;
}

}  // namespace gatehouse::inspect::find
