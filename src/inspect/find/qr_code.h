// What is written in the square codes of a picture: QR, Micro QR, Data Matrix and Aztec. The one adapter of
// zxing-cpp. Pure, bounded by the picture; at most kMaxCodes texts of kMaxCodeText bytes.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "inspect/format/picture.h"

namespace gatehouse::inspect::find {

inline constexpr std::size_t kMaxCodes = 16;
inline constexpr std::size_t kMaxCodeText = 8192;

/// In UTF-8, each once. Also light codes on dark ground.
std::vector<std::string> read_codes(const format::Picture& picture);

}  // namespace gatehouse::inspect::find
