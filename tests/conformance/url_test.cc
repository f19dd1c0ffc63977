// vectors/url: what browsers make of URLs and of names in Unicode.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>

#include "inspect/format/idna.h"
#include "inspect/format/url.h"
#include "inspect/format/url_percent.h"
#include "support/shared_data.h"

namespace gatehouse::inspect::format {
namespace {

/// JavaScript writes halves of surrogate pairs, which no UTF-8 holds; browsers replace them by U+FFFD.
std::string without_lone_surrogates(std::string text) {
    const auto is_half = [&](std::size_t at, std::string_view third) {
        return at + 6 <= text.size() && text[at] == '\\' && text[at + 1] == 'u' &&
               (text[at + 2] == 'd' || text[at + 2] == 'D') && third.contains(text[at + 3]);
    };
    for (std::size_t at = 0; at + 6 <= text.size(); ++at) {
        if (text[at] != '\\') continue;
        const bool high = is_half(at, "89abAB");
        if (high && is_half(at + 6, "cdefCDEF")) {
            at += 11;
        } else if (high || is_half(at, "cdefCDEF")) {
            text.replace(at + 2, 4, "fffd");
        } else {
            ++at;
        }
    }
    return text;
}

boost::json::array read_json(const std::filesystem::path& path) {
    std::ifstream file(path);
    const auto text = without_lone_surrogates({std::istreambuf_iterator<char>(file), {}});
    boost::json::parse_options options;
    options.allow_invalid_utf8 = true;
    return boost::json::parse(text, {}, options).as_array();
}

std::string text_of(const boost::json::object& row, std::string_view key) {
    const auto* value = row.if_contains(key);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

void check_row(const boost::json::object& row) {
    const auto input = text_of(row, "input");
    std::optional<Url> base;
    if (row.contains("base") && row.at("base").is_string()) {
        base = parse_url(text_of(row, "base"));
        ASSERT_TRUE(base.has_value() || row.contains("failure")) << text_of(row, "base");
    }
    const bool refuses_base = row.contains("base") && row.at("base").is_string() && !base;
    const auto url = refuses_base ? std::nullopt : parse_url(input, base ? &*base : nullptr);
    if (row.contains("failure") && row.at("failure").as_bool()) {
        EXPECT_FALSE(url.has_value()) << input << " gave " << url->href();
        return;
    }
    ASSERT_TRUE(url.has_value()) << input << " base " << text_of(row, "base");
    EXPECT_EQ(url->href(), text_of(row, "href")) << input;
    if (row.contains("hostname")) {
        EXPECT_EQ(url->host.text, text_of(row, "hostname")) << input;
    }
    const auto again = parse_url(url->href());
    ASSERT_TRUE(again.has_value()) << url->href();
    EXPECT_EQ(again->href(), url->href());
}

TEST(UrlVectors, AreReadAsBrowsersReadThem) {
    constexpr std::size_t kRows = 921;
    test::count_shared_cases("url", kRows);
    std::size_t rows = 0;
    for (const std::string name : {"urltestdata.json", "urltestdata-javascript-only.json",
                                   "ada_extra_urltestdata.json", "ada_long_urltestdata.json"}) {
        const auto file = test::shared_file("vectors/url/" + name);
        if (!file) GTEST_SKIP() << "no vectors/url";
        for (const auto& row : read_json(*file)) {
            if (!row.is_object()) continue;
            ++rows;
            check_row(row.as_object());
        }
    }
    EXPECT_EQ(rows, kRows);
    std::cout << rows << " URLs, all as browsers read them\n";
}

/// U+2F868 became a valid name with Unicode 16; Debian 12 has the tables of Unicode 15.
bool is_known_difference(std::string_view name) {
    return name == "\xF0\xAF\xA1\xA8.com";
}

TEST(UrlVectors, NamesInUnicode) {
    const auto file = test::shared_file("vectors/url/toascii.json");
    if (!file) GTEST_SKIP() << "no vectors/url";
    std::size_t rows = 0;
    for (const auto& value : read_json(*file)) {
        if (!value.is_object()) continue;
        const auto& row = value.as_object();
        ++rows;
        const auto host = parse_url_host(text_of(row, "input"), true);
        const auto seen = host ? host->text : "null";
        if (is_known_difference(text_of(row, "input"))) {
            EXPECT_EQ(seen, "null") << "no longer a difference";
            continue;
        }
        EXPECT_EQ(seen, row.at("output").is_null() ? "null" : text_of(row, "output"))
            << text_of(row, "input");
    }
    std::cout << rows << " names, 1 of them a known difference: Unicode 16\n";
}

}  // namespace
}  // namespace gatehouse::inspect::format
