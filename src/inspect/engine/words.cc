#include "inspect/engine/words.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "base/text.h"
#include "inspect/mime/decode.h"
#include "message/charset.h"

namespace gatehouse::inspect::engine {

namespace {

constexpr std::size_t kMaxText = 256U << 10;
constexpr std::size_t kMaxWords = 2000;
constexpr std::size_t kMaxWord = 64;
constexpr std::size_t kAfterCue = 4;

// As mails announce one.
constexpr auto kCues = std::to_array<std::string_view>(
    {"password", "passwort", "passwd",   "passcode",     "pass",       "pwd",      "pw",
     "pin",      "code",     "kennwort", "mot de passe", "contraseña", "senha",    "wachtwoord",
     "hasło",    "heslo",    "пароль",   "код",          "lösenord",   "salasana", "parola",
     "şifre",    "密码",     "密碼",     "パスワード",   "비밀번호"});
// As who shares samples, and who is lazy, chooses one.
constexpr auto kCommon = std::to_array<std::string_view>(
    {"infected", "virus", "malware", "password", "1234", "12345", "123456", "1111", "0000", "123"});

constexpr std::string_view kBlanks = " \t\r\n\f\v<>";
// May stand around a word without being part of it.
constexpr std::string_view kMarks = ".,;:!?\"'`()[]{}*_=|";

class Collector {
  public:
    void add(std::string_view word, std::vector<std::string>& to) {
        if (word.empty() || word.size() > kMaxWord || to.size() >= kMaxWords) return;
        if (seen_.emplace(word).second) to.emplace_back(word);
    }
    /// As it stands, and without marks around it.
    void add_forms(std::string_view word, std::vector<std::string>& to) {
        add(word, to);
        const auto first = word.find_first_not_of(kMarks);
        if (first == std::string_view::npos) return;
        auto inner = word.substr(first, word.find_last_not_of(kMarks) + 1 - first);
        add(inner, to);
        for (const char mark : {':', '='}) {
            const auto at = inner.rfind(mark);
            if (at != std::string_view::npos) add(inner.substr(at + 1), to);
        }
    }

  private:
    std::unordered_set<std::string> seen_;
};

std::vector<std::string_view> cut_words(std::string_view text) {
    std::vector<std::string_view> out;
    std::size_t at = 0;
    while ((at = text.find_first_not_of(kBlanks, at)) != std::string_view::npos) {
        const auto end = std::min(text.find_first_of(kBlanks, at), text.size());
        out.push_back(text.substr(at, end - at));
        at = end;
    }
    return out;
}

bool is_cue(std::string_view word) {
    const auto lower = base::lower(word);
    return std::ranges::any_of(kCues,
                               [&](std::string_view cue) { return lower.find(cue) != std::string::npos; });
}

std::string text_of(const mime::Structure& structure, const mime::Part& part) {
    const auto body = mime::decode_body(structure, part, kMaxText);
    return message::to_utf8_or_guess(body.bytes(), part.charset(), kMaxText).text;
}

}  // namespace

std::vector<std::string> words_of_texts(const mime::Structure& structure) {
    std::string text;
    for (const auto& part : structure.parts) {
        if (!part.is_leaf() || !part.type.is("text") || text.size() > kMaxText) continue;
        text.append(text_of(structure, part)).append("\n");
    }
    if (const auto* subject = structure.headers().find("subject")) text.append(subject->value);
    const auto words = cut_words(text);
    Collector collector;
    std::vector<std::string> out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (!is_cue(words[i])) continue;
        const auto last = std::min(words.size(), i + 1 + kAfterCue);
        for (std::size_t k = i; k < last; ++k) collector.add_forms(words[k], out);
    }
    for (const auto word : kCommon) collector.add(word, out);
    for (const auto word : words) collector.add_forms(word, out);
    return out;
}

}  // namespace gatehouse::inspect::engine
