#include "act/notify/dsn.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "message/xtext.h"

namespace gatehouse::act::notify {
namespace {

using message::Envelope;
using message::Recipient;

constexpr std::size_t kMaxReply = 400;
constexpr std::size_t kMaxAddress = 512;    // RFC 5321 section 4.5.3.1.3 has half of it, receive takes this
constexpr std::size_t kMaxEscaped = 960;    // of an address; with its field's name still one line
constexpr std::size_t kMaxLine = 998;       // RFC 5322 section 2.1.1
constexpr std::size_t kRoomForEnds = 4096;  // of kMaxNotice, for our header, boundaries and the like

/// For header and status fields: one line of printable ASCII.
std::string plain(std::string_view text, std::size_t most) {
    return base::ascii_escaped(text, most);
}

std::string_view action_of(NoticeKind kind) {
    static constexpr std::array<std::string_view, 3> kWords{"failed", "delayed", "relayed"};
    return kWords.at(static_cast<std::size_t>(kind));
}

std::string_view subject_of(NoticeKind kind) {
    static constexpr std::array<std::string_view, 3> kSubjects{
        "Your message could not be delivered", "Your message is still waiting to be delivered",
        "Your message was passed on"};
    return kSubjects.at(static_cast<std::size_t>(kind));
}

std::string_view opening_of(NoticeKind kind) {
    static constexpr std::array<std::string_view, 3> kOpenings{
        "Your message could not be delivered to the recipients below, and nobody\r\nwill try again.",
        "Your message could not be delivered to the recipients below yet. You need\r\nnot send it again: "
        "delivery is tried further.",
        "Your message was passed on to a mail server that sends no confirmation of\r\nits own, for the "
        "recipients below."};
    return kOpenings.at(static_cast<std::size_t>(kind));
}

/// RFC 3464 section 2.3.2 and RFC 6533 section 3: the type says how the address is written.
std::string typed_address(std::string_view address) {
    if (base::is_ascii(address)) return "rfc822; " + plain(address, kMaxAddress);
    return "utf-8; " + base::ascii_escaped(address, kMaxEscaped, "\\+=");
}

/// ORCPT=type;xtext as the sender wrote it.
std::string original_recipient(const Recipient& recipient) {
    const auto semicolon = recipient.orcpt.find(';');
    if (semicolon == std::string::npos) return {};
    const std::string type = recipient.orcpt.substr(0, semicolon);
    const auto value = std::string_view(recipient.orcpt).substr(semicolon + 1);
    if (!base::is_ascii(value)) return typed_address(value);
    const auto decoded = message::decode_xtext(value);
    return plain(type + "; " + (decoded ? *decoded : std::string(value)), kMaxEscaped);
}

std::string diagnostic(const NoticeRecipient& one) {
    return fmt::format("{}; {}", one.remote.empty() ? "x-gatehouse" : "smtp", plain(one.reply, kMaxReply));
}

std::string status_fields(const Notice& notice, const Original& original, std::string_view host) {
    const auto& envelope = original.envelope;
    std::string out = fmt::format("Reporting-MTA: dns; {}\r\n", plain(host, 255));
    if (const auto id = message::decode_xtext(envelope.envid); id && !id->empty())
        out += fmt::format("Original-Envelope-Id: {}\r\n", plain(*id, 300));
    out += fmt::format("Arrival-Date: {}\r\n", base::to_rfc5322(envelope.received, envelope.utc_offset));
    for (const auto& one : notice.recipients) {
        out += "\r\n";
        if (const auto as_given = original_recipient(one.recipient); !as_given.empty())
            out += fmt::format("Original-Recipient: {}\r\n", as_given);
        out += fmt::format("Final-Recipient: {}\r\nAction: {}\r\nStatus: {}\r\n",
                           typed_address(one.recipient.address), action_of(notice.kind),
                           status_of(one.reply, notice.kind));
        // Where our hops are is nobody's business but our own users'.
        if (!one.remote.empty() && envelope.client.permitted_sender)
            out += fmt::format("Remote-MTA: dns; [{}]\r\n", plain(one.remote, 64));
        if (!one.reply.empty()) out += fmt::format("Diagnostic-Code: {}\r\n", diagnostic(one));
        if (one.tried != base::WallTime())
            out += fmt::format("Last-Attempt-Date: {}\r\n", base::to_rfc5322(one.tried, envelope.utc_offset));
        if (notice.kind == NoticeKind::delayed)
            out += fmt::format("Will-Retry-Until: {}\r\n",
                               base::to_rfc5322(notice.retry_until, envelope.utc_offset));
    }
    return out;
}

std::string words(const Notice& notice, const Original& original, std::string_view host) {
    std::string out =
        fmt::format("This is the mail gateway {}.\r\n\r\n{}\r\n", plain(host, 255), opening_of(notice.kind));
    if (notice.kind == NoticeKind::delayed) {
        out += fmt::format("It is tried until {}.\r\n",
                           base::to_rfc5322(notice.retry_until, original.envelope.utc_offset));
    }
    for (const auto& one : notice.recipients) {
        out += fmt::format("\r\n<{}>\r\n", plain(one.recipient.address, kMaxAddress));
        if (!one.reply.empty()) out += fmt::format("    {}\r\n", plain(one.reply, kMaxReply));
    }
    out += fmt::format("\r\nReference: {}\r\n", original.envelope.reference.to_string());
    return out;
}

struct Returned {
    std::string_view type;
    std::string_view encoding;
    std::string bytes;
};

/// RFC 2045 section 6.8, lines of 76.
std::string base64(std::string_view bytes) {
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    constexpr std::size_t kGroupsInLine = 19;
    std::string out;
    out.reserve(bytes.size() / 3 * 4 + bytes.size() / 27 + 8);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const auto byte = [&](std::size_t i) {
            return at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U;
        };
        const unsigned group = byte(0) << 16U | byte(1) << 8U | byte(2);
        const std::size_t digits = std::min<std::size_t>(3, bytes.size() - at) + 1;
        for (std::size_t i = 0; i < 4; ++i) out += i < digits ? kDigits[group >> (18 - 6 * i) & 0x3FU] : '=';
        if (at / 3 % kGroupsInLine == kGroupsInLine - 1 || at + 3 >= bytes.size()) out += "\r\n";
    }
    return out;
}

/// With an internationalised header. Where that is not known, it may be anywhere.
bool is_global(const Original& original, std::string_view bytes) {
    const auto header = original.header_bytes == 0 ? bytes : bytes.substr(0, original.header_bytes);
    return original.envelope.smtputf8 && !base::is_ascii(header);
}

/// As 7bit and 8bit have to be (RFC 2045 section 2.7): lines end with CRLF, are not too long, and hold no
/// NUL.
bool has_sound_lines(std::string_view bytes) {
    if (bytes.contains('\0')) return false;
    while (!bytes.empty()) {
        const auto end = std::min(bytes.find_first_of("\r\n"), bytes.size());
        if (end > kMaxLine) return false;
        if (end != bytes.size() && !bytes.substr(end).starts_with("\r\n")) return false;
        bytes.remove_prefix(std::min(end + 2, bytes.size()));
    }
    return true;
}

/// RFC 6533 section 6: with an internationalised header it is message/global. A sender whose own address is
/// plain may be at the end of a way without SMTPUTF8, so there it is encoded (RFC 6532 section 3.7).
Returned as_part(const Original& original, std::string_view bytes, bool is_whole) {
    const bool global = is_global(original, bytes);
    const std::string_view type = global ? (is_whole ? "message/global" : "message/global-headers")
                                         : (is_whole ? "message/rfc822" : "text/rfc822-headers");
    if ((global && base::is_ascii(original.envelope.sender)) || !has_sound_lines(bytes))
        return {type, "base64", base64(bytes)};
    return {type, base::is_ascii(bytes) ? "7bit" : "8bit", std::string(bytes)};
}

/// RFC 2046 section 5.2.1: nothing encodes message/rfc822, so what cannot stand there as it is cannot be
/// returned.
bool returns_all(const Notice& notice, const Original& original) {
    return notice.may_return_all && notice.kind == NoticeKind::failed &&
           base::iequals(original.envelope.ret, "FULL") && original.content.size() <= kMaxNotice &&
           (is_global(original, original.content) || has_sound_lines(original.content));
}

/// Whole lines of it, where there are any.
std::string_view header_of(const Original& original, std::size_t most) {
    const auto header = original.content.substr(0, original.header_bytes);
    if (header.size() <= most) return header;
    const auto end = header.substr(0, most).rfind("\r\n");
    return header.substr(0, end == std::string_view::npos ? most : end + 2);
}

/// RFC 3461 section 4.3: FULL asks for the whole; failures alone give it back, and nothing gives back what is
/// large. Whoever did not ask gets the header, which is enough to know the message by.
Returned returned_part(const Notice& notice, const Original& original, std::size_t used) {
    const std::size_t room = kMaxNotice - std::min(kMaxNotice, used + kRoomForEnds);
    if (returns_all(notice, original)) {
        auto whole = as_part(original, original.content, true);
        if (whole.bytes.size() <= room) return whole;
    }
    constexpr std::size_t kMostGrowth = 2;  // of base64
    return as_part(original, header_of(original, room / kMostGrowth), false);
}

/// In nothing that is returned; our own parts have no line that begins with it. The number stands in front,
/// so that no boundary is the beginning of another, and keeps it short (70, RFC 2046 section 5.1.1).
std::string boundary_for(std::string_view returned, const base::Reference& reference) {
    std::string boundary = "=_" + reference.to_string();
    for (std::size_t i = 1; returned.contains("--" + boundary); ++i)
        boundary = fmt::format("=_{}_{}", i, reference.to_string());
    return boundary;
}

/// The sender as an address in angle brackets can hold it; session and store have checked it, and a line of
/// our header does not depend on that.
std::string reader_of(std::string_view sender) {
    const bool is_sound = !sender.empty() && base::printable(sender, kMaxAddress) == sender;
    return is_sound ? fmt::format("<{}>", sender) : "undisclosed-recipients:;";
}

bool is_sane_id(std::string_view id) {
    return id.size() > 2 && id.size() < 250 && id.front() == '<' && id.back() == '>' &&
           std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

std::string header(const Notice& notice, const Original& original, const Imprint& imprint,
                   std::string_view boundary) {
    const auto& envelope = original.envelope;
    std::string out = fmt::format(
        "From: \"Mail gateway {0}\" <MAILER-DAEMON@{0}>\r\nTo: {1}\r\nSubject: {2}\r\nDate: {3}\r\n"
        "Message-ID: <{4}@{0}>\r\n",
        plain(imprint.host, 255), reader_of(envelope.sender), subject_of(notice.kind),
        base::to_rfc5322(imprint.now, envelope.utc_offset), imprint.reference.to_string());
    if (is_sane_id(original.message_id))
        out += fmt::format("In-Reply-To: {0}\r\nReferences: {0}\r\n", original.message_id);
    out += fmt::format(
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report;\r\n"
        "\treport-type=delivery-status; boundary=\"{}\"\r\n\r\n",
        boundary);
    return out;
}

}  // namespace

bool takes_bounces(std::string_view sender) {
    const std::string local = base::lower(sender.substr(0, sender.rfind('@')));
    static constexpr std::array<std::string_view, 4> kWithin{"=", "bounce", "-return", "-errors"};
    const bool has_mark = std::any_of(kWithin.begin(), kWithin.end(),
                                      [&](std::string_view mark) { return local.contains(mark); });
    return has_mark || local.starts_with("owner-") || local.ends_with("-owner") ||
           local.ends_with("-request");
}

// Without regard to case: to say "list" of an address that is none costs a notice, the other way round costs
// every member one.
bool is_posting_address(std::string_view sender, const message::HeaderSummary& header) {
    const auto is_sender = [&](std::string_view address) { return base::iequals(address, sender); };
    if (!header.from_list) return false;
    if (std::any_of(header.list_post.begin(), header.list_post.end(), is_sender)) return true;
    if (takes_bounces(sender)) return false;
    std::string dotted(sender);
    if (const auto at = dotted.rfind('@'); at != std::string::npos) dotted[at] = '.';
    return base::iequals(dotted, header.list_id) ||
           std::any_of(header.to.begin(), header.to.end(), is_sender);
}

bool wants_notice(NoticeKind kind, const Envelope& envelope, const message::HeaderSummary& header,
                  const Recipient& recipient) {
    static constexpr std::array<std::uint8_t, 3> kAsked{message::kNotifyFailure, message::kNotifyDelay,
                                                        message::kNotifySuccess};
    if (envelope.sender.empty() || (recipient.notify & message::kNotifyNever) != 0) return false;
    if (recipient.notify != 0) return (recipient.notify & kAsked.at(static_cast<std::size_t>(kind))) != 0;
    if (kind == NoticeKind::relayed) return false;
    if (kind == NoticeKind::delayed) return !header.from_list;
    return !is_posting_address(envelope.sender, header);
}

std::string status_of(std::string_view reply, NoticeKind kind) {
    if (kind == NoticeKind::relayed) return "2.0.0";
    const auto words = base::split(reply, ' ');
    const bool has_code = words[0].size() == 3 && base::parse_unsigned(words[0]);  // "550" alone is a reply
    const auto parts =
        has_code && words.size() >= 2 ? base::split(words[1], '.') : std::vector<std::string_view>();
    const bool is_enhanced = parts.size() == 3 && parts[0].size() == 1 && base::parse_unsigned(parts[1]) &&
                             base::parse_unsigned(parts[2]) && parts[1].size() < 4 && parts[2].size() < 4;
    const char first = has_code ? words[0][0] : '4';
    // What was put off until its time was over failed for that, whatever the last word was.
    if (kind == NoticeKind::failed && first == '4') return "4.4.7";
    // RFC 3463 section 3.1: the class is what became of it, and a reply may be of another.
    const char told = kind == NoticeKind::failed ? '5' : '4';
    if (is_enhanced && first == told && parts[0][0] == told) return std::string(words[1]);
    return told == '5' ? "5.0.0" : "4.0.0";
}

std::string write_dsn(const Notice& notice, const Original& original, const Imprint& imprint) {
    const auto text = words(notice, original, imprint.host);
    const auto fields = status_fields(notice, original, imprint.host);
    const auto returned = returned_part(notice, original, text.size() + fields.size());
    const auto boundary = boundary_for(returned.bytes, imprint.reference);
    std::string out = header(notice, original, imprint, boundary);
    out += fmt::format("--{}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{}", boundary, text);
    out += fmt::format("\r\n--{}\r\nContent-Type: message/delivery-status\r\n\r\n{}", boundary, fields);
    if (!returned.bytes.empty()) {
        out += fmt::format("\r\n--{}\r\nContent-Type: {}\r\nContent-Transfer-Encoding: {}\r\n\r\n", boundary,
                           returned.type, returned.encoding);
        out += returned.bytes;
    }
    out += fmt::format("\r\n--{}--\r\n", boundary);
    return out;
}

}  // namespace gatehouse::act::notify
