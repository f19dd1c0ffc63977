// SMTP command lines into values: verbs, the arguments of HELO, MAIL, RCPT and BDAT with all ESMTP parameters
// we offer. Used by the machine. A refusal is the reply to send. Pure. RFC 5321 4.1.1, 1870, 3030, 3461,
// 6152, 6531.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "receive/smtp/events.h"
#include "receive/smtp/path.h"

namespace gatehouse::receive::smtp {

struct CommandLine {
    std::string_view verb;
    std::string_view arguments;  ///< without surrounding blanks
};

struct Chunk {
    std::uint64_t size = 0;
    bool is_last = false;
};

struct RcptCommand {
    Path path;
    std::uint8_t notify = 0;
    std::string orcpt;
};

CommandLine split_command(std::string_view line);

/// The name in HELO or EHLO: its first word, of at most 255 printable octets. What a name is stays open.
std::expected<std::string, Reply> parse_hello(std::string_view arguments);
std::expected<Mail, Reply> parse_mail(std::string_view arguments);
/// `smtputf8`: whether MAIL asked for it.
std::expected<RcptCommand, Reply> parse_rcpt(std::string_view arguments, bool smtputf8);
std::optional<Chunk> parse_bdat(std::string_view arguments);

/// The words of `text`, which are divided by any number of blanks.
std::vector<std::string_view> split_words(std::string_view text);

}  // namespace gatehouse::receive::smtp
