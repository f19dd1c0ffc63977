#include "decide/routes.h"

#include <algorithm>
#include <unordered_map>

namespace gatehouse::decide {

Routes::Routes(const Policy& policy, const message::Envelope& envelope)
    : policy_(policy), envelope_(envelope), has_internal_(!policy.internal.is_empty()) {
    const Address sender(envelope.sender);
    is_outgoing_ = has_internal_ ? policy.internal.matches(sender) : envelope.client.permitted_sender;
    for (const auto& rule : policy.rules) {
        const auto& route = rule.route;
        sender_matches_.push_back(route.senders.is_empty() || route.senders.matches(sender));
        user_matches_.push_back(route.users.is_empty() || route.users.matches(sender));
    }
}

bool Routes::is_incoming(const Address& recipient) const {
    return has_internal_ ? policy_.internal.matches(recipient) : !is_outgoing_;
}

bool Routes::is_direction(Direction direction, const Address& recipient) const {
    switch (direction) {
        case Direction::all:
            return true;
        case Direction::incoming:
            return is_incoming(recipient);
        case Direction::outgoing:
            return is_outgoing_;
        case Direction::both:
            return is_outgoing_ || is_incoming(recipient);
    }
    return true;
}

bool Routes::is_for(std::size_t rule, const Address& recipient) const {
    const auto& route = policy_.rules[rule].route;
    return sender_matches_[rule] && (user_matches_[rule] || route.users.matches(recipient)) &&
           (route.recipients.is_empty() || route.recipients.matches(recipient)) &&
           is_direction(route.direction, recipient);
}

std::vector<Routes::Class> Routes::classes(const std::vector<std::size_t>& rules) const {
    std::vector<std::size_t> asking;
    std::copy_if(rules.begin(), rules.end(), std::back_inserter(asking),
                 [&](std::size_t rule) { return !policy_.rules[rule].route.is_for_everybody(); });
    std::vector<Class> out;
    std::unordered_map<std::string, std::size_t> class_of;
    for (std::size_t i = 0; i < envelope_.recipients.size(); ++i) {
        const Address recipient(envelope_.recipients[i].address);
        std::string signature(asking.size(), '-');
        for (std::size_t j = 0; j < asking.size(); ++j) {
            if (is_for(asking[j], recipient)) signature[j] = '+';
        }
        const auto [at, is_new] = class_of.emplace(std::move(signature), out.size());
        if (is_new) out.push_back({i, {}});
        out[at->second].recipients.push_back(i);
    }
    return out;
}

}  // namespace gatehouse::decide
