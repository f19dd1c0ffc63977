// Address lists of From, To, Cc and the like (RFC 5322 3.4), read leniently: groups, comments, quoted local
// parts, missing commas' ends, names without addresses. For summaries and look-ups, not for routing mail.
// Pure, linear, never fails; nesting of comments is counted, not recursed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::inspect::mime {

struct Mailbox {
    std::string name;     ///< display name, decoded; of "a@b (Name)" the comment
    std::string address;  ///< local@domain as written, without comments and blanks; empty when there is none

    /// Both are empty when the address holds no '@'.
    std::string_view local_part() const;
    std::string_view domain() const;
    bool operator==(const Mailbox&) const = default;
};

struct AddressList {
    std::vector<Mailbox> mailboxes;  ///< members of groups stand in line with the others
    bool complete = true;            ///< false: there were more than max_mailboxes
};

AddressList parse_address_list(std::string_view value, std::size_t max_mailboxes = 1000);

}  // namespace gatehouse::inspect::mime
