// Walks over a structured header value (RFC 5322 3.2): blanks with folding, nested comments, quoted strings.
// Line ends count as blanks. Never fails: what is left open ends with the value, and the lexer says so.
// Nesting is counted, not recursed. Used by the parameter and the address parser, and by whoever reads
// another structured field.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/text.h"

namespace gatehouse::inspect::mime {

class Lexer {
  public:
    explicit Lexer(std::string_view text) : text_(text) {}

    bool at_end() const { return at_ >= text_.size(); }
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool is_at(char c) const { return at_ < text_.size() && text_[at_] == c; }
    std::size_t position() const { return at_; }
    void seek(std::size_t at) { at_ = at; }
    void skip(std::size_t count = 1) { at_ += count; }
    /// Skips c when it is next.
    bool take(char c) {
        if (!is_at(c)) return false;
        ++at_;
        return true;
    }
    std::string_view text() const { return text_; }
    std::string_view since(std::size_t begin) const { return text_.substr(begin, at_ - begin); }

    void skip_blanks() {
        while (at_ < text_.size() && base::is_space(text_[at_])) ++at_;
    }

    /// Blanks and comments; true when there was a comment.
    bool skip_blanks_and_comments() {
        bool comment = false;
        skip_blanks();
        while (is_at('(')) {
            skip_comment();
            comment = true;
            skip_blanks();
        }
        return comment;
    }

    /// From '(' to its ')'. The text between them.
    std::string_view skip_comment() {
        const std::size_t begin = at_ + 1;
        std::size_t depth = 0;
        for (; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '\\' && at_ + 1 < text_.size()) {
                ++at_;
            } else if (c == '(') {
                ++depth;
            } else if (c == ')' && --depth == 0) {
                ++at_;
                return text_.substr(begin, at_ - 1 - begin);
            }
        }
        unclosed_ = true;
        return text_.substr(begin < text_.size() ? begin : text_.size());
    }

    /// From '"' to the next one. The value without quotes, backslashes and line ends.
    std::string quoted_string() {
        std::string value;
        for (++at_; at_ < text_.size(); ++at_) {
            char c = text_[at_];
            if (c == '"') {
                ++at_;
                return value;
            }
            if (c == '\\' && at_ + 1 < text_.size()) {
                c = text_[++at_];
                if (c != '"' && c != '\\') odd_escape_ = true;
            } else if (c == '\r' || c == '\n') {
                continue;
            }
            value += c;
        }
        unclosed_ = true;
        return value;
    }

    /// Everything up to one of `stops`, a blank or the end.
    std::string_view word(std::string_view stops) {
        const std::size_t begin = at_;
        while (at_ < text_.size() && !base::is_space(text_[at_]) &&
               stops.find(text_[at_]) == std::string_view::npos)
            ++at_;
        return since(begin);
    }

    /// A comment or quoted string ran to the end of the value.
    bool unclosed() const { return unclosed_; }
    /// A backslash stood before a character that needs none, as in "C:\file": many readers keep it.
    bool odd_escape() const { return odd_escape_; }

  private:
    std::string_view text_;
    std::size_t at_ = 0;
    bool unclosed_ = false;
    bool odd_escape_ = false;
};

}  // namespace gatehouse::inspect::mime
