#include "case_file.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "base/fd.h"
#include "base/text.h"
#include "generators.h"

namespace gatehouse::cases {

using base::Fault;
using base::Result;

namespace {

constexpr std::size_t kLargestCase = 8U << 20;

/// The end of the part that begins at `at`: where `ends` holds outside of a quoted local part.
template <typename Ends>
std::size_t end_of_part(std::string_view text, std::size_t at, const Ends& ends) {
    for (bool quoted = false; at < text.size(); ++at) {
        if (quoted && text[at] == '\\') {
            ++at;
        } else if (text[at] == '"') {
            quoted = !quoted;
        } else if (!quoted && ends(at)) {
            return at;
        }
    }
    return text.size();
}

/// "user@example.com NOTIFY=NEVER"; <> is the null sender.
CasePath path_of(std::string_view text) {
    const auto end = end_of_part(text, 0, [&](std::size_t at) { return text[at] == ' '; });
    const auto address = text.substr(0, end);
    return {address == "<>" ? "" : std::string(address), std::string(base::trim(text.substr(end)))};
}

/// Parted by comma and blank, because parameters have commas of their own (NOTIFY=SUCCESS,FAILURE).
std::vector<CasePath> paths_of(std::string_view text) {
    std::vector<CasePath> out;
    const auto parts = [&](std::size_t at) { return text.substr(at).starts_with(", "); };
    for (std::size_t at = 0; at < text.size();) {
        const auto end = end_of_part(text, at, parts);
        out.push_back(path_of(base::trim(text.substr(at, end - at))));
        at = end + 2;
    }
    return out;
}

class Reader {
  public:
    explicit Reader(CaseFile& out) : out_(out) {}

    Result<void> line(std::string_view text, int number) {
        number_ = number;
        if (text.starts_with("=== ")) return begin(base::trim(text.substr(4)));
        if (section_ == "message") {
            message_.append(text).append("\n");
            return {};
        }
        if (section_ == "settings" || section_ == "policy") {
            (section_ == "settings" ? out_.settings : out_.policy).append(text).append("\n");
            return {};
        }
        const auto trimmed = base::trim(text);
        if (trimmed.empty() || trimmed.starts_with('#')) return {};
        if (section_ == "expect" || section_ == "refuse") return expectation(trimmed);
        const auto equals = trimmed.find(" = ");
        if (equals == std::string_view::npos) return wrong("`key = value` is meant here");
        const std::string key(base::trim(trimmed.substr(0, equals)));
        const std::string value(base::trim(trimmed.substr(equals + 3)));
        if (section_ == "answers") {
            out_.answers.push_back({number_, key, value});
            return {};
        }
        if (section_ == "then") return deed(key, value);
        return section_ == "envelope" ? envelope(key, value) : head(key, value);
    }

    Result<void> finish() {
        if (out_.expect.empty() && out_.refuse.empty())
            return wrong("a case without expectations asserts nothing");
        auto made = make_message(message_);
        if (!made) return wrong(made.error().sentence);
        out_.message = std::move(*made);
        return {};
    }

  private:
    Result<void> begin(std::string_view name) {
        static constexpr std::array<std::string_view, 8> kSections{
            "envelope", "settings", "policy", "message", "answers", "then", "expect", "refuse"};
        if (std::find(kSections.begin(), kSections.end(), name) == kSections.end()) {
            return wrong("there is no section \"" + std::string(name) + "\"");
        }
        section_ = name;
        if (section_ == "then") out_.then.push_back({number_, {}});
        return {};
    }

    Result<void> head(const std::string& key, const std::string& value) {
        if (key != "level") return wrong("there is no key \"" + key + "\"");
        if (value == "inspect") out_.level = Level::inspect;
        if (value == "decide") out_.level = Level::decide;
        if (value == "walk") out_.level = Level::walk;
        if (value != "inspect" && value != "decide" && value != "walk")
            return wrong("level is inspect, decide or walk");
        return {};
    }

    Result<void> envelope(const std::string& key, const std::string& value) {
        auto& envelope = out_.envelope;
        if (key == "client") {
            envelope.client = value;
        } else if (key == "helo") {
            envelope.helo = value;
        } else if (key == "from") {
            envelope.from = path_of(value);
        } else if (key == "to") {
            envelope.to = paths_of(value);
            const bool is_joined = std::any_of(envelope.to.begin(), envelope.to.end(), [](const auto& one) {
                return !one.address.starts_with('"') && one.address.contains(',');
            });
            if (is_joined) return wrong("recipients are parted by a comma and a blank");
        } else {
            return wrong("the envelope has client, helo, from and to, not \"" + key + "\"");
        }
        return {};
    }

    Result<void> deed(const std::string& key, const std::string& value) {
        const bool is_known = key.starts_with("hop ") || (key == "queue" && value == "flush") ||
                              (key == "clock" && base::parse_unsigned(value));
        if (!is_known) return wrong("then has `hop N ...`, `queue = flush` and `clock = SECONDS`");
        out_.then.back().deeds.push_back({number_, key, value});
        return {};
    }

    Result<void> expectation(std::string_view text) {
        static constexpr std::array<std::string_view, 9> kOps{"=",  "!=", "contains", "!contains", "matches",
                                                              ">=", "<=", ">",        "<"};
        std::istringstream words{std::string(text)};
        Expectation item{number_, "", "", ""};
        words >> item.path >> item.op;
        std::getline(words, item.value);
        item.value = std::string(base::trim(item.value));
        if (item.value.size() >= 2 && item.value.front() == '"' && item.value.back() == '"') {
            item.value = item.value.substr(1, item.value.size() - 2);
        }
        const bool known = std::find(kOps.begin(), kOps.end(), item.op) != kOps.end() || item.op == "exists";
        if (!known) return wrong("\"" + item.op + "\" is no comparison");
        (section_ == "expect" ? out_.expect : out_.refuse).push_back(std::move(item));
        return {};
    }

    std::unexpected<base::Error> wrong(const std::string& what) const {
        return base::fail(Fault::usage, "{}:{}: {}", out_.path, number_, what);
    }

    CaseFile& out_;
    std::string section_;
    std::string message_;
    int number_ = 0;
};

}  // namespace

Result<CaseFile> read_case(const std::string& path) {
    GATEHOUSE_TRY(const std::string text, base::read_file(path, kLargestCase));
    CaseFile out;
    out.path = path;
    Reader reader(out);
    int number = 0;
    for (auto line : base::split(text, '\n')) {
        if (line.ends_with('\r')) line.remove_suffix(1);
        GATEHOUSE_CHECK(reader.line(line, ++number));
    }
    GATEHOUSE_CHECK(reader.finish());
    return out;
}

}  // namespace gatehouse::cases
