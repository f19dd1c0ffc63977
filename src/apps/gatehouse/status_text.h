// `gatehouse status` for people: first whether anything is wrong, in one list; then the gateway on one
// screen. Pure but for the clock and the disk, which are handed in.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace gatehouse::apps {

struct DiskSpace {
    std::uint64_t free = 0;
    std::uint64_t total = 0;
};

struct StatusView {
    std::vector<boost::json::object> rows;  ///< of the supervisor, the front and admin, as `status --json`
    std::optional<DiskSpace> disk = {};     ///< of the state folder
    base::WallTime now{};
    bool verbose = false;
};

/// What an operator should look at, in sentences; none = all is well.
std::vector<std::string> status_problems(const StatusView& view);
std::string status_text(const StatusView& view);

}  // namespace gatehouse::apps
