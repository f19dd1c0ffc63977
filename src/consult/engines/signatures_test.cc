#include "consult/engines/signatures.h"

#include <gtest/gtest.h>

#include "base/fd.h"
#include "base/text.h"
#include "base/time.h"
#include "consult/engines/clamd_reply.h"
#include "support/eicar.h"

namespace gatehouse::consult::engines {
namespace {

using namespace std::chrono_literals;

std::string cvd(std::string_view fields) {
    std::string out(fields);
    out.resize(kCvdHeaderSize, ' ');
    return out;
}

constexpr std::string_view kDaily =
    "ClamAV-VDB:05 Jan 2026 09-00 "
    "+0000:27500:2078123:90:d41d8cd98f00b204e9800998ecf8427e:sig:builder:1767603600";

base::WallTime at(std::string_view text) {
    return base::parse_rfc3339(text).value();
}

DatabaseFile file(std::string name, std::string_view changed) {
    return {.name = std::move(name), .size = 100, .changed = at(changed), .header = {}};
}

TEST(Signatures, OurFileKnowsEicarAndTheGeneration) {
    const auto text = own_signatures(0xabc);
    EXPECT_TRUE(text.contains(base::to_hex(testing::eicar())));
    EXPECT_TRUE(
        text.contains("Gatehouse.Generation.0000000000000abc:0:0:" + base::to_hex(generation_probe())));
    EXPECT_FALSE(text.contains(testing::eicar()));
    for (const auto line : base::split(text, '\n')) {
        if (line.empty()) continue;
        EXPECT_EQ(base::split(line, ':').size(), 4U) << line;
    }
}

TEST(Signatures, NoProgramHoldsThePlainString) {
    // This one has our signature file and the tests' encoded copy in it.
    const auto program = base::read_file("/proc/self/exe", std::size_t{1} << 30);
    ASSERT_TRUE(program);
    EXPECT_FALSE(program->contains(testing::eicar().substr(20, 30)));
}

TEST(Signatures, HeadersOfSignedDatabases) {
    const auto header = parse_cvd_header(cvd(kDaily));
    ASSERT_TRUE(header);
    EXPECT_EQ(header->version, 27500U);
    EXPECT_EQ(header->signatures, 2'078'123U);
    EXPECT_EQ(base::to_rfc3339(header->built), "2026-01-05T09:00:00Z");
}

TEST(Signatures, BrokenHeadersAreNone) {
    EXPECT_FALSE(parse_cvd_header(""));
    EXPECT_FALSE(parse_cvd_header(kDaily)) << "shorter than 512 bytes";
    EXPECT_FALSE(parse_cvd_header(cvd("ClamAV-VDB:")));
    EXPECT_FALSE(parse_cvd_header(cvd("ClamAV-VDX:a:1:2:3:4:5:6:7")));
    EXPECT_FALSE(parse_cvd_header(cvd("ClamAV-VDB:a:x:2:3:4:5:6:7")));
    EXPECT_FALSE(parse_cvd_header(cvd("ClamAV-VDB:a:1:2:3:4:5:6:-7")));
    EXPECT_FALSE(parse_cvd_header(cvd("ClamAV-VDB:a:1:2:3:4:5:6:99999999999999")));
    EXPECT_FALSE(parse_cvd_header(std::string(kCvdHeaderSize, ':')));
}

TEST(Signatures, NamesThatAreTaken) {
    for (const auto* good : {"main.cvd", "daily.cld", "my-own_1.ndb", "x.yara", "a.ign2"}) {
        EXPECT_TRUE(is_database_name(good)) << good;
    }
    for (const auto* bad : {"", "main", ".cvd", ".hidden.ndb", "gatehouse.ndb", "a b.ndb", "a/b.ndb", "x.cbc",
                            "x.pwdb", "freshclam.dat", "mirrors.dat", "x.ndb.new", "\xc3\xa4.ndb"}) {
        EXPECT_FALSE(is_database_name(bad)) << bad;
    }
    std::string endless(500, 'x');
    endless += ".ndb";
    EXPECT_FALSE(is_database_name(endless));
}

TEST(Signatures, TheGenerationFollowsTheFiles) {
    const auto one =
        make_database_set({file("a.ndb", "2026-01-01T00:00:00Z"), file("b.ndb", "2026-01-01T00:00:00Z")});
    const auto other_order =
        make_database_set({file("b.ndb", "2026-01-01T00:00:00Z"), file("a.ndb", "2026-01-01T00:00:00Z")});
    const auto touched =
        make_database_set({file("a.ndb", "2026-01-01T00:00:01Z"), file("b.ndb", "2026-01-01T00:00:00Z")});
    auto longer_file = file("a.ndb", "2026-01-01T00:00:00Z");
    longer_file.size = 101;
    const auto longer = make_database_set({longer_file, file("b.ndb", "2026-01-01T00:00:00Z")});
    const auto none = make_database_set({});
    EXPECT_EQ(one.generation, other_order.generation);
    EXPECT_NE(one.generation, touched.generation);
    EXPECT_NE(one.generation, longer.generation);
    EXPECT_NE(none.generation, one.generation);
    EXPECT_NE(none.generation, 0U);
    EXPECT_EQ(none.generation, make_database_set({}).generation);
}

TEST(Signatures, AgeComesFromTheNewestSignedDatabase) {
    auto daily = file("daily.cvd", "2026-02-01T00:00:00Z");
    daily.header = parse_cvd_header(cvd(kDaily));
    auto set = make_database_set({daily, file("own.ndb", "2026-03-01T00:00:00Z")});
    EXPECT_EQ(describe(set, at("2026-01-17T10:00:00Z")),
              "database of 2026-01-05 (12 days old), 2,078,123 signatures");
    EXPECT_EQ(describe(set, at("2026-01-06T10:00:00Z")),
              "database of 2026-01-05 (1 day old), 2,078,123 signatures");
    EXPECT_EQ(describe(set, at("2026-01-05T10:00:00Z")),
              "database of 2026-01-05 (today), 2,078,123 signatures");
    EXPECT_EQ(age_of(set, at("2020-01-01T00:00:00Z")), std::chrono::days(0)) << "a clock that is wrong";
    set.problem = "3 files of /x could not be taken";
    EXPECT_TRUE(describe(set, at("2026-01-05T10:00:00Z")).ends_with("; 3 files of /x could not be taken"));
}

TEST(Signatures, WithoutSignedDatabasesTheFilesTimesCount) {
    const auto set =
        make_database_set({file("a.ndb", "2026-01-01T00:00:00Z"), file("b.ndb", "2026-01-03T00:00:00Z")});
    EXPECT_EQ(describe(set, at("2026-01-04T00:00:00Z")), "database of 2026-01-03 (1 day old)");
}

TEST(Signatures, OurOwnAloneIsSaidPlainly) {
    const auto set = make_database_set({});
    EXPECT_EQ(age_of(set, at("2026-01-04T00:00:00Z")), std::nullopt);
    EXPECT_TRUE(describe(set, at("2026-01-04T00:00:00Z")).contains("EICAR test file and nothing else"));
}

}  // namespace
}  // namespace gatehouse::consult::engines
