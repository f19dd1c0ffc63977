// Messages made to show one thing to a filter and another to a mail client (vectors/mime-evasion,
// mime-broken), and ordinary mail (the SpamAssassin corpus). A payload has to be found in a decoded part, or
// the message has to be called ambiguous, because then policy can refuse it; ordinary mail must not be.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "base/text.h"
#include "inspect/mime/decode.h"
#include "inspect/mime/parser.h"
#include "support/shared_data.h"

namespace gatehouse::inspect::mime {
namespace {

constexpr std::size_t kPlenty = 64U << 20;
constexpr std::size_t kEvasionCases = 148;
constexpr std::size_t kBrokenCases = 353;
constexpr std::size_t kCorpusMessages = 6046;

/// What a gateway would see of one message.
struct Seen {
    AnomalySet anomalies;
    std::vector<std::string> contents;
    std::vector<std::string> names;

    bool holds(std::string_view payload) const {
        return std::ranges::any_of(
            contents, [&](const auto& bytes) { return bytes.find(payload) != std::string::npos; });
    }
    bool has_name(std::string_view extension) const {
        return std::ranges::any_of(names,
                                   [&](const auto& name) { return base::iends_with(name, extension); });
    }
    bool is_refused() const { return anomalies.has(Weight::ambiguous) || anomalies.has(Weight::limit); }
};

Seen look(std::string_view raw) {
    const Structure structure = parse(raw);
    Seen seen;
    seen.anomalies = structure.kinds;
    for (const Part& part : structure.parts) {
        if (!part.file_name.empty()) seen.names.push_back(part.file_name);
        seen.names.insert(seen.names.end(), part.other_file_names.begin(), part.other_file_names.end());
        if (!part.is_leaf()) continue;
        const DecodedBody body = decode_body(structure, part, kPlenty);
        seen.anomalies.merge(body.anomalies());
        seen.contents.emplace_back(body.bytes());
        for (const UuencodedFile& file : find_uuencoded(body.bytes(), 10)) {
            seen.contents.push_back(
                decode_uuencode(body.bytes().substr(file.begin, file.end - file.begin), kPlenty).bytes);
        }
    }
    return seen;
}

/// The rows of an index, by the first column.
std::map<std::string, std::vector<std::string>> read_index(const std::filesystem::path& path) {
    std::map<std::string, std::vector<std::string>> rows;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        std::vector<std::string> columns;
        for (const std::string_view column : base::split(line, '\t')) columns.emplace_back(column);
        rows[columns[0]] = columns;
    }
    return rows;
}

std::string base_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

/// The EICAR test string, which stands nowhere in the clear.
std::string eicar() {
    return decode_base64(
               "WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0NDKTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1URVNULUZJTEUhJEgrSCo=",
               100)
        .bytes;
}

TEST(MimeEvasion, PayloadsAreFoundOrTheMessageIsAmbiguous) {
    test::count_shared_cases("mime-evasion", kEvasionCases);
    const auto archive = test::shared_file("vectors/mime-evasion/eml.tar.zst");
    const auto index_file = test::shared_file("vectors/mime-evasion/index.tsv");
    if (!archive || !index_file) GTEST_SKIP() << "no vectors/mime-evasion";
    const auto index = read_index(*index_file);
    const std::string payload = eicar();
    std::size_t cases = 0;
    std::size_t found = 0;
    ASSERT_TRUE(test::for_each_file(*archive, [&](const std::string& path, std::string_view raw) {
        const auto& row = index.at(base_name(path));
        const std::string& family = row[1];
        const std::string& expect = row[4];
        const Seen seen = look(raw);
        ++cases;
        found += seen.holds(payload) ? 1 : 0;
        const bool opened_elsewhere = family == "archive" || family == "document";  // not a matter of MIME
        if (expect == "clean" || opened_elsewhere) {
            EXPECT_FALSE(seen.is_refused()) << path;
        } else if (family == "filename") {
            const bool hidden = path.find("content-lies") != std::string::npos;
            EXPECT_TRUE(hidden || std::ranges::any_of(seen.names,
                                                      [](const auto& name) {
                                                          return name.find(".exe") != std::string::npos;
                                                      }))
                << path;
        } else {
            EXPECT_TRUE(seen.holds(payload) || (expect == "virus-or-malformed" && seen.is_refused())) << path;
        }
    }));
    EXPECT_EQ(cases, kEvasionCases);
    std::cout << cases << " messages, the payload stands in a part of " << found << "\n";
}

TEST(MimeBroken, PayloadsAreFoundOrTheMessageIsAmbiguous) {
    test::count_shared_cases("mime-broken", kBrokenCases);
    const auto archive = test::shared_file("vectors/mime-broken/eml.tar.zst");
    const auto index_file = test::shared_file("vectors/mime-broken/index.tsv");
    if (!archive || !index_file) GTEST_SKIP() << "no vectors/mime-broken";
    const auto index = read_index(*index_file);
    std::map<std::string, Seen> messages;
    ASSERT_TRUE(test::for_each_file(*archive, [&](const std::string& path, std::string_view raw) {
        messages[base_name(path)] = look(raw);
    }));
    EXPECT_EQ(messages.size(), kBrokenCases);
    const std::string payload = messages.at("071-content.eml").contents.at(1);  // the plain one
    ASSERT_TRUE(payload.starts_with("PK"));
    std::size_t found = 0;
    for (const auto& [name, seen] : messages) {
        const auto& row = index.at(name);
        const bool valid = row[3] == "2" || row[3] == "3";
        if (row[1] == "content") {
            found += seen.holds(payload) ? 1 : 0;
            EXPECT_TRUE(seen.holds(payload) || (!valid && seen.is_refused())) << name << " " << row[2];
            EXPECT_FALSE(valid && seen.is_refused()) << name << " " << row[2];
        } else {
            const std::string_view wanted = row[2].ends_with(".png") ? ".png" : ".zip";
            EXPECT_TRUE(seen.has_name(wanted) || seen.is_refused()) << name << " " << row[2];
        }
    }
    std::cout << messages.size() << " messages, the payload stands in a part of " << found << "\n";
}

TEST(OrdinaryMail, IsReadWholeAndIsNotAmbiguous) {
    test::count_shared_cases("mime-corpus", kCorpusMessages);
    const auto archive = test::shared_file("data/mail/spamassassin-public-corpus.tar.zst");
    if (!archive) GTEST_SKIP() << "no SpamAssassin corpus";
    std::size_t messages = 0;
    std::size_t ham = 0;
    std::size_t ambiguous_ham = 0;
    ASSERT_TRUE(test::for_each_file(*archive, [&](const std::string& path, std::string_view raw) {
        if (path.ends_with("index.tsv")) return;
        const Seen seen = look(raw);
        ++messages;
        EXPECT_FALSE(seen.anomalies.has(Weight::limit)) << path;
        if (path.find("ham/") == std::string::npos) return;
        ++ham;
        ambiguous_ham += seen.anomalies.has(Weight::ambiguous) ? 1 : 0;
    }));
    EXPECT_EQ(messages, kCorpusMessages);
    EXPECT_LE(ambiguous_ham, 2U) << "of " << ham;
    std::cout << messages << " messages, " << ambiguous_ham << " of " << ham << " wanted ones ambiguous\n";
}

}  // namespace
}  // namespace gatehouse::inspect::mime
