// Detector `loop`: mail that goes in circles, by its Received lines (RFC 5321 section 6.3). The front answers
// 554 5.4.6. Constant data only; see loop.h.
#pragma once

#include <array>
#include <cstdint>

#include "base/field_table.h"
#include "inspect/detect/detector.h"

namespace gatehouse::inspect::detect::loop {

struct Settings {
    std::int64_t max_received = 50;
    std::int64_t max_own_name = 3;
};

inline constexpr std::array kFields = {
    base::field<&Settings::max_received>("max_received", "Received lines; more of them mean a loop",
                                         {.min = 10, .max = 1000, .reload = base::Reload::live}),
    base::field<&Settings::max_own_name>("max_own_name",
                                         "Received lines written by ourselves that mean a loop",
                                         {.min = 1, .max = 100, .reload = base::Reload::live}),
};
inline constexpr base::FieldTable kTable =
    base::make_table<Settings>("loop", "mail that goes in circles", kFields);

inline constexpr base::EvidenceInfo kReceived{"loop.received", "loop", base::Strength::strong, 0,
                                              "the message has more Received lines than max_received"};
inline constexpr base::EvidenceInfo kOwnName{
    "loop.own_name", "loop", base::Strength::strong, 0,
    "the message came through this gateway max_own_name times before"};
inline constexpr std::array kEvidence = {kReceived, kOwnName};

inline constexpr Info kInfo{.id = "loop",
                            .feature = "loop",
                            .help = "mail that goes in circles",
                            .stage = Stage::message,
                            .evidence = kEvidence,
                            .settings = &kTable,
                            .cases = "src/inspect/detect/loop"};

}  // namespace gatehouse::inspect::detect::loop
