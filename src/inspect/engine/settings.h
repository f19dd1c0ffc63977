// Everything an inspector has to know before its first message, as plain data: process limits, budgets, our
// own host name, and each detector's settings. The composition fills it from gatehouse.toml and
// settings.toml, the supervisor sends it to a new zygote (encode_settings), and the zygote refuses what it
// does not understand.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/budget.h"
#include "base/field_table.h"
#include "base/result.h"
#include "inspect/detect/loop/info.h"
#include "inspect/detect/malformed/info.h"
#include "inspect/open/settings.h"

namespace gatehouse::inspect::engine {

/// Never in a settings file by itself: the composition derives each value from other tables.
struct ProcessSettings {
    std::string hostname;                    ///< smtp.hostname
    std::int64_t max_message = 100LL << 20;  ///< smtp.max_message_size and our own header lines
    bool require_sandbox = false;            ///< inspect.require_sandbox
    std::int64_t max_data = 1LL << 30;       ///< memory of one inspector
    std::int64_t max_messages = 1000;        ///< then a worker ends
    std::int64_t max_seconds = 60;           ///< then a worker ends
    std::int64_t max_handed_parts = 256;     ///< memory files for engines, per message
    std::int64_t max_depth = base::BudgetLimits{}.max_depth;
    std::int64_t max_parts = base::BudgetLimits{}.max_parts;
    std::int64_t max_decoded = base::BudgetLimits{}.max_decoded;
    std::int64_t max_held = base::BudgetLimits{}.max_held;
    std::int64_t max_steps = base::BudgetLimits{}.max_steps;
};

inline constexpr std::array kProcessFields = {
    base::field<&ProcessSettings::hostname>("hostname", "our own name, as in the Received lines we write"),
    base::field<&ProcessSettings::max_message>("max_message", "the largest message",
                                               {.min = 1, .unit = "bytes"}),
    base::field<&ProcessSettings::require_sandbox>("require_sandbox", "end where a step cannot be applied"),
    base::field<&ProcessSettings::max_data>("max_data", "memory of one inspector",
                                            {.min = 1 << 20, .unit = "bytes"}),
    base::field<&ProcessSettings::max_messages>("max_messages", "then a worker ends", {.min = 1}),
    base::field<&ProcessSettings::max_seconds>("max_seconds", "then a worker ends", {.min = 1, .unit = "s"}),
    base::field<&ProcessSettings::max_handed_parts>("max_handed_parts", "parts handed to engines",
                                                    {.min = 0}),
    base::field<&ProcessSettings::max_depth>("max_depth", "nesting of parts and containers", {.min = 1}),
    base::field<&ProcessSettings::max_parts>("max_parts", "parts and members of one message", {.min = 1}),
    base::field<&ProcessSettings::max_decoded>("max_decoded", "bytes made by decoding",
                                               {.min = 1, .unit = "bytes"}),
    base::field<&ProcessSettings::max_held>("max_held", "bytes held at once", {.min = 1, .unit = "bytes"}),
    base::field<&ProcessSettings::max_steps>("max_steps", "elementary steps of detectors", {.min = 1}),
};
inline constexpr base::FieldTable kProcessTable =
    base::make_table<ProcessSettings>("inspector", "what the composition tells an inspector", kProcessFields);

struct Settings {
    ProcessSettings process;
    detect::malformed::Settings malformed;
    detect::loop::Settings loop;
    open::Settings open;

    base::BudgetLimits budget() const;
};

/// A table and the object it fills: the one list over which settings travel.
struct BoundTable {
    const base::FieldTable* table;
    void* object;
};
std::vector<BoundTable> bind(Settings& settings);

std::string encode_settings(const Settings& settings);
/// Unknown tables, unknown keys and values out of range are Fault::usage.
base::Result<Settings> decode_settings(std::string_view bytes);

}  // namespace gatehouse::inspect::engine
