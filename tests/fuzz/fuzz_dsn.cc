// Notices about mail whose every field is hostile: no line and no field but those that we write, nothing a
// line of mail may not hold, never too long, one report that our own parser reads as it was meant.
// Input: six bytes of choices (see read_case), then the fields that others chose, each up to a byte 0x1E,
// then the message. "%REF%" in them is the notice's own reference: what a boundary is made of.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "act/notify/dsn.h"
#include "base/text.h"
#include "inspect/mime/decode.h"
#include "inspect/mime/parser.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::act::notify;
using inspect::mime::Part;
using inspect::mime::Role;

constexpr std::size_t kLongestLine = 998;         // RFC 5322 section 2.1.1
constexpr std::size_t kLongestBoundary = 70;      // RFC 2046 section 5.1.1
constexpr std::size_t kLongestContent = 700'000;  // more than a notice has room for
constexpr std::size_t kLongestField = 4096;
constexpr std::string_view kBlankLine = "\r\n\r\n";

void require(bool promise) {
    if (!promise) std::abort();
}

enum Field : std::size_t { host, sender, envid, orcpt, address, remote, reply, message_id, content, kFields };

struct Case {
    std::array<std::string, kFields> fields;
    message::Envelope envelope;
    base::Reference own;
    Notice notice;
    std::size_t header_bytes = 0;

