#include "inspect/mime/encoded_word.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "inspect/mime/decode.h"
#include "message/charset.h"

namespace gatehouse::inspect::mime {

namespace {

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::size_t kLongestCharset = 64;

struct Word {
    std::string_view charset;
    char encoding = 'q';
    std::string_view text;
    std::size_t end = 0;
};

std::string decode_q(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int high = text[i] == '=' && i + 2 < text.size() ? base::hex_value(text[i + 1]) : -1;
        const int low = high >= 0 ? base::hex_value(text[i + 2]) : -1;
        if (low >= 0) {
            bytes += static_cast<char>(high * 16 + low);
            i += 2;
        } else if (text[i] != '\r' && text[i] != '\n') {
            bytes += text[i] == '_' ? ' ' : text[i];
        }
    }
    return bytes;
}

class EncodedWordDecoder {
  public:
    explicit EncodedWordDecoder(std::string_view text) : text_(text) {}

    std::string run() {
        std::size_t literal = 0;  // where the text that is no encoded word begins
        std::size_t from = 0;
        while (true) {
            const std::size_t at = text_.find("=?", from);
            if (at == kNone) break;
            const auto word = parse(at);
            if (!word) {
                from = at + 2;
                continue;
            }
            add_literal(text_.substr(literal, at - literal));
            add_word(*word);
            literal = from = word->end;
        }
        flush();
        append_plain(text_.substr(literal));
        return std::move(out_);
    }

  private:
    /// "=?charset*language?B?text?=" at `at`.
    std::optional<Word> parse(std::size_t at) {
        Word word;
        const std::size_t charset = at + 2;
        const std::string_view head = text_.substr(charset, kLongestCharset + 1);
        const std::size_t length = head.find_first_of("? \t\r\n");
        if (length == kNone || length == 0 || head[length] != '?') return std::nullopt;
        word.charset =
            head.substr(0, std::min(length, head.find('*')));  // RFC 2231 5: the language says nothing
        const std::size_t encoding = charset + length + 1;
        if (encoding + 1 >= text_.size() || text_[encoding + 1] != '?') return std::nullopt;
        word.encoding = base::to_lower(text_[encoding]);
        if (word.encoding != 'b' && word.encoding != 'q') return std::nullopt;
        const std::size_t begin = encoding + 2;
        const std::size_t end = closing(begin);
        if (end == kNone) return std::nullopt;
        word.text = text_.substr(begin, end - begin);
        word.end = end + 2;
        return word;
    }

    /// The next "?=" from `from` on. It is asked with growing positions, so one search serves many questions.
    std::size_t closing(std::size_t from) {
        if (searched_ && (closing_ == kNone || closing_ >= from)) return closing_;
        closing_ = text_.find("?=", from);
        searched_ = true;
        return closing_;
    }

    void add_literal(std::string_view literal) {
        // RFC 2047 6.2: blanks between two encoded words are not shown.
        if (had_word_ && base::trim(literal).empty()) return;
        flush();
        append_plain(literal);
    }

    void add_word(const Word& word) {
        if (!base::iequals(word.charset, charset_)) {
            flush();
            charset_ = word.charset;
        }
        bytes_ +=
            word.encoding == 'q' ? decode_q(word.text) : decode_base64(word.text, word.text.size()).bytes;
        had_word_ = true;
    }

    /// Decodes the words of one charset that were joined so far.
    void flush() {
        if (!bytes_.empty()) out_ += message::to_utf8_or_guess(bytes_, charset_, 4 * bytes_.size()).text;
        bytes_.clear();
        charset_ = {};
        had_word_ = false;
    }

    void append_plain(std::string_view literal) {
        std::string plain;
        std::copy_if(literal.begin(), literal.end(), std::back_inserter(plain),
                     [](char c) { return c != '\r' && c != '\n'; });
        out_ += base::is_ascii(plain) ? plain : message::guess_to_utf8(plain, 4 * plain.size()).text;
    }

    std::string_view text_;
    std::string out_;
    std::string bytes_;
    std::string_view charset_;
    bool had_word_ = false;
    bool searched_ = false;
    std::size_t closing_ = kNone;
};

}  // namespace

std::string decode_encoded_words(std::string_view text) {
    return EncodedWordDecoder(text).run();
}

}  // namespace gatehouse::inspect::mime
