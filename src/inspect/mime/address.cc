#include "inspect/mime/address.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "inspect/mime/encoded_word.h"
#include "inspect/mime/lexer.h"

namespace gatehouse::inspect::mime {

namespace {

/// What is gathered of one mailbox before its end is seen.
struct Pending {
    std::string phrase;              ///< words with single blanks between them, quotes removed
    std::vector<std::string> words;  ///< as written, quotes kept, for addresses without angle brackets
    std::string comment;
    std::string angle;
    bool has_angle = false;

    bool is_empty() const { return words.empty() && comment.empty() && !has_angle; }
};

class AddressReader {
  public:
    AddressReader(std::string_view value, std::size_t max_mailboxes) : lexer_(value), limit_(max_mailboxes) {}

    AddressList run() {
        while (!lexer_.at_end() && list_.complete) step();
        finish();
        return std::move(list_);
    }

  private:
    void step() {
        const char c = lexer_.peek();
        if (base::is_space(c)) {
            lexer_.skip_blanks();
            glued_ = false;
            return;
        }
        switch (c) {
            case '(':
                pending_.comment = lexer_.skip_comment();
                break;
            case '"':
                read_quoted();
                break;
            case '<':
                read_angle();
                break;
            case ',':
            case ';':
                lexer_.skip();
                finish();
                break;
            case ':':
                read_colon();
                break;
            default:
                read_word();
                break;
        }
    }

    void read_quoted() {
        const std::size_t begin = lexer_.position();
        const std::string value = lexer_.quoted_string();
        add(value, lexer_.since(begin));
    }

    void read_word() {
        const std::size_t begin = lexer_.position();
        if (lexer_.word("(\"<,;:").empty()) lexer_.skip();
        // An address literal may hold colons: user@[IPv6:2001:db8::1].
        if (lexer_.since(begin).find("@[") != std::string_view::npos && lexer_.is_at(':'))
            lexer_.word("(\"<,;");
        add(lexer_.since(begin), lexer_.since(begin));
    }

    void add(std::string_view text, std::string_view written) {
        if (glued_ && !pending_.words.empty()) {
            pending_.words.back() += written;
        } else {
            if (!pending_.phrase.empty()) pending_.phrase += ' ';
            pending_.words.emplace_back(written);
        }
        pending_.phrase += text;
        glued_ = true;
    }

    /// "<local@domain>", "<@route:local@domain>", "<>"; an open bracket ends at a comma or the end.
    void read_angle() {
        lexer_.skip();
        std::string address;
        while (!lexer_.at_end() && !lexer_.is_at('>')) {
            const std::size_t begin = lexer_.position();
            if (lexer_.is_at('"')) {
                lexer_.quoted_string();
                address += lexer_.since(begin);
            } else if (lexer_.is_at('(')) {
                lexer_.skip_comment();
            } else if (base::is_space(lexer_.peek())) {
                lexer_.skip_blanks();
            } else if (lexer_.is_at('<') || (lexer_.is_at(',') && !address.starts_with('@'))) {
                break;
            } else {
                address += lexer_.peek();
                lexer_.skip();
            }
        }
        lexer_.take('>');
        if (address.starts_with('@')) address.erase(0, std::min(address.find(':'), address.size() - 1) + 1);
        pending_.angle = std::move(address);
        pending_.has_angle = true;
        glued_ = false;
    }

    /// After words it ends a group's name; inside an address it is part of it.
    void read_colon() {
        lexer_.skip();
        const bool in_address =
            !pending_.words.empty() && pending_.words.back().find('@') != std::string::npos;
        if (in_address) {
            add(":", ":");
        } else {
            pending_ = Pending();
            glued_ = false;
        }
    }

    void finish() {
        glued_ = false;
        if (pending_.is_empty()) return;
        if (list_.mailboxes.size() == limit_) {
            list_.complete = false;
            return;
        }
        Mailbox mailbox;
        if (pending_.has_angle) {
            mailbox.address = std::move(pending_.angle);
            mailbox.name = pending_.words.empty() ? pending_.comment : pending_.phrase;
        } else {
            split_words(mailbox);
        }
        mailbox.name = base::trim(decode_encoded_words(mailbox.name));
        list_.mailboxes.push_back(std::move(mailbox));
        pending_ = Pending();
    }

    /// Without angle brackets the word with the '@' is the address, also when blanks stand around the '@'.
    void split_words(Mailbox& mailbox) {
        std::vector<std::string> words;
        for (std::string& word : pending_.words) {
            const bool joins = !words.empty() && (word.starts_with('@') || words.back().ends_with('@'));
            if (joins) {
                words.back() += word;
            } else {
                words.push_back(std::move(word));
            }
        }
        const auto address = std::ranges::find_if(words, [](const std::string& word) {
            return word.find('@') != std::string::npos && !(word.starts_with('"') && word.ends_with('"'));
        });
        if (address == words.end()) {
            const bool local =
                words.size() == 1 && !words[0].starts_with('"');  // "root": no domain, but an address
            if (local) mailbox.address = words[0];
            mailbox.name = local || pending_.phrase.empty() ? pending_.comment : pending_.phrase;
            return;
        }
        mailbox.address = *address;
        for (auto word = words.begin(); word != address; ++word) {
            if (!mailbox.name.empty()) mailbox.name += ' ';
            mailbox.name += *word;
        }
        if (mailbox.name.empty()) mailbox.name = pending_.comment;
    }

    Lexer lexer_;
    std::size_t limit_;
    AddressList list_;
    Pending pending_;
    bool glued_ = false;  ///< no blank since the last word
};

}  // namespace

std::string_view Mailbox::local_part() const {
    const std::size_t at = address.rfind('@');
    return at == std::string::npos ? std::string_view() : std::string_view(address).substr(0, at);
}

std::string_view Mailbox::domain() const {
    const std::size_t at = address.rfind('@');
    return at == std::string::npos ? std::string_view() : std::string_view(address).substr(at + 1);
}

AddressList parse_address_list(std::string_view value, std::size_t max_mailboxes) {
    return AddressReader(value, max_mailboxes).run();
}

}  // namespace gatehouse::inspect::mime
