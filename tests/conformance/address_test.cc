// vectors/address: which addresses an SMTP path may hold, and when the dates of header fields are.
#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>

#include "base/text.h"
#include "inspect/mime/address.h"
#include "inspect/mime/date.h"
#include "receive/smtp/command.h"
#include "support/shared_data.h"

namespace gatehouse {
namespace {

std::string read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
}

std::string upper(std::string text) {
    for (auto& c : text) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c;
    return text;
}

/// Entities, and the signs that stand for control characters (U+2400 and the character).
std::string decoded(std::string text) {
    for (int i = 0; i < 33; ++i) {
        const auto sign = std::string("\xE2\x90") + static_cast<char>(0x80 + i);
        const auto number = "&#x24" + base::to_hex(std::string(1, static_cast<char>(i))) + ";";
        const std::string control(1, static_cast<char>(i == 32 ? 127 : i));
        replace_all(text, sign, control);
        replace_all(text, number, control);
        replace_all(text, "&#x24" + upper(number.substr(5, 2)) + ";", control);
    }
    replace_all(text, "&#xA9;", "\xC2\xA9");
    for (const auto& [entity, character] :
         {std::pair{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&amp;", "&"}})
        replace_all(text, entity, character);
    return text;
}

std::string element(std::string_view test, std::string_view name) {
    const auto open = "<" + std::string(name) + ">";
    const auto begin = test.find(open);
    if (begin == std::string_view::npos) return "";
    const auto end = test.find("</" + std::string(name) + ">", begin);
    return decoded(std::string(test.substr(begin + open.size(), end - begin - open.size())));
}

bool is_path(const std::string& address) {
    return receive::smtp::parse_rcpt("TO:<" + address + ">", false).has_value();
}

// Where the sets differ from RFC 5321 on purpose, by test id.
const std::set<std::string> kKnownDifferences{
    "26", "39", "40",
    "59", "60",  // local parts may have 255 octets (VERP), and paths are as long as they come
    "71"};       // "::" for one group: RFC 4291 2.2 writes it so

TEST(AddressVectors, PathsAreThoseOfSmtp) {
    constexpr std::size_t kTests = 164;
    test::count_shared_cases("address", kTests);
    const auto folder = test::shared_file("vectors/address");
    if (!folder) GTEST_SKIP() << "no shared vectors";
    const auto xml = read(*folder / "tests.xml");
    std::map<std::string, int> passed;
    std::size_t count = 0;
    for (auto at = xml.find("<test id="); at != std::string::npos; at = xml.find("<test id=", at + 1)) {
        const auto test = std::string_view(xml).substr(at, xml.find("</test>", at) - at);
        const auto id = std::string(test.substr(10, test.find('"', 10) - 10));
        const auto address = element(test, "address");
        const auto category = element(test, "category");
        ++count;
        const bool may_be = category == "ISEMAIL_VALID_CATEGORY" || category == "ISEMAIL_RFC5321" ||
                            category == "ISEMAIL_DNSWARN";
        if (kKnownDifferences.contains(id)) {
            EXPECT_NE(is_path(address), may_be) << id << " is no difference any more";
            continue;
        }
        EXPECT_EQ(is_path(address), may_be)
            << id << " " << category << " " << element(test, "diagnosis") << " " << base::printable(address);
        ++passed[category];
        // Headers may hold everything; nothing of it may do harm.
        EXPECT_LE(inspect::mime::parse_address_list(address).mailboxes.size(), address.size());
    }
    EXPECT_EQ(count, kTests);
    std::cout << "address: " << count << " tests, " << kKnownDifferences.size() << " known differences";
    for (const auto& [category, number] : passed) std::cout << ", " << category << " " << number;
    std::cout << "\n";
}

TEST(AddressVectors, DatesAreThoseOfHeaders) {
    constexpr std::size_t kRows = 28;
    test::count_shared_cases("dates", kRows);
    const auto folder = test::shared_file("vectors/address");
    if (!folder) GTEST_SKIP() << "no shared vectors";
    std::ifstream file(*folder / "dates.tsv");
    std::size_t rows = 0;
    std::string line;
    std::getline(file, line);  // the names of the columns
    while (std::getline(file, line)) {
        const auto columns = base::split(line, '\t');
        ASSERT_GE(columns.size(), 2U) << line;
        std::string date(columns[0]);
        replace_all(date, "\\r\\n", "\r\n");
        const auto parsed = inspect::mime::parse_date(date);
        const auto said = parsed ? std::to_string(*parsed) : std::string("invalid");
        EXPECT_EQ(said, columns[1]) << date;
        ++rows;
    }
    EXPECT_EQ(rows, kRows);
    std::cout << "dates: " << rows << " rows\n";
}

}  // namespace
}  // namespace gatehouse
