#include "inspect/mime/parameter.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "inspect/mime/encoded_word.h"
#include "message/charset.h"

namespace gatehouse::inspect::mime {

namespace {

constexpr std::size_t kMostReadings = 8;

/// One "name=value" as written.
struct Written {
    std::string name;
    bool has_value = true;  ///< there was a '='
    std::string value;
    std::vector<std::string> other_readings;
    bool doubtful = false;
};

/// One piece of an RFC 2231 parameter: name*N*=value.
struct Piece {
    std::string name;
    std::optional<std::uint32_t> index;
    bool extended = false;  ///< percent-encoded
    std::string value;
    bool doubtful = false;
    bool used = false;
};

// ---- as written ----

class ParameterReader {
  public:
    ParameterReader(Lexer& lexer, ParseNotes& notes) : lexer_(lexer), notes_(notes) {}

    /// Nothing at the end of the value.
    std::optional<Written> next() {
        while (true) {
            lexer_.skip_blanks_and_comments();
            if (!lexer_.take(';')) break;
        }
        if (lexer_.at_end()) return std::nullopt;
        Written written;
        written.name = base::lower(lexer_.word("=;(\""));
        if (written.name.empty()) {
            skip_junk();
            return written;
        }
        while (lexer_.is_at('(')) {  // "file(x)name=": the comment is none of the name, for some
            lexer_.skip_comment();
            written.name += base::lower(lexer_.word("=;(\""));
            written.doubtful = true;
        }
        const std::size_t after_name = lexer_.position();
        const bool comment = lexer_.skip_blanks_and_comments();
        if (!lexer_.take('=')) {
            notes_.anomalies.insert(AnomalyKind::malformed_parameter);
            written.has_value = false;
            return written;
        }
        const std::size_t after_equals = lexer_.position();
        const bool comment_before_value = lexer_.skip_blanks_and_comments();
        written.doubtful = written.doubtful || comment || comment_before_value;
        const bool blanks = after_equals != after_name + 1 || lexer_.position() != after_equals;
        if (blanks) notes_.anomalies.insert(AnomalyKind::malformed_parameter);
        if (lexer_.is_at('"')) {
            read_quoted(written);
        } else {
            read_token(written);
        }
        return written;
    }

  private:
    /// A '=' or quoted string where a name should stand.
    void skip_junk() {
        notes_.anomalies.insert(AnomalyKind::malformed_parameter);
        if (lexer_.is_at('"')) {
            lexer_.quoted_string();
        } else {
            lexer_.skip();
        }
    }

    std::string_view rest_up_to_semicolon() {
        const std::size_t begin = lexer_.position();
        const std::size_t end = lexer_.text().find(';', begin);
        lexer_.seek(std::min(end, lexer_.text().size()));
        return base::trim(lexer_.since(begin));
    }

    void read_quoted(Written& written) {
        const std::size_t begin = lexer_.position();
        Lexer quoted(lexer_.text());
        quoted.seek(begin);
        written.value = quoted.quoted_string();
        lexer_.seek(quoted.position());
        const std::string_view raw = lexer_.since(begin);
        if (quoted.unclosed()) {
            // Some take everything, some stop where the value would have ended without the quote.
            written.doubtful = true;
            notes_.anomalies.insert(AnomalyKind::malformed_parameter);
            written.other_readings.emplace_back(base::trim(raw.substr(1, raw.find(';') - 1)));
            return;
        }
        if (quoted.odd_escape()) {
            written.doubtful = true;
            written.other_readings.emplace_back(raw.substr(1, raw.size() - 2));
        } else if (raw.find('\\') != std::string_view::npos) {
            written.doubtful = true;
        }
        if (lexer_.at_end() || lexer_.is_at(';') || base::is_space(lexer_.peek())) return;
        if (lexer_.is_at('(')) return;
        // "foo"bar: some stop at the quote, some go on.
        written.doubtful = true;
        notes_.anomalies.insert(AnomalyKind::malformed_parameter);
        std::string whole = written.value + std::string(rest_up_to_semicolon());
        if (whole.find('"') != std::string::npos) {
            std::string bare = whole;
            std::erase(bare, '"');
            written.other_readings.push_back(std::move(bare));
        }
        written.other_readings.push_back(std::move(whole));
    }

