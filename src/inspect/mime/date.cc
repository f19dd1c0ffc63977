#include "inspect/mime/date.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

#include "base/text.h"

namespace gatehouse::inspect::mime {

namespace {

constexpr std::size_t kMaxDate = 1000;

constexpr std::array<std::string_view, 12> kMonths{"jan", "feb", "mar", "apr", "may", "jun",
                                                   "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kDays{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

struct NamedZone {
    std::string_view name;
    int hours;
};
constexpr auto kZones = std::to_array<NamedZone>({{"ut", 0},
                                                  {"gmt", 0},
                                                  {"utc", 0},
                                                  {"est", -5},
                                                  {"edt", -4},
                                                  {"cst", -6},
                                                  {"cdt", -5},
                                                  {"mst", -7},
                                                  {"mdt", -6},
                                                  {"pst", -8},
                                                  {"pdt", -7}});

/// Comments are white space; quoted pairs within them hide a parenthesis.
std::string without_comments(std::string_view value) {
    std::string out;
    int depth = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const char c = value[i];
        if (c == '\\' && depth > 0) {
            ++i;
        } else if (c == '(') {
            if (depth++ == 0) out += ' ';
        } else if (c == ')' && depth > 0) {
            --depth;
        } else if (depth == 0) {
            out += c;
        }
    }
    return out;
}

class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    std::optional<std::int64_t> run() {
        if (!take_weekday()) return std::nullopt;
        const auto day = take_number(1, 2);
        const auto month = take_month();
        const auto year = take_year();
        const auto hour = take_number(1, 2);
        const auto minute = take(':') ? take_number(2, 2) : std::nullopt;
        const auto second = take(':') ? take_number(2, 2) : std::optional(0);
        const auto zone = take_zone();
        skip_blanks();
        if (!day || !month || !year || !hour || !minute || !second || !zone || at_ != text_.size())
            return std::nullopt;
        if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
        using namespace std::chrono;
        const year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                  std::chrono::day(static_cast<unsigned>(*day))};
        if (!date.ok()) return std::nullopt;
        const auto local =
            sys_days(date) + hours(*hour) + minutes(*minute) + seconds(*second) - minutes(*zone);
        return duration_cast<seconds>(local.time_since_epoch()).count();
    }

  private:
    void skip_blanks() {
        while (at_ < text_.size() && base::is_space(text_[at_])) ++at_;
    }

    bool take(char c) {
        skip_blanks();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    std::string take_word() {
        skip_blanks();
        const auto begin = at_;
        while (at_ < text_.size() && base::is_alpha(text_[at_])) ++at_;
        return base::lower(text_.substr(begin, at_ - begin));
    }

    bool take_weekday() {
        const auto word = take_word();
        const auto is_day = std::ranges::find(kDays, std::string_view(word).substr(0, 3)) != kDays.end();
        (void)take(',');
        return word.empty() || is_day;
    }

    std::optional<int> take_number(std::size_t least, std::size_t most) {
        skip_blanks();
        int value = 0;
        std::size_t digits = 0;
        for (; at_ < text_.size() && base::is_digit(text_[at_]); ++at_) {
            if (++digits > most) return std::nullopt;
            value = value * 10 + (text_[at_] - '0');
        }
        return digits < least ? std::nullopt : std::optional(value);
    }

    std::optional<int> take_month() {
        const auto word = take_word();
        const auto at = std::ranges::find(kMonths, word);
        if (at == kMonths.end()) return std::nullopt;
        return static_cast<int>(at - kMonths.begin()) + 1;
    }

    std::optional<int> take_year() {
        skip_blanks();
        const auto begin = at_;
        const auto year = take_number(2, 4);
        if (!year) return std::nullopt;
        const auto digits = at_ - begin;
        if (digits == 4) return *year;
        if (digits == 3) return *year + 1900;
        return *year + (*year < 50 ? 2000 : 1900);
    }

    /// In minutes.
    std::optional<int> take_zone() {
        const bool is_east = take('+');
        if (is_east || take('-')) {
            const auto number = take_number(4, 4);
            if (!number || *number % 100 > 59) return std::nullopt;
            const int minutes = *number / 100 * 60 + *number % 100;
            return is_east ? minutes : -minutes;
        }
        const auto word = take_word();
        const auto at = std::ranges::find(kZones, word, &NamedZone::name);
        if (at != kZones.end()) return at->hours * 60;
        // The letters of the military zones were defined the wrong way round: they say nothing (RFC
        // 5322 4.3).
        return word.size() == 1 && word != "j" ? std::optional(0) : std::nullopt;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::optional<std::int64_t> parse_date(std::string_view value) {
    const auto plain = without_comments(value.substr(0, kMaxDate));
    return Reader(plain).run();
}

}  // namespace gatehouse::inspect::mime
