// Configuration text: any bytes as TOML, then as settings and as policy. Checked: errors name the file and
// stay one line, a tree is never deeper than promised, and a policy that is accepted decides every message
// with exactly one terminal action, last.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "decide/evaluate.h"
#include "decide/make_policy.h"
#include "decide/settings.h"
#include "settings/text/catalogue.h"
#include "settings/text/parse.h"
#include "settings/text/render.h"

namespace {

using namespace gatehouse;

void require(bool holds) {
    if (!holds) std::abort();
}

void check_error(const base::Error& error) {
    require(error.sentence.find('\n') == std::string::npos);
    require(error.sentence.size() < 2000);
}

std::size_t depth_of(const base::Value& value) {
    std::size_t deepest = 0;
    if (const auto* table = value.table()) {
        for (const auto& [key, member] : *table) deepest = std::max(deepest, 1 + depth_of(member));
    }
    if (const auto* array = value.array()) {
        for (const auto& member : *array) deepest = std::max(deepest, 1 + depth_of(member));
    }
    return deepest;
}

void check_decision(const decide::Policy& policy) {
    message::Envelope envelope;
    envelope.sender = "a@example.org";
    envelope.recipients = {{"b@example.com", 0, ""}, {"c@x.example.com", 0, ""}};
    envelope.size = 40 << 20;
    message::Facts facts;
    facts.evidence.push_back({"a", "packer.x", "1", 0.5, 6, "", {}, "local"});
    facts.coverage.gaps.push_back({"2", message::GapReason::encrypted, "", ""});
    const message::Answers answers;
    const message::Circumstances circumstances;
    const auto decision = decide::evaluate({envelope, &facts, answers, circumstances}, policy);
    for (const auto& group : decision.groups) {
        require(!group.actions.empty() && decide::is_terminal(group.outcome().kind));
        require(std::count_if(group.actions.begin(), group.actions.end(),
                              [](const auto& action) { return decide::is_terminal(action.kind); }) == 1);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    auto tree = settings::text::parse(text, "f.toml");
    if (!tree) {
        check_error(tree.error());
        require(tree.error().sentence.starts_with("f.toml:"));
        return 0;
    }
    require(depth_of(*tree) <= settings::text::kMaxDepth);
    std::vector<settings::text::Entry> entries;
    decide::add_tables(entries);
    const settings::text::Catalogue catalogue(std::move(entries));
    for (const auto file : settings::text::kFiles) {
        const auto checked = catalogue.check(file, *tree);
        if (!checked) check_error(checked.error());
        if (checked && file == settings::text::File::settings) {
            settings::text::show(catalogue, {{}, *tree, {}});
        }
    }
    const auto policy = decide::make_policy(message::make_revision(*tree, *tree));
    if (!policy) check_error(policy.error());
    const auto rules = decide::make_policy(message::make_revision({}, *tree));
    if (rules) check_decision(*rules);
    return 0;
}
