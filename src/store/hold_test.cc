#include "store/hold.h"

#include <gtest/gtest.h>

#include <optional>

#include "store/testing.h"

namespace gatehouse::store {
namespace {

TEST(Hold, TheSecondIsToldWhoHasIt) {
    const TemporaryFolder folder;
    std::optional<Hold> first(Hold::take(folder / "lock", "gatehouse-front").value());
    const auto second = Hold::take(folder / "lock", "gatehouse");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().fault, base::Fault::unavailable);
    EXPECT_NE(second.error().sentence.find("gatehouse-front (pid " + std::to_string(::getpid()) + ")"),
              std::string::npos);
    first.reset();
    EXPECT_TRUE(Hold::take(folder / "lock", "gatehouse"));
    EXPECT_FALSE(Hold::take(folder / "no/such/folder", "gatehouse"));
}

}  // namespace
}  // namespace gatehouse::store
