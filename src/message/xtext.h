// The encodings of DSN and XCLIENT parameter values: xtext (RFC 3461 4) and the address forms of RFC 6533 3.
// Used by the command parsers of `receive` and by the notices of `act`. Values are forwarded as they came, so
// checking is strict: what decodes to a control character would let a client write lines into somebody else's
// report or session. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::message {

/// Decoded bytes; nullopt when the text is no xtext or decodes to anything but printable ASCII.
std::optional<std::string> decode_xtext(std::string_view text);

/// utf-8-addr-xtext, and with `utf8` also utf-8-addr-unitext.
bool is_utf8_address_text(std::string_view text, bool utf8);

}  // namespace gatehouse::message
