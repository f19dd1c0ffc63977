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

}  // namespace
}  // namespace gatehouse::base
