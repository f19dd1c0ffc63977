// Where mail goes: the [[next_hop]] tables of gatehouse.toml and the [delivery] table. Read once at start by
// apps; the walk asks NextHops::pick for every recipient's domain. Immutable afterwards and shared by all
// threads. Until the DNS outlet exists a next hop is an IP address; host names and "mx" are refused with a
// sentence.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/field_table.h"
#include "base/ip_address.h"
#include "base/result.h"
#include "base/value.h"

namespace gatehouse::act::delivery {

enum class TlsMode : std::uint8_t {
    opportunistic,  ///< STARTTLS when offered, any certificate; in clear only in a new connection
    required,       ///< STARTTLS with any certificate, or no delivery
    verify,         ///< STARTTLS with a certificate for `name` from the system's store, or no delivery
    never,
};
std::string_view to_string(TlsMode mode);

struct NextHop {
    std::string domain;                     ///< "example.com", "*.example.com" or "*"; lower case
    std::vector<base::Endpoint> addresses;  ///< in order of preference, at least one
    TlsMode tls = TlsMode::opportunistic;
    bool refuse_eight_bit = false;  ///< eight_bit = "refuse"
    std::string name;               ///< for SNI and verification; may be empty unless tls = verify
    std::string key;                ///< equal keys may share connections
    bool operator==(const NextHop&) const = default;
};

/// One [[next_hop]] as written.
struct NextHopSettings {
    std::string domain = "*";
    std::vector<std::string> address;
    std::string tls = "opportunistic";
    std::string eight_bit = "as_is";
    std::string name;
};

struct DeliverySettings {
    bool cut_through = true;
    std::int64_t connect_timeout = 30;
    std::int64_t command_timeout = 60;
    std::int64_t data_timeout = 180;
    std::int64_t final_timeout = 120;
    std::int64_t queued_final_timeout = 600;  // RFC 5321 4.5.3.2.6
    std::int64_t max_connections = 100;
    std::int64_t wait_for_connection = 10;
    std::int64_t idle_time = 30;
    std::int64_t max_age = 300;
    std::int64_t max_messages = 1000;
    std::int64_t down_time = 30;
    std::vector<std::string> retry = {"1 min", "5 min", "15 min", "30 min", "1 h", "2 h", "4 h"};
    std::int64_t lifetime_hours = 120;
    std::int64_t warn_hours = 4;
};

extern const base::FieldTable kNextHopTable;
extern const base::FieldTable kDeliveryTable;

class NextHops {
  public:
    /// `tables`: the array of [[next_hop]]; empty or absent gives no hop at all.
    static base::Result<NextHops> read(const base::Value& tables);
    static base::Result<NextHops> make(const std::vector<NextHopSettings>& settings);

    /// Most specific first: the domain itself, then `*.` of ever shorter parents, then `*`; null when none
    /// fits. `domain` in any case, as message::domain_of gives it; empty (no domain) takes `*`.
    const NextHop* pick(std::string_view domain) const;
    const std::vector<NextHop>& all() const { return hops_; }

  private:
    base::Result<void> add(NextHop hop);

    std::vector<NextHop> hops_;
    std::unordered_map<std::string, std::size_t> by_domain_;
};

/// The retry list in seconds, one at least; Fault::usage names the word that is no time.
base::Result<std::vector<std::chrono::seconds>> retry_times(const DeliverySettings& settings);

}  // namespace gatehouse::act::delivery
