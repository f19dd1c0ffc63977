// A list of address patterns as rules and the internal addresses use them (IMSS route syntax):
//   user@example.com   that address           *@example.com, example.com      that domain only
//   *@*.example.com    any subdomain of it    *@*, *                          anyone, <> included
//   <>                 the null sender
// Local parts are opaque bytes and compare exactly, domains compare without case. Matching costs one look at
// the address however long the list is. Pure, immutable after make().
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/result.h"

namespace gatehouse::decide {

/// Says in one sentence why a text is none of the patterns above.
base::Result<void> check_address_pattern(std::string_view pattern);

/// An address taken apart once, to be matched against many lists. Borrows the text.
struct Address {
    explicit Address(std::string_view address);
    std::string_view text;  ///< "" is the null sender
    std::string domain;     ///< lower case
};

class AddressList {
  public:
    AddressList() = default;
    static base::Result<AddressList> make(const std::vector<std::string>& patterns);

    bool is_empty() const { return is_empty_; }
    bool matches(const Address& address) const;

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    using Set = std::unordered_set<std::string, Hash, std::equal_to<>>;

    bool is_below_a_parent(std::string_view domain) const;

    bool is_empty_ = true;
    bool anyone_ = false;
    bool null_sender_ = false;
    Set addresses_;  // local part as given, domain in lower case
    Set domains_;
    Set parents_;  // domains whose subdomains match
};

}  // namespace gatehouse::decide
