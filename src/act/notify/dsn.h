// Delivery status notifications: what the sender of a message is told of its fate (RFC 3461, 3464, 3463,
// 6533). Pure. Who is told of what stands in wants_notice(); the text is made by write_dsn(). Never longer
// than kMaxNotice, 7-bit but for a returned original that is not and an internationalised sender; lines are
// ended by CRLF, hold no NUL and are of at most 998 octets, whatever the original's are. Nothing that a
// client or a next hop chose can add a line or a header to it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "message/envelope.h"
#include "message/facts.h"

namespace gatehouse::act::notify {

inline constexpr std::size_t kMaxNotice = 1U << 20;
/// Of one notice; more recipients are told of in several.
inline constexpr std::size_t kMaxRecipients = 100;

enum class NoticeKind : std::uint8_t {
    failed,   ///< nobody will try again
    delayed,  ///< not yet; we go on
    relayed,  ///< handed to a server that reports no success itself
};

struct NoticeRecipient {
    message::Recipient recipient;
    std::string reply;          ///< "550 5.1.1 no such user"; the next hop's, or ours
    std::string remote;         ///< IP address of the hop that said it; empty = these are our own words
    base::WallTime tried = {};  ///< the last attempt
};

struct Notice {
    NoticeKind kind = NoticeKind::failed;
    std::vector<NoticeRecipient> recipients;  ///< at least one, at most kMaxRecipients
    base::WallTime retry_until = {};          ///< delayed
    bool may_return_all = true;               ///< where RET=FULL asked for it, it failed and it is small
};

/// The message that it is about.
struct Original {
    const message::Envelope& envelope;
    std::string_view content;      ///< as it was passed on, without the lines that we put in front
    std::size_t header_bytes = 0;  ///< of its header with the line that ends it; 0 = not known
    std::string_view message_id = {};
};

/// RFC 3461 section 4.1. Nobody is told of mail from <>. Whoever gave NOTIFY hears what they asked for.
/// Without it, failures and delays are told, but no delay of list mail, and no failure to the address that a
/// list takes its posts at: that notice would go to all of it. Any other sender of list mail is the one that
/// RFC 5321 section 3.9.2 has lists put there for failures.
bool wants_notice(NoticeKind kind, const message::Envelope& envelope, const message::HeaderSummary& header,
                  const message::Recipient& recipient);

/// True for addresses that list software makes to be answered by machines: VERP, BATV, "-bounces", "owner-",
/// "-request" and the like.
bool takes_bounces(std::string_view sender);

/// The sender of list mail is what its header names as the list: in List-Post, as "list.host" in List-Id, or
/// among To and Cc, unless it takes bounces.
bool is_posting_address(std::string_view sender, const message::HeaderSummary& header);

/// The enhanced status code of a reply (RFC 3463), or one that says as much as its class; always of the class
/// that `kind` is of.
std::string status_of(std::string_view reply, NoticeKind kind);

/// Of the notice itself.
struct Imprint {
    std::string_view host;  ///< our own name
    const base::Reference& reference;
    base::WallTime now;
};

/// The whole message, CRLF.
std::string write_dsn(const Notice& notice, const Original& original, const Imprint& imprint);

}  // namespace gatehouse::act::notify
