// What a bench says at its end: rows out of what was counted, ratios between the gateway and a peer, and the
// table for people. Pure.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace gatehouse::apps {

/// The value below which that part of them lies (nearest rank); 0 for none. Reorders them.
std::uint64_t percentile(std::vector<std::uint32_t>& values, double part);

struct BenchRow {
    std::string system;  ///< gatehouse, postfix, floor
    std::string mode;    ///< of the gateway: cut-through, queue
    std::string clamd;   ///< of the gateway: on, off
    std::size_t sessions = 0;
    std::size_t bytes = 0;     ///< of a message
    std::string skipped = {};  ///< why there are no figures

    std::uint64_t messages = 0;
    std::uint64_t refused = 0;
    double seconds = 0;
    std::uint64_t cpu_us = 0;
    double peak_mib = 0;
    std::vector<std::uint32_t> micros = {};

    /// "cut-through, 5000 bytes, 10 sessions"
    std::string name() const;
    double per_second() const;
    double cpu_us_per_message() const;
    boost::json::object json();
};

/// For each row of the gateway: what it does in relation to the peer's row of the same load.
boost::json::object ratios(const std::vector<BenchRow>& rows, std::string_view peer);

/// The rows as aligned text, with the ratios of those that have one.
std::string table(std::vector<BenchRow>& rows, const boost::json::object& ratios);

}  // namespace gatehouse::apps
