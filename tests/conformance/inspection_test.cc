// What inspection itself finds, without any third-party engine: every payload of vectors/mime-evasion stands
// in a part or a member that was looked at, or what was not looked at is named.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "base/text.h"
#include "inspect/engine/engine.h"
#include "support/eicar.h"
#include "support/shared_data.h"

namespace gatehouse::inspect::engine {
namespace {

constexpr std::size_t kEvasionCases = 148;

/// A detector that knows one string.
thread_local std::string wanted;
thread_local bool was_seen = false;

constexpr detect::Info kSeeker{"seeker", "", "", detect::Stage::part, {}, nullptr, ""};

detect::Finding seek(const detect::Object& object, const detect::MessageFacts&, base::Budget&,
                     const Settings&) {
    was_seen = was_seen || object.bytes.find(wanted) != std::string_view::npos;
    return {};
}

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

struct Outcome {
    bool is_found = false;
    bool has_gap = false;
    bool has_evidence = false;
};

Outcome look(std::string_view raw) {
    Settings settings;
    std::vector<Detector> detectors{{&kSeeker, seek}};
    detectors.insert(detectors.end(), catalogue().begin(), catalogue().end());
    was_seen = false;
    const auto facts = inspect({.raw = raw, .settings = settings, .detectors = detectors});
    const bool noted = std::ranges::any_of(
        facts.evidence, [](const message::Evidence& evidence) { return !evidence.id.starts_with("mime."); });
    return {was_seen, !facts.coverage.is_complete(), noted};
}

TEST(Inspection, PayloadsOfTheEvasionSetAreReachedOrNamed) {
    test::count_shared_cases("mime-evasion, inspected", kEvasionCases);
    const auto archive = test::shared_file("vectors/mime-evasion/eml.tar.zst");
    const auto index_file = test::shared_file("vectors/mime-evasion/index.tsv");
    if (!archive || !index_file) GTEST_SKIP() << "no vectors/mime-evasion";
    const auto index = read_index(*index_file);
    wanted = testing::eicar();
    std::map<std::string, int> counts;
    ASSERT_TRUE(test::for_each_file(*archive, [&](const std::string& path, std::string_view raw) {
        const auto& row = index.at(base_name(path));
        const auto& expect = row[4];
        const auto seen = look(raw);
        const std::string result = seen.is_found       ? "reached"
                                   : seen.has_gap      ? "gap"
                                   : seen.has_evidence ? "named"
                                                       : "nothing";
        ++counts[expect + ": " + result];
        if (expect == "clean") {
            EXPECT_FALSE(seen.is_found || seen.has_gap) << path;
        } else if (expect == "virus" && row[1] != "filename") {
            EXPECT_TRUE(seen.is_found) << path << " " << row[2];
        } else if (row[1] != "filename") {
            EXPECT_TRUE(seen.is_found || seen.has_gap || seen.has_evidence) << path << " " << row[2];
        }
    }));
    for (const auto& [what, count] : counts) std::cout << what << " " << count << "\n";
}

/// One attachment, as binary, so that nothing has to be encoded.
std::string mail_of(std::string_view name, std::string_view bytes) {
    return "Content-Type: multipart/mixed; boundary=\"gatehouse-inspection-test\"\r\n\r\n"
           "--gatehouse-inspection-test\r\nContent-Type: application/octet-stream; name=\"" +
           std::string(name) + "\"\r\nContent-Transfer-Encoding: binary\r\n\r\n" + std::string(bytes) +
           "\r\n--gatehouse-inspection-test--\r\n";
}

/// Gaps of the files of a corpus, by what they say.
std::map<std::string, std::vector<std::string>> gaps_of(const std::filesystem::path& archive,
                                                        std::size_t& files) {
    std::map<std::string, std::vector<std::string>> out;
    EXPECT_TRUE(test::for_each_file(archive, [&](const std::string& path, std::string_view bytes) {
        if (base_name(path) == "index.tsv") return;
        ++files;
        const Settings settings;
        const auto facts =
            inspect({.raw = mail_of(base_name(path), bytes), .settings = settings, .detectors = catalogue()});
        for (const auto& gap : facts.coverage.gaps)
            out[std::string(message::to_string(gap.reason)) + ": " + gap.text].push_back(path);
    }));
    return out;
}

/// Streams of this one are said to be longer than the file.
bool is_damaged_on_purpose(const std::string& path) {
    return base_name(path) == "poifs_unknown_properties.msg";
}

TEST(Inspection, OrdinaryFilesHaveNoGapsButForWhatIsClosed) {
    std::size_t files = 0;
    for (const std::string corpus :
         {"data/office/office-documents-dev.tar.zst", "data/office/scripts-benign-dev.tar.zst",
          "data/pe/pe-packed-notpacked-dev.tar.zst", "data/av/clamav-testfiles.tar.zst"}) {
        const auto archive = test::shared_file(corpus);
        if (!archive) GTEST_SKIP() << "no " << corpus;
        for (const auto& [what, paths] : gaps_of(*archive, files)) {
            EXPECT_FALSE((what.starts_with("corrupt") || what.starts_with("too_")) &&
                         !std::ranges::all_of(paths, is_damaged_on_purpose))
                << what << " " << ::testing::PrintToString(paths);
            std::cout << corpus << ": " << what << ": " << paths.size() << ", as " << paths.front() << "\n";
        }
    }
}

}  // namespace
}  // namespace gatehouse::inspect::engine