    void read_token(Written& written) {
        const std::string_view token = lexer_.word(";(");
        written.value = token;
        if (token.find('"') != std::string_view::npos || token.find('\\') != std::string_view::npos) {
            written.doubtful = true;
            std::string bare(token);
            std::erase_if(bare, [](char c) { return c == '"' || c == '\\'; });
            written.other_readings.push_back(std::move(bare));
        }
        if (lexer_.is_at('(')) {
            written.doubtful = true;
            const std::size_t glued = lexer_.position();
            lexer_.skip_comment();
            const std::string comment(lexer_.since(glued));
            const std::string tail(lexer_.word(";"));
            written.other_readings.push_back(std::string(token) + tail);
            written.other_readings.push_back(std::string(token) + comment + tail);
        }
        read_unquoted_words(written, token);
    }

    /// "filename=my file.doc": most take everything up to the semicolon, some the first word.
    void read_unquoted_words(Written& written, std::string_view token) {
        const std::size_t after_token = lexer_.position();
        lexer_.skip_blanks_and_comments();
        if (lexer_.at_end() || lexer_.is_at(';')) return;
        const std::size_t word_begin = lexer_.position();
        lexer_.word("=;(\"");
        const bool next_parameter = lexer_.is_at('=') && lexer_.position() != word_begin;
        lexer_.seek(after_token);
        notes_.anomalies.insert(AnomalyKind::malformed_parameter);
        written.doubtful = true;
        if (next_parameter) return;  // only the semicolon is missing
        std::string words(rest_up_to_semicolon());
        std::erase_if(words, [](char c) { return c == '\r' || c == '\n'; });
        written.other_readings.push_back(written.value);
        written.value = std::string(token) + " " + words;
    }

    Lexer& lexer_;
    ParseNotes& notes_;
};

// ---- to text ----

std::string to_text(const std::string& raw, AnomalySet& anomalies) {
    if (raw.find("=?") != std::string::npos) {
        std::string text = decode_encoded_words(raw);
        if (text != raw) anomalies.insert(AnomalyKind::encoded_word_in_parameter);
        return text;
    }
    return base::is_ascii(raw) ? raw : message::guess_to_utf8(raw, 4 * raw.size()).text;
}

Parameter make_plain(Written written, AnomalySet& anomalies) {
    Parameter parameter;
    parameter.doubtful = written.doubtful;
    if (written.name == "boundary") {
        parameter.doubtful = parameter.doubtful || written.value.find("=?") != std::string::npos;
        parameter.value = std::move(written.value);
        parameter.other_readings = std::move(written.other_readings);
    } else {
        parameter.value = to_text(written.value, anomalies);
        for (const std::string& other : written.other_readings) {
            parameter.other_readings.push_back(to_text(other, anomalies));
        }
        if (parameter.value != written.value && base::is_ascii(written.value)) {
            parameter.other_readings.push_back(std::move(written.value));
        }
    }
    parameter.name = std::move(written.name);
    return parameter;
}

// ---- RFC 2231 ----

/// name*, name*0, name*0*: the piece, or nothing when the stars are something else.
std::optional<Piece> as_piece(const Written& written) {
    const std::size_t star = written.name.find('*');
    if (star == std::string::npos || star == 0) return std::nullopt;
    Piece piece;
    piece.name = written.name.substr(0, star);
    std::string_view suffix = std::string_view(written.name).substr(star + 1);
    if (suffix.ends_with('*')) {
        piece.extended = true;
        suffix.remove_suffix(1);
    }
    if (suffix.empty()) {
        piece.extended = true;  // "name*=": one piece
    } else {
        const auto index = base::parse_unsigned(suffix);
        if (!index || *index > 9999) return std::nullopt;
        piece.index = static_cast<std::uint32_t>(*index);
    }
    piece.value = written.value;
    piece.doubtful = written.doubtful;
    return piece;
}

std::string percent_decode(std::string_view text, bool& clean) {
    std::string bytes;
    bytes.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool room = text[i] == '%' && i + 2 < text.size();
        const int high = room ? base::hex_value(text[i + 1]) : -1;
        const int low = high >= 0 ? base::hex_value(text[i + 2]) : -1;
        clean = clean && (text[i] != '%' || low >= 0);
        if (low >= 0) {
            bytes += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            bytes += text[i];
        }
    }
    return bytes;
}

/// Joins pieces in the order given; the first one may begin with charset'language'.
struct Joined {
    std::string charset;
    std::string bytes;
    bool clean = true;
};

Joined join(const std::vector<const Piece*>& pieces) {
    Joined joined;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        std::string_view value = pieces[i]->value;
        if (i == 0 && pieces[i]->extended) {
            const std::size_t first = value.find('\'');
            const std::size_t second = first == std::string_view::npos ? first : value.find('\'', first + 1);
            if (second != std::string_view::npos) {
                joined.charset = value.substr(0, first);
                value.remove_prefix(second + 1);
            } else {
                joined.clean = false;
            }
        }
        joined.bytes += pieces[i]->extended ? percent_decode(value, joined.clean) : std::string(value);
    }
    return joined;
}

