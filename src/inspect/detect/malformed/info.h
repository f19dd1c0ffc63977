// Detector `malformed`: structure beyond the limits that IMSS calls LimitEntities, LimitHeaders,
// LimitHeaderParams and LimitBytesPerEntityHeader, and structure that readers understand differently, so that
// another one may see content which was never inspected. What is merely odd is not malformed. Constant data
// only; see malformed.h.
#pragma once

#include <array>
#include <cstdint>

#include "base/field_table.h"
#include "inspect/detect/detector.h"

namespace gatehouse::inspect::detect::malformed {

struct Settings {
    std::int64_t max_parts = 1000;
    std::int64_t max_header_fields = 1000;
    std::int64_t max_header_parameters = 50;
    std::int64_t max_header_bytes = 512LL << 10;
    bool ambiguous = true;
};

inline constexpr std::array kFields = {
    base::field<&Settings::max_parts>("max_parts",
                                      "parts of one message, nested ones included (LimitEntities)",
                                      {.min = 1, .max = 10'000, .reload = base::Reload::live}),
    base::field<&Settings::max_header_fields>("max_header_fields", "header fields of one part (LimitHeaders)",
                                              {.min = 1, .max = 2'000, .reload = base::Reload::live}),
    base::field<&Settings::max_header_parameters>("max_header_parameters",
                                                  "parameters of one header field (LimitHeaderParams)",
                                                  {.min = 1, .max = 100, .reload = base::Reload::live}),
    base::field<&Settings::max_header_bytes>(
        "max_header_bytes", "size of one part's header (LimitBytesPerEntityHeader)",
        {.min = 1, .max = 1 << 20, .unit = "bytes", .reload = base::Reload::live}),
    base::field<&Settings::ambiguous>("ambiguous",
                                      "treat a structure that readers understand differently as malformed",
                                      {.reload = base::Reload::live}),
};
inline constexpr base::FieldTable kTable =
    base::make_table<Settings>("malformed", "limits of message structure", kFields);

inline constexpr base::EvidenceInfo kTooManyParts{"malformed.too_many_parts", "malformed",
                                                  base::Strength::strong, 0,
                                                  "the message has more parts than max_parts"};
inline constexpr base::EvidenceInfo kTooManyHeaders{"malformed.too_many_headers", "malformed",
                                                    base::Strength::strong, 0,
                                                    "a part has more header fields than max_header_fields"};
inline constexpr base::EvidenceInfo kTooManyParameters{
    "malformed.too_many_parameters", "malformed", base::Strength::strong, 0,
    "a header field has more parameters than max_header_parameters"};
inline constexpr base::EvidenceInfo kHeaderTooLarge{"malformed.header_too_large", "malformed",
                                                    base::Strength::strong, 0,
                                                    "a part's header is larger than max_header_bytes"};
inline constexpr base::EvidenceInfo kAmbiguous{
    "malformed.ambiguous", "malformed", base::Strength::strong, 0,
    "mail programs read a part's structure differently, so one of them may show what was not inspected"};

inline constexpr std::array kEvidence = {kTooManyParts, kTooManyHeaders, kTooManyParameters, kHeaderTooLarge,
                                         kAmbiguous};

inline constexpr Info kInfo{.id = "malformed",
                            .feature = "malformed",
                            .help = "structure beyond the limits, or that mail programs read differently",
                            .stage = Stage::message,
                            .evidence = kEvidence,
                            .settings = &kTable,
                            .cases = "src/inspect/detect/malformed"};

}  // namespace gatehouse::inspect::detect::malformed