    const std::string& operator[](Field field) const { return fields.at(field); }
    std::string write() const {
        return write_dsn(notice, {envelope, fields[content], header_bytes, fields[message_id]},
                         {fields[host], own, base::WallTime(std::chrono::seconds(1'700'000'100))});
    }
};

std::string with_reference(std::string_view text, const base::Reference& own) {
    constexpr std::string_view kToken = "%REF%";
    std::string out;
    for (auto at = text.find(kToken); at != std::string_view::npos; at = text.find(kToken)) {
        out += std::string(text.substr(0, at)) + own.to_string();
        text.remove_prefix(at + kToken.size());
    }
    return out += text;
}

void read_fields(std::string_view input, Case& out) {
    for (std::size_t i = 0; i < kFields; ++i) {
        const auto end = i == content ? input.size() : std::min(input.find('\x1E'), input.size());
        out.fields.at(i) = with_reference(input.substr(0, end), out.own);
        input.remove_prefix(std::min(end + 1, input.size()));
    }
}

/// Long values are out of a mutation's reach: one field is said again and again.
void repeat(unsigned char choice, Case& out) {
    const std::size_t which = (choice & 0x0FU) % kFields;
    const std::size_t longest = which == content ? kLongestContent : kLongestField;
    std::string& field = out.fields.at(which);
    for (unsigned i = choice >> 4U; i != 0 && field.size() * 2 <= longest; --i) field += std::string(field);
}

/// Mostly a few: it is the fields that matter, and many take their time.
std::size_t recipient_count(unsigned char choice) {
    return choice < 240 ? 1 + choice % 3 : kMaxRecipients;
}

/// All of the message, none, up to its first empty line, or any length.
std::size_t header_size(std::string_view message, unsigned char choice, unsigned char share) {
    const auto blank = message.find(kBlankLine);
    switch (choice % 4) {
        case 0:
            return blank == std::string_view::npos ? message.size() : blank + kBlankLine.size();
        case 1:
            return 0;
        case 2:
            return message.size();
        default:
            return message.size() * share / 255;
    }
}

Case read_case(std::string_view input) {
    std::array<unsigned char, 6> choices{};
    for (auto& choice : choices) {
        if (input.empty()) break;
        choice = static_cast<unsigned char>(input.front());
        input.remove_prefix(1);
    }
    Case out;
    const base::WallTime received(std::chrono::seconds(1'700'000'000));
    out.own = base::Reference::make(received, 1, 2);
    read_fields(input, out);
    repeat(choices[3], out);
    const auto flag = [&](unsigned bit) { return (choices[1] >> bit & 1U) != 0; };
    auto& envelope = out.envelope;
    envelope.reference = base::Reference::make(received, 1, 1);
    envelope.received = received;
    envelope.sender = out[sender];
    envelope.envid = out[envid];
    envelope.ret = flag(0) ? "FULL" : "HDRS";
    envelope.smtputf8 = flag(1);
    envelope.client.permitted_sender = flag(2);
    const NoticeRecipient one{
        {out[address], 0, out[orcpt]}, out[reply], out[remote], flag(3) ? base::WallTime() : received};
    out.notice = {static_cast<NoticeKind>(choices[0] % 3),
                  std::vector<NoticeRecipient>(recipient_count(choices[2]), one), received, !flag(4)};
    out.header_bytes = header_size(out[content], choices[4], choices[5]);
    return out;
}

/// Without its CRLF.
std::string_view take_line(std::string_view& text) {
    const auto end = text.find("\r\n");
    require(end != std::string_view::npos);
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 2);
    return line;
}

void check_lines(std::string_view text) {
    while (!text.empty()) {
        const auto line = take_line(text);
        require(line.size() <= kLongestLine);
        require(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
    }
}

bool is_printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

/// Each of `names` once and in that order, those with a "?" behind them or not at all; nothing else.
void check_fields(std::string_view fields, std::string_view names) {
    for (const auto name : base::split(names, ' ')) {
        const bool is_optional = name.ends_with('?');
        const std::string wanted = std::string(name.substr(0, name.size() - (is_optional ? 1 : 0))) + ": ";
        if (is_optional && !fields.starts_with(wanted)) continue;
        const auto line = take_line(fields);
        require(line.starts_with(wanted));
        require(name == "To" || is_printable(line));
    }
    require(fields.empty());
}

/// The header, whose boundary it gives.
std::string_view check_header(const Case& in, std::string_view header) {
    constexpr std::string_view kLast =
        "Content-Type: multipart/report;\r\n\treport-type=delivery-status; boundary=\"";
    const auto last = header.rfind(kLast);
    require(last != std::string_view::npos);
    check_fields(header.substr(0, last),
                 "From To Subject Date Message-ID In-Reply-To? References? Auto-Submitted MIME-Version");
    require(!base::is_ascii(in[sender]) || base::is_ascii(header));
    auto rest = header.substr(last + kLast.size());
    const auto line = take_line(rest);
    require(rest.empty() && line.ends_with('"'));
    const auto boundary = line.substr(0, line.size() - 1);
    require(!boundary.empty() && boundary.size() <= kLongestBoundary && !boundary.contains('"'));
    return boundary;
}

/// As whoever looks at the delimiter lines alone divides the body.
std::vector<std::string_view> split_parts(std::string_view body, const std::string& boundary) {
    const std::string delimiter = "\r\n--" + boundary;
    require(body.starts_with("--" + boundary + "\r\n"));
    require(body.ends_with(delimiter + "--\r\n"));
    body.remove_prefix(boundary.size() + 4);
    body.remove_suffix(boundary.size() + 8);
    std::vector<std::string_view> parts;
    for (auto end = body.find(delimiter); end != std::string_view::npos; end = body.find(delimiter)) {
        parts.push_back(body.substr(0, end));
        body.remove_prefix(end + delimiter.size());
        require(body.starts_with("\r\n"));
        body.remove_prefix(2);
    }
    parts.push_back(body);
    return parts;
}

void check_words(const Case& in, std::string_view part) {
    require(part.starts_with("Content-Type: text/plain; charset=us-ascii\r\n\r\n"));
    std::size_t recipients = 0;
    while (!part.empty()) {
        const auto line = take_line(part);
        require(is_printable(line));
        recipients += line.starts_with('<') ? 1U : 0U;
    }
    require(recipients == in.notice.recipients.size());
}

void check_status_fields(const Case& in, std::string_view part) {
    constexpr std::string_view kHead = "Content-Type: message/delivery-status\r\n\r\n";
    constexpr std::array<std::string_view, 3> kClasses{"45", "4", "2"};
    require(part.starts_with(kHead));
    part.remove_prefix(kHead.size());
    std::size_t groups = 0;
    for (; !part.empty(); ++groups) {
        const auto end = std::min(part.find(kBlankLine), part.size() - 2) + 2;
        const auto group = part.substr(0, end);
        check_fields(group, groups == 0 ? "Reporting-MTA Original-Envelope-Id? Arrival-Date"
                                        : "Original-Recipient? Final-Recipient Action Status Remote-MTA? "
                                          "Diagnostic-Code? Last-Attempt-Date? Will-Retry-Until?");
        part.remove_prefix(std::min(end + 2, part.size()));
        if (groups == 0) continue;
        constexpr std::string_view kStatus = "\r\nStatus: ";
        const auto status = group.substr(group.find(kStatus) + kStatus.size());
        require(kClasses.at(static_cast<std::size_t>(in.notice.kind)).contains(status.front()));
        require(in.envelope.client.permitted_sender || !group.contains("\r\nRemote-MTA: "));
    }
    require(groups == 1 + in.notice.recipients.size());
}

/// What is returned is of the original from its first byte on, and all of it only where that was asked for.
void check_returned(const Case& in, std::string_view part) {
    const auto head_end = part.find(kBlankLine);
    require(head_end != std::string_view::npos);
    const auto head = part.substr(0, head_end + 2);
    check_fields(head, "Content-Type Content-Transfer-Encoding");
    const auto encoding = head.substr(head.find("Encoding: ") + 10);
    const auto body = part.substr(head_end + kBlankLine.size());
    require(encoding == "7bit\r\n" || encoding == "8bit\r\n" || encoding == "base64\r\n");
    require((encoding == "8bit\r\n") != base::is_ascii(body));
    const bool is_whole = head.contains(": message/rfc822\r\n") || head.contains(": message/global\r\n");
    if (is_whole) {
        require(in.notice.may_return_all && in.envelope.ret == "FULL");
        require(in.notice.kind == NoticeKind::failed);
    }
    const auto bytes =
        encoding == "base64\r\n" ? inspect::mime::decode_base64(body, kMaxNotice).bytes : std::string(body);
    require(is_whole ? bytes == in[content] : in[content].starts_with(bytes));
    require(is_whole || bytes.size() <= in.header_bytes);
}

/// "7-bit but for a returned original that is not and an internationalised sender"; and where the way back of
/// an internationalised original may know no SMTPUTF8, it is encoded.
void check_seven_bit(const Case& in, std::string_view text) {
    if (!base::is_ascii(in[sender])) return;
    const std::string_view original = in[content];
    const auto header = in.header_bytes == 0 ? original : original.substr(0, in.header_bytes);
    if (base::is_ascii(original) || (in.envelope.smtputf8 && !base::is_ascii(header)))
        require(base::is_ascii(text));
}

void check_parsed(std::string_view text, std::size_t parts) {
    const auto structure = inspect::mime::parse(text);
    const auto& root = structure.root();
    require(root.role == Role::multipart && root.type.is("multipart", "report") && root.closed);
    std::size_t found = 0;
    for (auto i = root.first_child; i != Part::kNone; i = structure.parts[i].next_sibling) {
        const auto& part = structure.parts[i];
        ++found;
        require(found != 1 || (part.is_leaf() && part.type.is("text", "plain")));
        require(found != 2 || (part.is_leaf() && part.type.is("message", "delivery-status")));
    }
    require(found == parts);
}

void check(const Case& in, std::string_view text) {
    require(text.size() <= kMaxNotice);
    check_lines(text);
    check_seven_bit(in, text);
    const auto header_end = text.find(kBlankLine);
    require(header_end != std::string_view::npos);
    const std::string boundary(check_header(in, text.substr(0, header_end + 2)));
    const auto parts = split_parts(text.substr(header_end + kBlankLine.size()), boundary);
    require(parts.size() == 2 || parts.size() == 3);
    check_words(in, parts[0]);
    check_status_fields(in, parts[1]);
    if (parts.size() == 3) check_returned(in, parts[2]);
    // Nobody knows the reference beforehand; who does can write what our parser reads past, blanks and all.
    if (!in[content].contains(in.own.to_string())) check_parsed(text, parts.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const Case in = read_case(input);
    const std::string text = in.write();
    require(text == read_case(input).write());
    check(in, text);
    return 0;
}
