#include "act/delivery/capabilities.h"

#include <array>

#include "base/text.h"

namespace gatehouse::act::delivery {
namespace {

struct Keyword {
    std::string_view name;
    bool Capabilities::* member;
};

constexpr std::array kKeywords = {
    Keyword{"SIZE", &Capabilities::size},
    Keyword{"PIPELINING", &Capabilities::pipelining},
    Keyword{"8BITMIME", &Capabilities::eight_bit},
    Keyword{"SMTPUTF8", &Capabilities::smtputf8},
    Keyword{"DSN", &Capabilities::dsn},
    Keyword{"CHUNKING", &Capabilities::chunking},
    Keyword{"STARTTLS", &Capabilities::starttls},
    Keyword{"ENHANCEDSTATUSCODES", &Capabilities::enhanced_codes},
};

void take_keyword(Capabilities& offers, std::string_view line) {
    line = base::trim(line);
    const auto space = line.find(' ');
    const auto name = line.substr(0, space);
    for (const auto& known : kKeywords) {
        if (!base::iequals(known.name, name)) continue;
        offers.*known.member = true;
        if (known.member == &Capabilities::size && space != std::string_view::npos) {
            offers.size_limit = base::parse_unsigned(base::trim(line.substr(space))).value_or(0);
        }
    }
}

}  // namespace

Capabilities parse_capabilities(const Reply& ehlo) {
    Capabilities offers;
    offers.esmtp = true;
    const auto lines = base::split(ehlo.text, '\n');
    for (std::size_t i = 1; i < lines.size(); ++i)
        take_keyword(offers, lines[i]);  // the first is the greeting
    return offers;
}

}  // namespace gatehouse::act::delivery
