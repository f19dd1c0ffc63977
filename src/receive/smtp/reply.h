// One SMTP reply as a value, and its bytes on the wire. Made by the machine and by whoever answers its
// events. Whatever the text holds, the wire form is well-formed: one or more lines of at most 512 octets,
// printable ASCII, the same code on each, so that nothing taken from a peer or a message can add a line of
// its own. RFC 5321 4.2, 4.5.3.1.5; enhanced codes RFC 2034 and 3463. Pure.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::receive::smtp {

struct Reply {
    int code = 0;          ///< 200-599; 0 = no reply
    std::string enhanced;  ///< "5.7.1"; empty where RFC 2034 wants none
    std::string text;      ///< a line feed begins a new reply line

    bool is_positive() const { return code >= 200 && code < 400; }
    bool operator==(const Reply&) const = default;
};

/// Three numbers of at most three digits, the first of them the class of `code`.
bool is_enhanced_code(std::string_view text, int code);

/// Appends the reply as it is sent. A code that is none becomes 451; an enhanced code that does not fit its
/// code becomes X.0.0; text beyond 4,096 octets is cut.
void append_wire(const Reply& reply, std::string& out);

}  // namespace gatehouse::receive::smtp
