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
        static constexpr std::array<std::string_view, 7> kSections{
            "envelope", "settings", "policy", "message", "answers", "expect", "refuse"};
        if (std::find(kSections.begin(), kSections.end(), name) == kSections.end()) {
            return wrong("there is no section \"" + std::string(name) + "\"");
        }
        section_ = name;
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
            envelope.from = value == "<>" ? "" : value;
        } else if (key == "to") {
            envelope.to.clear();
            for (const auto address : base::split(value, ',')) envelope.to.emplace_back(base::trim(address));
        } else {
            return wrong("the envelope has client, helo, from and to, not \"" + key + "\"");
        }
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
