#include "settings/text/changes.h"

#include <gtest/gtest.h>

#include <array>

#include "settings/text/parse.h"

namespace gatehouse::settings::text {
namespace {

using base::field;
using base::make_table;
using base::Reload;

struct Limits {
    std::int64_t idle = 300;
    std::int64_t threads = 0;
};
constexpr std::array kLimitFields{
    field<&Limits::idle>("idle", "patience", {.min = 1, .unit = "s", .reload = Reload::live}),
    field<&Limits::threads>("threads", "loops", {.min = 0})};
constexpr auto kLimits = make_table<Limits>("limits", "bounds", kLimitFields);

struct Rule {
    std::string name;
};
constexpr std::array kRuleFields{field<&Rule::name>("name", "its name", {.reload = Reload::live})};
constexpr auto kRule = make_table<Rule>("rule", "a rule", kRuleFields, true);
constexpr auto kWhen = make_table<Rule>("rule.when", "its condition", kRuleFields);

std::string told(std::string_view before, std::string_view after) {
    const Catalogue catalogue(
        {{File::gatehouse, &kLimits}, {File::policy, &kRule, true}, {File::policy, &kWhen, true}});
    const auto trees = [](std::string_view text) {
        auto tree = parse(text, "x").value();
        return Trees{.gatehouse = tree, .settings = {}, .policy = tree};
    };
    std::string out;
    for (const auto& change : changes(catalogue, trees(before), trees(after))) {
        out += change.key + (change.reload == Reload::live ? " live, " : " restart, ");
    }
    return out;
}

TEST(Changes, NamesWhatDiffersAndWhatItTakes) {
    EXPECT_EQ(told("", ""), "");
    EXPECT_EQ(told("", "[limits]\nidle = 10"), "limits.idle live, ");
    EXPECT_EQ(told("[limits]\nthreads = 2", "[limits]\nidle = 10\nthreads = 3"),
              "limits.idle live, limits.threads restart, ");
}

TEST(Changes, TheDefaultWrittenOutIsNoChange) {
    EXPECT_EQ(told("[limits]\nidle = 300", ""), "");
    EXPECT_EQ(told("[limits]\nidle = 300", "[limits]\nthreads = 0"), "");
}

TEST(Changes, AnArrayIsOneKeyWithWhatIsInIt) {
    EXPECT_EQ(told("", "[[rule]]\nname = 'a'"), "rule live, ");
    EXPECT_EQ(told("[[rule]]\nname = 'a'", "[[rule]]\nname = 'b'"), "rule live, ");
    EXPECT_EQ(
        told("[[rule]]\nname = 'a'\nwhen = { name = 'x' }", "[[rule]]\nname = 'a'\nwhen = { name = 'y' }"),
        "rule live, ");
    EXPECT_EQ(told("[[rule]]\nname = 'a'", "[[rule]]\nname = 'a'"), "");
}

}  // namespace
}  // namespace gatehouse::settings::text
