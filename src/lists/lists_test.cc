#include <gtest/gtest.h>

#include "base/test_support.h"
#include "lists/generation.h"

namespace gatehouse::lists {
namespace {

using base::Fault;

const GenerationInfo kInfo{"expressions", 7, 1'700'000'000, std::string(32, 's')};

TEST(Generation, ComesBackAsItWasMade) {
    const auto key = SigningKey::make();
    const auto bytes = make_generation(kInfo, "payload", &key);
    const auto read = read_generation(bytes, kExpressions, key.public_key());
    ASSERT_TRUE(read) << read.error().sentence;
    EXPECT_EQ(read->info, kInfo);
    EXPECT_EQ(read->payload, "payload");
    EXPECT_TRUE(read_generation(make_generation(kInfo, "", nullptr), kExpressions, std::nullopt));
}

TEST(Generation, EveryChangedByteIsSeen) {
    const auto key = SigningKey::make();
    const auto bytes = make_generation(kInfo, "payload", &key);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        auto other = bytes;
        other[i] = static_cast<char>(other[i] ^ 1);
        EXPECT_FALSE(read_generation(other, kExpressions, key.public_key())) << i;
    }
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(
            read_generation(std::string_view(bytes).substr(0, size), kExpressions, key.public_key()));
    EXPECT_FALSE(read_generation(bytes + "x", kExpressions, key.public_key()));
}

TEST(Generation, ForeignKeysKindsAndNewerFormatsAreRefusedByName) {
    const auto key = SigningKey::make();
    const auto foreign = SigningKey::make();
    auto bytes = make_generation(kInfo, "payload", &foreign);
    EXPECT_EQ(read_generation(bytes, kExpressions, key.public_key()).error().fault, Fault::refused);
    EXPECT_EQ(
        read_generation(make_generation(kInfo, "p", nullptr), kExpressions, key.public_key()).error().fault,
        Fault::refused);
    EXPECT_EQ(read_generation(bytes, "reputation", std::nullopt).error().fault, Fault::malformed);
    bytes[8] = 9;
    const auto newer = read_generation(bytes, kExpressions, std::nullopt);
    ASSERT_FALSE(newer);
    EXPECT_EQ(newer.error().sentence, "a list of format 9 was made by a newer Gatehouse; this one knows 1");
}

TEST(SigningKey, IsItsSeed) {
    const auto key = SigningKey::make();
    const auto again = SigningKey::from_seed(key.seed());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->public_key(), key.public_key());
    EXPECT_TRUE(is_signed_by("x", again->sign("x"), key.public_key()));
    EXPECT_FALSE(is_signed_by("y", again->sign("x"), key.public_key()));
    EXPECT_FALSE(SigningKey::from_seed("short"));
}

}  // namespace
}  // namespace gatehouse::lists
