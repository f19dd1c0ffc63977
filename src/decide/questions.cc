#include "decide/questions.h"

#include <algorithm>

#include "decide/chain.h"
#include "decide/routes.h"

namespace gatehouse::decide {

std::vector<message::Question> questions(const Input& input, const Policy& policy) {
    auto open = unanswered(input);
    if (open.empty()) return {};
    const Index index(input, policy.spam_threshold, Index::Missing::may_come);
    const Rulings rulings = make_rulings(policy, index, index.view({}));
    const Routes routes(policy, input.envelope);
    std::vector<std::size_t> possible;
    for (std::size_t i = 0; i < policy.rules.size(); ++i) {
        if (rulings.rules[i].truth != Truth::no) possible.push_back(i);
    }
    const auto classes = routes.classes(possible);
    const bool is_needed = std::any_of(classes.begin(), classes.end(), [&](const Routes::Class& one) {
        const Address recipient(input.envelope.recipients[one.first].address);
        const auto is_on_route = [&](std::size_t rule) { return routes.is_for(rule, recipient); };
        return walk(policy, rulings, index, is_on_route).needs_engine;
    });
    return is_needed ? open : std::vector<message::Question>();
}

}  // namespace gatehouse::decide
