#include <gtest/gtest.h>

#include <fmt/format.h>
#include <random>

#include "inspect/find/min_hash.h"
#include "inspect/find/similarity.h"

namespace gatehouse::inspect::find {
namespace {

std::uint32_t draw(std::mt19937& random) {
    return static_cast<std::uint32_t>(random());
}

std::string fingerprint(std::string_view text) {
    TextFingerprint all;
    all.add(text);
    return all.finish();
}

/// `count` words, the i-th by its number.
std::string words(const std::vector<std::uint32_t>& numbers) {
    std::string out;
    for (const auto number : numbers) out += fmt::format("w{} ", number);
    return out;
}

TEST(MinHash, KnowsAText) {
    const std::string text =
        "Dear customer, your account has been limited. Please confirm your data within 24 hours.";
    EXPECT_EQ(fingerprint(text).size(), 256U);
    EXPECT_EQ(equal_slots(fingerprint(text), fingerprint(text)), 64U);
    EXPECT_EQ(
        fingerprint(
            "DEAR customer your\n\n  account has been limited please confirm your data within 24 hours"),
        fingerprint(text));
    EXPECT_EQ(fingerprint("Dear \xE2\x80\x9C"
                          "customer\xE2\x80\x9D, your\xC2\xA0"
                          "account has been limited. Please "
                          "confirm your data within 24 hours."),
              fingerprint(text));
    EXPECT_EQ(fingerprint("too few words"), "");
    EXPECT_EQ(equal_slots("", fingerprint(text)), 0U);
    EXPECT_NE(
        fingerprint("\xE4\xBD\xA0\xE5\xA5\xBD\xE4\xB8\x96\xE7\x95\x8C\xE4\xBD\xA0\xE5\xA5\xBD\xE6\x9C\x8B"
                    "\xE5\x8F\x8B\xE4\xBB\x8A\xE5\xA4\xA9\xE5\xA4\xA9\xE6\xB0\x94"),
        "");
}

/// The whole point: what part of the slots is equal is what part of the windows is shared.
TEST(MinHash, EqualSlotsEstimateTheJaccardIndex) {
    std::mt19937 random(7);
    for (const double share : {0.2, 0.5, 0.7, 0.9}) {
        double sum = 0;
        std::size_t same = 0;
        constexpr int kPairs = 400;
        for (int pair = 0; pair < kPairs; ++pair) {
            // Sets of windows a + common and b + common with |common| / |union| = share.
            const auto common = static_cast<std::size_t>(300 * share);
            std::vector<std::uint32_t> a(common);
            for (auto& one : a) one = draw(random);
            auto b = a;
            for (std::size_t i = 0; i < (300 - common) / 2; ++i) a.push_back(draw(random));
            for (std::size_t i = 0; i < 300 - common - (300 - common) / 2; ++i) b.push_back(draw(random));
            MinHash x{};
            x.fill(~0U);
            auto y = x;
            lower_slots(a.data(), a.size(), x);
            lower_slots(b.data(), b.size(), y);
            std::size_t equal = 0;
            for (std::size_t i = 0; i < kSlots; ++i) equal += x.at(i) == y.at(i);
            sum += static_cast<double>(equal) / kSlots;
            same += equal > kSameText;
        }
        EXPECT_NEAR(sum / kPairs, share, 0.02) << share;
        if (share <= 0.2) {
            EXPECT_EQ(same, 0U);
        }
        if (share >= 0.7) {
            EXPECT_GE(same, kPairs - 3U);
        }
    }
}

TEST(MinHash, SurvivesChangesOfCampaigns) {
    std::mt19937 random(3);
    std::vector<std::uint32_t> numbers(200);
    for (auto& one : numbers) one = draw(random) % 5000;
    auto other = numbers;
    for (int i = 0; i < 8; ++i) other.at(random() % other.size()) = draw(random);
    EXPECT_GT(equal_slots(fingerprint(words(numbers)), fingerprint(words(other))), kSameText);
    for (auto& one : other) one = draw(random) % 5000;
    EXPECT_LT(equal_slots(fingerprint(words(numbers)), fingerprint(words(other))), 5U);
}

std::string generated(std::size_t size) {
    std::string out;
    for (std::uint32_t i = 0, x = 12345; i < size; ++i) {
        x = x * 1103515245 + 12345;
        out += static_cast<char>(' ' + (x >> 16) % 64);
    }
    return out;
}

TEST(Similarity, IsWhatOtherProgramsMake) {
    // Figures of Debian's tlsh for the same bytes.
    EXPECT_EQ(similarity_digest(generated(300)),
              "T13CE0E7D5AD13791D0F57D89D1636FD44D304472DE534DA44150F61D8CD1C804E36DC75");
    EXPECT_EQ(similarity_digest(generated(2000)),
              "T129410C9C3491FD33410A4A5B0AD41A688C70E787A056CA5448DDE7A45F6D608E274DA3");
    EXPECT_EQ(similarity_digest(generated(70000)),
              "T1D363023C14EFAE07689FACCD5A522CD56E94C1E73977D6625C2AC505902BA83DBA030B");
    EXPECT_EQ(similarity_digest(std::string(1000, 'a')), "");
    EXPECT_EQ(similarity_digest(generated(49)), "");
}

TEST(Similarity, GrowsWithDifference) {
    const auto text = generated(20'000);
    auto near = text;
    near.insert(5000, "a few words more");
    const auto digest = similarity_digest(text);
    EXPECT_EQ(similarity_distance(digest, digest), 0);
    EXPECT_LT(similarity_distance(digest, similarity_digest(near)), 20);
    std::string far;
    for (int i = 0; i < 2000; ++i) far += fmt::format("{} green bottles\n", i);
    EXPECT_GT(similarity_distance(digest, similarity_digest(far)), 100);
    EXPECT_EQ(similarity_distance(digest, "T1"), -1);
}

TEST(Similarity, OfLargeFilesReadsBothEnds) {
    auto text = generated(3U << 20);
    const auto digest = similarity_digest(text);
    EXPECT_TRUE(digest.starts_with("P1"));
    text[text.size() / 2] = '!';
    EXPECT_EQ(similarity_digest(text), digest);
}

}  // namespace
}  // namespace gatehouse::inspect::find
