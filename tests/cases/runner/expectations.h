// Compares what came out, as JSON, with a case's expectations. A path walks members by name; where it meets a
// list, any element may satisfy the rest; `path.count` is the length of a list.
#pragma once

#include <boost/json.hpp>
#include <string>

#include "case_file.h"

namespace gatehouse::cases {

bool holds(const Expectation& expectation, const boost::json::value& outcome);
/// Empty when all of `expect` hold and none of `refuse`; else one line per disagreement.
std::string disagreements(const CaseFile& file, const boost::json::value& outcome);

}  // namespace gatehouse::cases
