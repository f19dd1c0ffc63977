#include "base/other_names.h"

#include <gtest/gtest.h>

namespace gatehouse::base {
namespace {

TEST(OtherNames, TheNameOfAnotherProgramComesBeforeTheNearest) {
    EXPECT_EQ(did_you_mean("rule.when", "or", {"any", "all", "none"}), "; did you mean rule.when.any?");
    EXPECT_EQ(did_you_mean("smtp", "mynetworks", {"listen"}), "; did you mean smtp.permitted_senders?");
    EXPECT_EQ(did_you_mean("smtp", "listne", {"listen", "hostname"}), "; did you mean listen?");
    EXPECT_EQ(did_you_mean("smtp", "quite_another", {"listen", "hostname"}), "");
    EXPECT_EQ(did_you_mean("next_hop", "mynetworks", {}), "") << "it means nothing in this table";
    EXPECT_EQ(did_you_mean("rule", "priority", {}),
              "; did you mean to move the rule? Rules run in the order they are written");
}

}  // namespace
}  // namespace gatehouse::base
