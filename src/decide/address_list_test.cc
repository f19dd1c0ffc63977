#include "decide/address_list.h"

#include <gtest/gtest.h>

namespace gatehouse::decide {
namespace {

struct Case {
    std::string_view pattern;
    std::string_view address;
    bool matches;
};

TEST(AddressList, PatternsMatchAsDocumented) {
    const std::vector<Case> cases{
        {"user@example.com", "user@example.com", true},
        {"user@example.com", "user@EXAMPLE.com", true},
        {"user@example.com", "user@example.com.", true},
        {"user@Example.COM", "user@example.com", true},
        {"user@example.com", "User@example.com", false},  // local parts are opaque
        {"user@example.com", "other@example.com", false},
        {"user@example.com", "user@sub.example.com", false},
        {"*@example.com", "anyone@example.com", true},
        {"*@example.com", "a@sub.example.com", false},
        {"*@example.com", "a@badexample.com", false},
        {"example.com", "a@Example.com", true},
        {"example.com", "a@x.example.com", false},
        {"*@*.example.com", "a@sub.example.com", true},
        {"*@*.example.com", "a@x.y.example.com", true},
        {"*@*.example.com", "a@example.com", false},
        {"*@*.example.com", "a@badexample.com", false},
        {"*.example.com", "a@x.example.com", true},
        {"*@*", "a@b", true},
        {"*@*", "", true},
        {"*", "Postmaster", true},
        {"<>", "", true},
        {"<>", "a@b", false},
        {"*@example.com", "", false},
        {"*@example.com", "Postmaster", false},
        {"*@example.com", "\"a@b\"@example.com", true},
        {"\"a@b\"@example.com", "\"a@b\"@example.com", true},
        {"\"a*b\"@example.com", "\"a*b\"@example.com", true},
        {"*@[192.0.2.1]", "a@[192.0.2.1]", true},
        {"*@m\xc3\xbcller.example", "a@m\xc3\xbcller.example", true},
        {"*@*.example.com", "a@.example.com", false},
    };
    for (const auto& one : cases) {
        const auto list = AddressList::make({std::string(one.pattern)});
        ASSERT_TRUE(list) << one.pattern << ": " << list.error().sentence;
        EXPECT_EQ(list->matches(Address(one.address)), one.matches) << one.pattern << " / " << one.address;
    }
}

TEST(AddressList, WhatIsNoPatternIsRefused) {
    for (const std::string_view bad :
         {"", "@", "@example.com", "user@", "us*r@example.com", "user@*", "user@*.example.com", "a@b..c",
          "*@.example.com", "*@example.*", "*@*.*", "a b@example.com c", "a@exa mple.com", "**@example.com",
          "*@", "example.com\n", "*@*."}) {
        EXPECT_FALSE(check_address_pattern(bad)) << bad;
    }
    EXPECT_FALSE(check_address_pattern("*@" + std::string(300, 'a')));
    EXPECT_FALSE(check_address_pattern(std::string(100'000, 'a')));
}

TEST(AddressList, AnEmptyListMatchesNobody) {
    const auto list = AddressList::make({});
    ASSERT_TRUE(list);
    EXPECT_TRUE(list->is_empty());
    EXPECT_FALSE(list->matches(Address("a@b")));
    EXPECT_FALSE(list->matches(Address("")));
}

TEST(AddressList, LongListsAndHostileAddresses) {
    std::vector<std::string> patterns;
    for (int i = 0; i < 50'000; ++i) {
        patterns.push_back("user" + std::to_string(i) + "@example.com");
        patterns.push_back("*@*.d" + std::to_string(i) + ".example.org");
    }
    const auto list = AddressList::make(patterns);
    ASSERT_TRUE(list);
    EXPECT_TRUE(list->matches(Address("user49999@example.com")));
    EXPECT_TRUE(list->matches(Address("x@a.b.d7.example.org")));
    std::string dots = "a@";
    for (int i = 0; i < 30'000; ++i) dots += "x.";
    for (int i = 0; i < 200; ++i) {
        const std::string outside = dots + "example.net";
        const std::string inside = dots + "d7.example.org";
        EXPECT_FALSE(list->matches(Address(outside)));
        EXPECT_TRUE(list->matches(Address(inside)));
    }
}

}  // namespace
}  // namespace gatehouse::decide
