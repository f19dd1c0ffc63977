#include "base/fault_point.h"

#include <gtest/gtest.h>

#include <new>

namespace gatehouse::base {
namespace {

TEST(FaultPoints, AreRefusedOutsideTestsAndFireOnce) {
    EXPECT_FALSE(FaultPoints::arm("front.before_journal", 1, "error"));
    FaultPoints::allow();
    EXPECT_TRUE(FaultPoints::pass(FaultPoint::front_before_journal));
    ASSERT_TRUE(FaultPoints::arm("front.before_journal", 2, "error"));
    EXPECT_TRUE(FaultPoints::pass(FaultPoint::front_after_journal));
    EXPECT_TRUE(FaultPoints::pass(FaultPoint::front_before_journal));
    EXPECT_FALSE(FaultPoints::pass(FaultPoint::front_before_journal));
    EXPECT_TRUE(FaultPoints::pass(FaultPoint::front_before_journal));
    EXPECT_NE(
        FaultPoints::arm("front.before_jurnal", 1, "error").error().sentence.find("front.before_journal"),
        std::string::npos);
    EXPECT_FALSE(FaultPoints::arm("front.before_journal", 1, "stall:0"));
    EXPECT_FALSE(FaultPoints::arm("front.before_journal", 1, "stall:x"));
    EXPECT_TRUE(FaultPoints::arm("front.before_item", 1, "stall:5"));
    ASSERT_TRUE(FaultPoints::arm("front.before_item", 1, "memory"));
    EXPECT_THROW((void)FaultPoints::pass(FaultPoint::front_before_item), std::bad_alloc);
    EXPECT_TRUE(FaultPoints::pass(FaultPoint::front_before_item));
    EXPECT_EXIT(
        {
            (void)FaultPoints::arm("front.after_journal", 1, "kill");
            (void)FaultPoints::pass(FaultPoint::front_after_journal);
        },
        ::testing::KilledBySignal(9), "");
}

}  // namespace
}  // namespace gatehouse::base
