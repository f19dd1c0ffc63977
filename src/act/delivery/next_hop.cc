#include "act/delivery/next_hop.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "act/delivery/command.h"
#include "base/text.h"

namespace gatehouse::act::delivery {
namespace {

using base::fail;
using base::Fault;
using base::field;

constexpr std::size_t kMaxAddresses = 16;
constexpr std::uint16_t kSmtpPort = 25;
constexpr std::int64_t kLongestPause = 30LL * 24 * 3600;  // between two attempts, in seconds

constexpr std::array<std::string_view, 4> kTlsWords{"opportunistic", "required", "verify", "never"};
constexpr std::array<std::string_view, 2> kEightBitWords{"as_is", "refuse"};

/// "192.0.2.1:25", "[2001:db8::1]:25", or either address without a port, which is then 25.
base::Result<base::Endpoint> parse_hop_address(std::string_view text) {
    if (auto endpoint = base::Endpoint::parse(text); endpoint && endpoint->port != 0) return endpoint;
    const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
    if (auto address = base::IpAddress::parse(bracketed ? text.substr(1, text.size() - 2) : text)) {
        return base::Endpoint{*address, kSmtpPort};
    }
    if (base::iequals(text, "mx")) {
        return fail(Fault::usage,
                    "delivery by MX needs the DNS outlet, which is not in this version; "
                    "write IP addresses such as \"192.0.2.1:25\"");
    }
    return fail(Fault::usage,
                "\"{}\" is no IP address with a port, such as \"192.0.2.1:25\" or \"[2001:db8::1]:25\"; "
                "host names need the DNS outlet, which is not in this version",
                base::printable(text, 80));
}

base::Result<void> check_address(std::string_view text) {
    GATEHOUSE_CHECK(parse_hop_address(text));
    return {};
}

base::Result<void> check_domain(std::string_view text) {
    if (text == "*") return {};
    const auto rest = text.starts_with("*.") ? text.substr(2) : text;
    const auto bad = [](char c) {
        return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F || c == '*' || c == '@';
    };
    const bool dotted = rest.starts_with('.') || rest.ends_with('.') || rest.contains("..");
    if (rest.empty() || rest.size() > 255 || dotted || std::any_of(rest.begin(), rest.end(), bad)) {
        return fail(Fault::usage, "\"{}\" is no domain: write example.com, *.example.com or *",
                    base::printable(text, 80));
    }
    return {};
}

base::Result<void> check_name(std::string_view text) {
    if (text.empty()) return {};
    return check_helo_name(text);
}

base::Result<void> check_retry(std::string_view text) {
    const auto seconds = base::parse_quantity(text, "s");
    if (seconds && *seconds >= 1 && *seconds <= kLongestPause) return {};
    return fail(Fault::usage, "\"{}\" is no time from \"1 s\" to \"30 d\", such as \"5 min\"",
                base::printable(text, 40));
}

constexpr std::array kNextHopFields = {
    field<&NextHopSettings::domain>("domain",
                                    "recipient domain: example.com, *.example.com or * for all others",
                                    {.check = check_domain}),
    field<&NextHopSettings::address>("address", "IP address and port, or a list in order of preference",
                                     {.check = check_address}),
    field<&NextHopSettings::tls>("tls", "STARTTLS towards this hop", {.choices = kTlsWords}),
    field<&NextHopSettings::eight_bit>("eight_bit", "8-bit content to a hop without 8BITMIME",
                                       {.choices = kEightBitWords}),
    field<&NextHopSettings::name>("name", "host name for TLS: sent as server name, matched by tls = verify",
                                  {.check = check_name}),
};

constexpr std::array kDeliveryFields = {
    field<&DeliverySettings::cut_through>("cut_through",
                                          "pass mail on within the sender's session where possible"),
    field<&DeliverySettings::connect_timeout>(
        "connect_timeout", "reaching one address of a next hop: connection, greeting, EHLO and TLS together",
        {.min = 1, .max = 300, .unit = "s"}),
    field<&DeliverySettings::command_timeout>("command_timeout", "waiting for the reply to one command",
                                              {.min = 1, .max = 600, .unit = "s"}),
    field<&DeliverySettings::data_timeout>("data_timeout", "sending content without the next hop taking any",
                                           {.min = 1, .max = 600, .unit = "s"}),
    field<&DeliverySettings::final_timeout>("final_timeout",
                                            "waiting for the reply to the final dot within a sender's "
                                            "session; inspection and sending have what it "
                                            "leaves of 240 s",
                                            {.min = 1, .max = 180, .unit = "s"}),
    field<&DeliverySettings::queued_final_timeout>(
        "queued_final_timeout",
        "waiting for the reply to the final dot of mail out of the queue; less than 600 s doubles mail",
        {.min = 1, .max = 3600, .unit = "s"}),
    field<&DeliverySettings::max_connections>("max_connections", "connections to one next hop at a time",
                                              {.min = 1, .max = 10'000}),
    field<&DeliverySettings::wait_for_connection>(
        "wait_for_connection", "waiting for a free connection when max_connections are busy",
        {.min = 0, .max = 120, .unit = "s"}),
    field<&DeliverySettings::idle_time>("idle_time",
                                        "keeping an unused connection to a next hop; 0 = none kept",
                                        {.min = 0, .max = 3600, .unit = "s"}),
    field<&DeliverySettings::max_age>("max_age", "using one connection",
                                      {.min = 1, .max = 86'400, .unit = "s"}),
    field<&DeliverySettings::max_messages>("max_messages", "messages over one connection",
                                           {.min = 1, .max = 1'000'000}),
    field<&DeliverySettings::down_time>(
        "down_time", "trying an address last, and queued mail not at all, after it could not be reached",
        {.min = 0, .max = 3600, .unit = "s"}),
    field<&DeliverySettings::retry>(
        "retry", "times between attempts for queued mail, at least one; the last one repeats",
        {.check = check_retry}),
    field<&DeliverySettings::lifetime_hours>("lifetime_hours",
                                             "keeping mail in the queue before it is returned",
                                             {.min = 1, .max = 24 * 30, .unit = "h"}),
    field<&DeliverySettings::warn_hours>("warn_hours", "telling the sender that mail is late; 0 = never",
                                         {.min = 0, .max = 24 * 30, .unit = "h"}),
};

std::string place_prefix(const base::Value& value) {
    return value.place().file.empty() ? "" : value.place().to_string() + ": ";
}

base::Result<NextHop> make_hop(const NextHopSettings& from) {
    GATEHOUSE_CHECK(check_domain(from.domain));
    if (from.address.empty()) {
        return fail(Fault::usage, "next_hop {} has no address, such as address = \"192.0.2.1:25\"",
                    from.domain);
    }
    if (from.address.size() > kMaxAddresses) {
        return fail(Fault::usage, "next_hop {} has more than {} addresses", from.domain, kMaxAddresses);
    }
    NextHop hop;
    hop.domain = base::lower(from.domain);
    hop.refuse_eight_bit = from.eight_bit == "refuse";
    hop.name = from.name;
    const auto word = std::find(kTlsWords.begin(), kTlsWords.end(), from.tls);
    if (word == kTlsWords.end())
        return fail(Fault::usage, "tls = \"{}\" is unknown", base::printable(from.tls, 40));
    hop.tls = static_cast<TlsMode>(word - kTlsWords.begin());
    for (const auto& text : from.address) {
        GATEHOUSE_TRY(auto address, parse_hop_address(text));
        hop.addresses.push_back(address);
    }
    hop.key = fmt::format("{} {}", to_string(hop.tls), hop.name);
    for (const auto& address : hop.addresses) hop.key += ' ' + address.to_string();
    if (hop.tls == TlsMode::verify && hop.name.empty()) {
        return fail(Fault::usage,
                    "next_hop {}: tls = \"verify\" needs name, the host name in its certificate", hop.domain);
    }
    return hop;
}

}  // namespace

const base::FieldTable kNextHopTable = base::make_table<NextHopSettings>(
    "next_hop", "where mail for a recipient domain is passed on to", kNextHopFields, true);
const base::FieldTable kDeliveryTable =
    base::make_table<DeliverySettings>("delivery", "passing mail on to next hops", kDeliveryFields);

std::string_view to_string(TlsMode mode) {
    return kTlsWords.at(static_cast<std::size_t>(mode));
}

base::Result<NextHops> NextHops::read(const base::Value& tables) {
    NextHops hops;
    if (tables.is_empty()) return hops;
    const auto* array = tables.array();
    if (array == nullptr) {
        return fail(Fault::usage, "{}next_hop must be written [[next_hop]]", place_prefix(tables));
    }
    for (const auto& table : *array) {
        NextHopSettings settings;
        GATEHOUSE_CHECK(base::fill(kNextHopTable, table, &settings));
        auto hop = make_hop(settings);
        if (!hop) return fail(hop.error().fault, "{}{}", place_prefix(table), hop.error().sentence);
        if (auto added = hops.add(std::move(*hop)); !added) {
            return fail(added.error().fault, "{}{}", place_prefix(table), added.error().sentence);
        }
    }
    return hops;
}

base::Result<NextHops> NextHops::make(const std::vector<NextHopSettings>& settings) {
    NextHops hops;
    for (const auto& one : settings) {
        GATEHOUSE_TRY(auto hop, make_hop(one));
        GATEHOUSE_CHECK(hops.add(std::move(hop)));
    }
    return hops;
}

base::Result<void> NextHops::add(NextHop hop) {
    if (!by_domain_.emplace(hop.domain, hops_.size()).second) {
        return fail(Fault::usage, "there are two next_hop tables for domain {}", hop.domain);
    }
    hops_.push_back(std::move(hop));
    return {};
}

const NextHop* NextHops::pick(std::string_view domain) const {
    const auto find = [&](const std::string& key) -> const NextHop* {
        const auto at = by_domain_.find(key);
        return at == by_domain_.end() ? nullptr : &hops_[at->second];
    };
    const auto name = base::lower(domain.ends_with('.') ? domain.substr(0, domain.size() - 1) : domain);
    if (!name.empty() && name != "*" && !name.starts_with("*.")) {
        if (const auto* hop = find(name)) return hop;
        constexpr int kMaxLabels = 128;
        auto dot = name.find('.');
        for (int label = 0; dot != std::string::npos && label < kMaxLabels;
             ++label, dot = name.find('.', dot + 1)) {
            if (const auto* hop = find("*" + name.substr(dot))) return hop;
        }
    }
    return find("*");
}

base::Result<std::vector<std::chrono::seconds>> retry_times(const DeliverySettings& settings) {
    std::vector<std::chrono::seconds> out;
    if (settings.retry.empty())
        return fail(Fault::usage, "delivery.retry is empty: name at least one time, such as [\"5 min\"]");
    for (const auto& word : settings.retry) {
        GATEHOUSE_CHECK(check_retry(word));
        out.emplace_back(*base::parse_quantity(word, "s"));
    }
    return out;
}

}  // namespace gatehouse::act::delivery
