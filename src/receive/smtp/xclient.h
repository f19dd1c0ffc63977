// Postfix's XCLIENT: a listed host says on whose behalf it speaks. Used by the machine; tests of filters use
// it to appear under any address. https://www.postfix.org/XCLIENT_README.html; values are xtext. Pure.
#pragma once

#include <expected>
#include <string_view>

#include "receive/smtp/client.h"
#include "receive/smtp/reply.h"

namespace gatehouse::receive::smtp {

/// What EHLO announces to listed hosts.
inline constexpr std::string_view kXclientOffer = "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT";

/// `client` changed by the attributes given; attributes that are not given keep their values. PROTO is
/// checked and not used: what the session itself speaks goes into the record. The refusal is 501.
std::expected<Client, Reply> apply_xclient(std::string_view arguments, Client client);

}  // namespace gatehouse::receive::smtp
