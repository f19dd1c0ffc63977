// TOML text to a base::Value tree that knows where each value was written. Used by apps for gatehouse.toml,
// settings.toml and policy.toml, and by tests and case files. Pure and thread-safe.
// Limits: 1 MiB of text, tables and lists nested at most 32 deep. Dates and times must stand in quotes.
// A syntax error is Fault::usage, a limit Fault::limit; both sentences begin with file:line.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"
#include "base/value.h"

namespace gatehouse::settings::text {

inline constexpr std::size_t kMaxText = 1 << 20;
inline constexpr std::size_t kMaxDepth = 32;

/// The name of text that stands in no file: its places have no lines.
inline constexpr std::string_view kBuiltIn = "built-in default";

/// `file_name` is what error sentences and places say; nothing is opened.
base::Result<base::Value> parse(std::string_view toml, std::string_view file_name);

}  // namespace gatehouse::settings::text
