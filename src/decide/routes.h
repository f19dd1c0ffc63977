// Which rules are for which recipients, and with it the recipients that take the same way through the rules.
// The sender's part is computed once; each recipient is looked at once per rule that asks. Private to decide.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "decide/policy.h"
#include "message/envelope.h"

namespace gatehouse::decide {

class Routes {
  public:
    Routes(const Policy& policy, const message::Envelope& envelope);

    bool is_for(std::size_t rule, const Address& recipient) const;

    struct Class {
        std::size_t first;  ///< index of its first recipient: it stands for all of them
        std::vector<std::size_t> recipients;
    };
    /// Recipients grouped by which of `rules` are for them, in the order of their first member. Every
    /// recipient stands in exactly one class; linear in recipients times rules that are not for everybody.
    std::vector<Class> classes(const std::vector<std::size_t>& rules) const;

  private:
    bool is_incoming(const Address& recipient) const;
    bool is_direction(Direction direction, const Address& recipient) const;

    const Policy& policy_;
    const message::Envelope& envelope_;
    bool has_internal_ = false;
    bool is_outgoing_ = false;
    std::vector<bool> sender_matches_;  // per rule: its senders list
    std::vector<bool> user_matches_;    // per rule: the sender is one of its users
};

}  // namespace gatehouse::decide
