// The lines the front puts in front of a message it passes on: Received (RFC 5321 4.4, RFC 3848),
// X-Gatehouse-Ref and X-Gatehouse-Verdict. Pure. Safe for any envelope: what a client chose (HELO, addresses)
// never brings a line break, a control byte or a byte above 0x7F of its own into the block, and no line is
// longer than 998 octets.
#pragma once

#include <string>
#include <string_view>

#include "message/decision.h"
#include "message/envelope.h"

namespace gatehouse::act::delivery {

/// Ends with CRLF. `host` is our own name (smtp.hostname); the time is Envelope::received.
std::string received_line(const message::Envelope& envelope, std::string_view host);
/// Received, then the X-Gatehouse lines.
std::string header_block(const message::Envelope& envelope, message::Verdict verdict, std::string_view host);

}  // namespace gatehouse::act::delivery
