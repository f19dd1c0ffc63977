// What the SMTP session knew about a message: the first of the nouns. Made by receive, never changed
// afterwards, stored in every record. Local parts are opaque bytes; domains compare without case.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/reference.h"

namespace gatehouse::message {

/// RFC 3461 NOTIFY; bits, 0 = not given.
enum Notify : std::uint8_t { kNotifyNever = 1, kNotifySuccess = 2, kNotifyFailure = 4, kNotifyDelay = 8 };

struct Recipient {
    std::string address;      ///< without angle brackets; "Postmaster" alone is possible
    std::uint8_t notify = 0;  ///< Notify bits
    std::string orcpt;        ///< as given, xtext and all
    std::uint8_t doubts = 0;  ///< in the queue: how often a next hop had it and never answered
    bool operator==(const Recipient&) const = default;
};

struct Client {
    std::string address;  ///< textual IP; after XCLIENT or PROXY the one they named
    std::uint16_t port = 0;
    std::string helo;
    std::string protocol;     ///< RFC 3848: SMTP, ESMTP, ESMTPS, with a UTF8 prefix where SMTPUTF8 was used
    std::string tls_version;  ///< empty in clear
    std::string tls_cipher;
    bool permitted_sender = false;
    bool early_talker = false;             ///< spoke before the greeting
    bool unauthorised_pipelining = false;  ///< sent on where it had to wait for a reply
    bool operator==(const Client&) const = default;
};

struct Envelope {
    base::Reference reference;
    base::WallTime received{};           ///< at MAIL
    std::chrono::minutes utc_offset{0};  ///< of settings.time_zone at that moment
    Client client;
    std::string sender;                 ///< empty for <>
    std::vector<Recipient> recipients;  ///< only those answered with 250
    std::uint64_t declared_size = 0;    ///< SIZE=, 0 = not given
    std::uint64_t size = 0;             ///< octets received, before dot-stuffing
    bool smtputf8 = false;
    bool eight_bit = false;  ///< BODY=8BITMIME
    std::string ret;         ///< DSN RET=, as given
    std::string envid;       ///< DSN ENVID=, as given
    std::string revision;    ///< Revision::id in force at MAIL
    bool operator==(const Envelope&) const = default;
};

/// The domain of an address in lower case, without a final dot; empty when there is none.
std::string domain_of(std::string_view address);

}  // namespace gatehouse::message
