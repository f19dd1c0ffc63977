// Detector `disguise`: files that are something else than their names say, or whose names show something else
// than they are. Constant data only; see disguise.h.
#pragma once

#include <array>

#include "inspect/detect/detector.h"

namespace gatehouse::inspect::detect::disguise {

inline constexpr base::EvidenceInfo kReversed{"disguise.reversed_name", "disguise", base::Strength::strong, 0,
                                              "the file's name holds a character that turns the direction of "
                                              "writing, so that its end is shown elsewhere"};
inline constexpr base::EvidenceInfo kPadded{"disguise.padded_name", "disguise", base::Strength::strong, 0,
                                            "blanks push the end of the file's name out of sight"};
inline constexpr base::EvidenceInfo kDouble{
    "disguise.double_extension", "disguise", base::Strength::strong, 0,
    "the file's name ends as a program's does, after the ending of something harmless"};
inline constexpr base::EvidenceInfo kProgram{"disguise.program", "disguise", base::Strength::strong, 0,
                                             "the file is a program, and its name says that it is none"};
inline constexpr base::EvidenceInfo kMismatch{"disguise.type_mismatch", "disguise", base::Strength::weak, 0,
                                              "the file is of another kind than its name says"};
inline constexpr std::array kEvidence = {kReversed, kPadded, kDouble, kProgram, kMismatch};

inline constexpr Info kInfo{.id = "disguise",
                            .feature = "disguise",
                            .help = "files whose names or types do not say what they are",
                            .stage = Stage::part,
                            .evidence = kEvidence,
                            .settings = nullptr,
                            .cases = "src/inspect/detect/disguise"};

}  // namespace gatehouse::inspect::detect::disguise
