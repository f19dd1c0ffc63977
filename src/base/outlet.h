// The declaration of a way out. A feature never opens a socket: it asks the door through one of these, and
// from this one value come enforcement, the ledger's vocabulary, `gatehouse features` and the manual's
// chapter. The declarations stand in consult/outlets/, one file each.
#pragma once

#include <span>
#include <string_view>

namespace gatehouse::base {

struct Outlet {
    std::string_view id;                              ///< "reputation.sender_ip"
    std::string_view feature;                         ///< "email_reputation"
    std::span<const std::string_view> field_classes;  ///< what leaves
    std::string_view to_whom;
    std::string_view why;
    std::string_view protocol;
    std::string_view setting;  ///< the key that switches it
    std::string_view page;     ///< the console page of that switch
    bool on_by_default = false;
    std::string_view lost_when_off;
    std::string_view retention;
};

}  // namespace gatehouse::base
