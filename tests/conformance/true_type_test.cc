// True types of the documents, programs and containers of others (data/office, data/pe, data/av): by what
// their names say, which were given by programs and people who knew.
#include "inspect/format/true_type.h"

#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <set>
#include <string>

#include "base/text.h"
#include "support/shared_data.h"

namespace gatehouse::inspect::format {
namespace {

using Types = std::set<std::string, std::less<>>;

std::string extension_of(std::string_view name) {
    std::string out(name.substr(name.rfind('.') + 1));
    for (char& c : out) c = base::to_lower(c);
    return out;
}

/// Of files that are named like that; an encrypted document of the newer kind lies in a compound file.
const std::map<std::string, Types> kByExtension = {
    {"doc", {"doc"}},
    {"docm", {"docx", "ooxml-encrypted"}},
    {"docx", {"docx", "ooxml-encrypted"}},
    {"dot", {"doc"}},
    {"dotm", {"docx"}},
    {"dotx", {"docx"}},
    {"exe", {"pe", "ne", "dos-exe"}},
    {"dll", {"pe"}},
    {"msg", {"msg"}},
    {"ppt", {"ppt"}},
    {"pptm", {"pptx", "ooxml-encrypted"}},
    {"pptx", {"pptx", "ooxml-encrypted"}},
    {"ppsx", {"pptx"}},
    {"pub", {"pub"}},
    {"rtf", {"rtf"}},
    {"vsd", {"visio"}},
    {"vsdx", {"vsdx"}},
    {"xls", {"xls"}},
    {"xlsb", {"xlsb", "ooxml-encrypted"}},
    {"xlsm", {"xlsx", "ooxml-encrypted"}},
    {"xlsx", {"xlsx", "ooxml-encrypted"}},
    {"xltm", {"xlsx"}},
    {"xltx", {"xlsx"}},
    {"7z", {"7z"}},
    {"arj", {"arj"}},
    {"binhex", {"binhex"}},
    {"bz2", {"bz2"}},
    {"cab", {"cab"}},
    {"chm", {"chm"}},
    {"cpio", {"cpio"}},
    {"gz", {"gz"}},
    {"html", {"html"}},
    {"pdf", {"pdf"}},
    {"odp", {"odp"}},
    {"ods", {"ods"}},
    {"odt", {"odt"}},
    {"sis", {"sis"}},
    {"szdd", {"szdd"}},
    {"tgz", {"gz"}},
    {"tnef", {"tnef"}},
    {"zip", {"zip"}},
};

struct Source {
    const char* tar;
    const char* name;
    std::size_t files;  ///< with a name that we go by
    friend void PrintTo(const Source& source, std::ostream* out) { *out << source.tar; }
};

class Corpus : public ::testing::TestWithParam<Source> {};

TEST_P(Corpus, FilesAreWhatTheirNamesSay) {
    test::count_shared_cases(GetParam().name, GetParam().files);
    const auto tar = test::shared_file(GetParam().tar);
    if (!tar) GTEST_SKIP() << "the shared corpora are absent";
    std::size_t seen = 0;
    ASSERT_TRUE(test::for_each_file(*tar, [&](const std::string& name, std::string_view bytes) {
        const auto expected = kByExtension.find(extension_of(name));
        const auto type = true_type(bytes).name;
        if (expected == kByExtension.end()) return;
        ++seen;
        EXPECT_TRUE(expected->second.contains(type)) << name << " is " << type;
    }));
    EXPECT_EQ(seen, GetParam().files);
}

INSTANTIATE_TEST_SUITE_P(
    TrueType, Corpus,
    ::testing::Values(Source{"data/office/office-documents-dev.tar.zst", "true-type-office", 397},
                      Source{"data/pe/pe-packed-notpacked-dev.tar.zst", "true-type-pe", 356},
                      Source{"data/av/clamav-testfiles.tar.zst", "true-type-av", 41}),
    [](const auto& one) { return std::string(one.param.name).substr(10); });

}  // namespace
}  // namespace gatehouse::inspect::format
