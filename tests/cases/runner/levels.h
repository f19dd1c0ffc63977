// The three levels of a case: inspect and decide are pure calls; walk starts a whole gateway, a scripted next
// hop and, where the case scripts it, a scripted engine.
#pragma once

#include <boost/json.hpp>

#include "base/result.h"
#include "case_file.h"

namespace gatehouse::cases {

/// The scan JSON.
base::Result<boost::json::value> run_pure(const CaseFile& file);
/// The explanation's JSON of the message, with what the client heard, what arrived at which hop, what waits,
/// and the notices (tests/cases/README.md).
base::Result<boost::json::value> run_walk(const CaseFile& file);

/// The tables of the settings section, told apart by file.
struct SplitSettings {
    std::string smtp;       ///< keys of [smtp]
    std::string gatehouse;  ///< other tables of gatehouse.toml
    std::string settings;   ///< settings.toml
};
SplitSettings split_settings(const std::string& text);

}  // namespace gatehouse::cases
