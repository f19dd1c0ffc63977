// The catalogue as text: the manual of every key (`gatehouse config reference`) and the values in force
// (`gatehouse config show`). Nothing here is written twice: all of it comes from the FieldTables. Pure.
#pragma once

#include <string>

#include "settings/text/catalogue.h"

namespace gatehouse::settings::text {

/// Markdown: per file and table every key with its meaning, what is allowed, default and reload kind; at the
/// end the keys of features that are not in this version.
std::string reference(const Catalogue& catalogue);

/// Per file TOML with every key, given or not, and where each value comes from as a comment. Secrets are
/// masked. The trees must have passed Catalogue::check.
std::string show(const Catalogue& catalogue, const Trees& trees);

}  // namespace gatehouse::settings::text
