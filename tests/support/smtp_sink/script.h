// What a sink does other than accept: rules read from lines, as case files and the command line give them.
// For tests only; pure.
//
//   [hop H] STAGE [N] = ACTION [then cut|stall|reset]
//   offer = PIPELINING, SIZE 1000, ...
//
// STAGE   CONNECT EHLO HELO STARTTLS TLS MAIL RCPT DATA BODY DOT RSET QUIT
// N       RCPT: the how-maniest recipient of its transaction; BODY: content bytes after which the rule acts;
//         all others: the how-maniest time the sink comes to that stage, from 1. Without N the rule holds
//         always; a rule with N goes before one without.
// ACTION  450 4.2.0 try later   a reply; "\n" in it begins the next line of a multi-line reply
//         raw TEXT              bytes as they are, with \r \n \0 \\ and \xHH
//         ok                    the usual answer
//         stall                 neither answers nor reads any more
//         cut, reset            closes in order, or by TCP reset
//         garbage, endless      64 KiB of noise, or a continuation without end
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gatehouse::test {

enum class Stage { connect, ehlo, helo, starttls, tls, mail, rcpt, data, body, dot, rset, quit };
enum class Say { usual, bytes, garbage, endless, nothing };
enum class Then { go_on, cut, stall, reset };

struct Action {
    Say say = Say::usual;
    std::string bytes;  ///< what goes on the wire
    int code = 0;       ///< of a reply that was written as one, else 0
    Then then = Then::go_on;
};

struct Rule {
    std::size_t hop = 0;  ///< 0 = not named
    Stage stage = Stage::connect;
    std::optional<std::size_t> number;
    Action action;
};

struct Script {
    std::vector<Rule> rules;
    /// Keywords of the EHLO answer; STARTTLS is added by the sink when it has a certificate.
    std::vector<std::string> offers = {"PIPELINING", "SIZE 104857600",     "8BITMIME", "SMTPUTF8",
                                       "DSN",        "ENHANCEDSTATUSCODES"};

    static base::Result<Rule> parse_rule(std::string_view line);
    /// One line: a rule or an offer; empty lines and lines that start with '#' do nothing.
    base::Result<void> add_line(std::string_view line);
    base::Result<void> add_lines(std::string_view text);
    const Action* find(Stage stage, std::size_t number) const;
};

}  // namespace gatehouse::test
