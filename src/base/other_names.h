// What to say about a name that is not known: the name it has here when other programs call the same thing so
// ("mynetworks", "when.or"), else the nearest known one. Used wherever settings and rules are checked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::base {

/// "; did you mean X?", or "". `table` is the dotted name of the table that `key` was written in, "" at the
/// top of a file. A name of another program gives the whole dotted name, a near one stands as in `known`.
std::string did_you_mean(std::string_view table, std::string_view key, const std::vector<std::string>& known);

}  // namespace gatehouse::base