class PieceAssembler {
  public:
    PieceAssembler(std::vector<Piece> pieces, AnomalySet& anomalies)
        : pieces_(std::move(pieces)), anomalies_(anomalies) {}

    std::vector<Parameter> run() {
        std::vector<Parameter> parameters;
        for (Piece& piece : pieces_) {
            if (piece.used) continue;
            if (!piece.index) {
                piece.used = true;
                parameters.push_back(make({&piece}, piece.name));
            } else {
                parameters.push_back(assemble(piece.name));
            }
        }
        return parameters;
    }

  private:
    std::string text_of(const Joined& joined, std::string_view name) const {
        if (name == "boundary") return joined.bytes;
        return message::to_utf8_or_guess(joined.bytes, joined.charset, 4 * joined.bytes.size()).text;
    }

    Parameter make(const std::vector<const Piece*>& pieces, const std::string& name) {
        const Joined joined = join(pieces);
        if (!joined.clean) anomalies_.insert(AnomalyKind::broken_extended_parameter);
        Parameter parameter;
        parameter.name = name;
        parameter.value = text_of(joined, name);
        parameter.extended = true;
        parameter.doubtful = std::ranges::any_of(pieces, [](const Piece* piece) { return piece->doubtful; });
        return parameter;
    }

    /// The pieces of one name by number (RFC 2231 3); by place, too, when the two orders differ.
    Parameter assemble(const std::string& name) {
        std::vector<const Piece*> written;
        for (Piece& piece : pieces_) {
            if (piece.used || !piece.index || piece.name != name) continue;
            piece.used = true;
            written.push_back(&piece);
        }
        std::vector<const Piece*> sorted = written;
        std::ranges::sort(sorted, {}, [](const Piece* piece) { return std::pair(*piece->index, piece); });
        Parameter parameter = make(sorted, name);
        bool gapless = true;
        for (std::size_t i = 0; i < sorted.size(); ++i) gapless = gapless && *sorted[i]->index == i;
        if (!gapless || sorted != written) {
            anomalies_.insert(AnomalyKind::broken_extended_parameter);
            parameter.doubtful = true;
            parameter.other_readings.push_back(text_of(join(written), name));
            parameter.other_readings.push_back(text_of(join({sorted.front()}), name));
        }
        return parameter;
    }

    std::vector<Piece> pieces_;
    AnomalySet& anomalies_;
};

void note_duplicates(const std::vector<Parameter>& parameters, AnomalySet& anomalies) {
    for (std::size_t i = 1; i < parameters.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            const bool same =
                parameters[i].extended == parameters[j].extended && parameters[i].name == parameters[j].name;
            if (same) anomalies.insert(AnomalyKind::duplicate_parameter);
        }
    }
}

}  // namespace

std::vector<Parameter> parse_parameters(Lexer& lexer, ParseNotes& notes) {
    std::vector<Parameter> plain;
    std::vector<Piece> pieces;
    ParameterReader reader(lexer, notes);
    while (auto written = reader.next()) {
        if (written->name.empty()) continue;
        if (!written->has_value &&
            !plain.empty()) {  // "filename=a;b.exe": some take the semicolon for a part of it
            auto& readings = plain.back().other_readings;
            if (readings.size() < kMostReadings)
                readings.push_back(to_text(plain.back().value + ";" + written->name, notes.anomalies));
            continue;
        }
        if (plain.size() + pieces.size() >= notes.max_parameters) {
            notes.anomalies.insert(AnomalyKind::too_many_parameters);
            break;
        }
        if (auto piece = as_piece(*written)) {
            pieces.push_back(*std::move(piece));
        } else {
            plain.push_back(make_plain(*std::move(written), notes.anomalies));
        }
    }
    if (!pieces.empty()) {
        std::vector<Parameter> extended = PieceAssembler(std::move(pieces), notes.anomalies).run();
        plain.insert(plain.begin(), std::make_move_iterator(extended.begin()),
                     std::make_move_iterator(extended.end()));
    }
    if (plain.size() > 1) note_duplicates(plain, notes.anomalies);
    return plain;
}

}  // namespace gatehouse::inspect::mime
