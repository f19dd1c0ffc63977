#include "inspect/mime/date.h"

#include <gtest/gtest.h>

namespace gatehouse::inspect::mime {
namespace {

constexpr std::int64_t kTime = 1'780'308'000;

TEST(Date, IsReadInItsManyForms) {
    for (const auto* text : {"Mon, 01 Jun 2026 10:00:00 +0000", "1 jun 26 10:00 Z",
                             "Mon 1 Jun 126 10 : 00 : 00 (x(y)) GMT", "Monday, 01 Jun 2026 12:30:00 +0230",
                             "01 Jun 2026 02:00:00 PST", "Tue,\r\n 01 Jun 2026 10:00:00 K"})
        EXPECT_EQ(parse_date(text), kTime) << text;
    EXPECT_EQ(parse_date("1 Jan 1970 00:00 +0000"), 0);
    EXPECT_EQ(parse_date("1 Jan 50 00:00 +0000"), parse_date("1 Jan 1950 00:00 +0000"));
}

TEST(Date, IsNothingElse) {
    for (const auto* text :
         {"", ",", "(", "Mon", "Foo, 1 Jun 2026 10:00 Z", "31 Jun 2026 10:00 Z", "1 Jun 2026 10:00",
          "1 Jun 2026 10:00 +00", "1 Jun 2026 10:00 J", "1 Jun 2026 24:00 Z", "1 Jun 2026 10:60 Z",
          "1 Jun 2026 10:00:61 Z", "1 Jun 20261 10:00 Z", "1 Jun 2026 10:00 Z x", "0 Jun 2026 10:00 Z"})
        EXPECT_FALSE(parse_date(text)) << text;
    EXPECT_FALSE(parse_date(std::string(100'000, '(')));
}

}  // namespace
}  // namespace gatehouse::inspect::mime
