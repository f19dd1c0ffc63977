#include "base/reference.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace gatehouse::base {
namespace {

TEST(Reference, RoundTripsTextAndBytes) {
    const auto time = parse_rfc3339("2026-06-01T10:20:30Z").value();
    const auto reference = Reference::make(time, 0xA5, 0x2FEDCBA9);
    const auto text = reference.to_string();
    EXPECT_EQ(text.size(), 19U);
    EXPECT_EQ(Reference::parse(text).value(), reference);
    EXPECT_EQ(Reference::from_bytes(reference.to_bytes()).value(), reference);
    EXPECT_EQ(reference.time(), time);
}

TEST(Reference, ReadsWhatPeopleType) {
    const auto reference = Reference::parse("7Q3K-M8TD-0VZ2-6XNB").value();
    EXPECT_EQ(reference.to_string(), "7Q3K-M8TD-0VZ2-6XNB");
    EXPECT_EQ(Reference::parse("7q3km8tdovz26xnb").value(), reference);
    EXPECT_FALSE(Reference::parse("7Q3K-M8TD"));
    EXPECT_FALSE(Reference::parse("7Q3K-M8TD-0VZ2-6XN!"));
    EXPECT_EQ(normalise_reference_prefix("7q3k-m8td"), "7Q3KM8TD");
    EXPECT_FALSE(normalise_reference_prefix("7q3k"));
}

TEST(Reference, SortsByTime) {
    const auto first = parse_rfc3339("2026-06-01T10:20:30Z").value();
    const auto early = Reference::make(first, 255, 0x3FFFFFFF);
    const auto late = Reference::make(first + std::chrono::milliseconds(1), 0, 0);
    EXPECT_LT(early.to_bytes(), late.to_bytes());
    EXPECT_LT(early.to_string(), late.to_string());
}

TEST(Reference, PrefixesBecomeRanges) {
    const auto whole = Reference::parse("7Q3K-M8TD-0VZ2-6XNB").value();
    for (std::size_t symbols = 8; symbols <= 16; ++symbols) {
        const auto range = parse_reference_prefix(std::string("7q3km8td0vz26xnb").substr(0, symbols));
        ASSERT_TRUE(range);
        EXPECT_LE(range->first, whole);
        EXPECT_GE(range->last, whole);
        EXPECT_EQ(range->first.to_string().back(), symbols == 16 ? 'B' : '0');
    }
    const auto range = parse_reference_prefix("7Q3K-M8TD").value();
    EXPECT_EQ(range.first.to_string(), "7Q3K-M8TD-0000-0000");
    EXPECT_EQ(range.last.to_string(), "7Q3K-M8TD-ZZZZ-ZZZZ");
    EXPECT_FALSE(parse_reference_prefix("7Q3K-M8T"));
    EXPECT_FALSE(parse_reference_prefix("7Q3K-M8TD-0VZ2-6XNB-0"));
}

TEST(ItemId, RoundTripsTextAndFileName) {
    const auto id = ItemId::parse("7q3k-m8td-0vz2-6xnb/12").value();
    EXPECT_EQ(id.to_string(), "7Q3K-M8TD-0VZ2-6XNB/12");
    EXPECT_EQ(id.to_file_name(), "7Q3K-M8TD-0VZ2-6XNB-12");
    EXPECT_EQ(ItemId::from_file_name(id.to_file_name()), id);
    for (const auto* bad : {"", "7Q3K-M8TD-0VZ2-6XNB", "7Q3K-M8TD-0VZ2-6XNB/", "7Q3K-M8TD-0VZ2-6XNB/0",
                            "7Q3K-M8TD-0VZ2-6XNB/01", "7Q3K-M8TD-0VZ2-6XNB/1/2", "7Q3K-M8TD/1",
                            "7Q3K-M8TD-0VZ2-6XNB/99999999999", "/1", "../../etc/passwd"}) {
        EXPECT_FALSE(ItemId::parse(bad)) << bad;
    }
    for (const auto* bad :
         {"", "7Q3K-M8TD-0VZ2-6XNB", "7q3k-m8td-0vz2-6xnb-1", "7Q3K-M8TD-0VZ2-6XNB-1.new"}) {
        EXPECT_FALSE(ItemId::from_file_name(bad)) << bad;
    }
}

}  // namespace
}  // namespace gatehouse::base
