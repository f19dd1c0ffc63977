// Writes SMTP commands to a next hop. Every value is checked on its way out, whoever made it: no CR, LF, NUL
// or other control byte, no unquoted '>' or blank can leave in a path or parameter, so no value can become a
// second command. Parameters are written only when the hop offers them. Pure; a value that cannot be sent is
// Fault::usage and leaves `out` as it was.
#pragma once

#include <string>
#include <string_view>

#include "act/delivery/capabilities.h"
#include "base/result.h"
#include "message/envelope.h"

namespace gatehouse::act::delivery {

/// A host name or an address literal ("[192.0.2.1]", "[IPv6:2001:db8::1]") for EHLO.
base::Result<void> check_helo_name(std::string_view name);
/// A mailbox that may stand between < and >; non-ASCII only with SMTPUTF8. Empty is good (the null sender).
base::Result<void> check_path(std::string_view address, bool smtputf8);

base::Result<void> append_hello(std::string& out, std::string_view verb, std::string_view name);
/// SIZE, BODY=8BITMIME, SMTPUTF8, RET, ENVID as far as offered; SIZE from Envelope::size, else declared_size.
base::Result<void> append_mail(std::string& out, const message::Envelope& envelope,
                               const Capabilities& offers);
/// NOTIFY and ORCPT verbatim, with DSN offered (RFC 3461 sections 4.1, 4.2). `smtputf8`: MAIL said so; an
/// ORCPT that would need it is left out without.
base::Result<void> append_rcpt(std::string& out, const message::Recipient& recipient,
                               const Capabilities& offers, bool smtputf8);

}  // namespace gatehouse::act::delivery
