// The catalogue as text: the manual of every key (`gatehouse config reference`) and the values in force
// (`gatehouse config show`). Nothing here is written twice: all of it comes from the FieldTables. Pure.
#pragma once

#include <string>
#include <vector>

#include "settings/text/catalogue.h"

namespace gatehouse::settings::text {

/// Markdown: per file and table every key with its meaning, what is allowed, default and reload kind; at the
/// end the keys of features that are not in this version.
std::string reference(const Catalogue& catalogue);

/// The same, one item a key, for machines.
struct ReferenceKey {
    File file = File::gatehouse;
    std::string table;
    std::string key;
    std::string help;
    std::string allowed;
    base::Value fallback;  ///< empty for secrets and for keys that come later
    base::Reload reload = base::Reload::restart;
    bool is_secret = false;
    bool is_later = false;  ///< known, but not in this version
};
std::vector<ReferenceKey> reference_keys(const Catalogue& catalogue);

/// Per file TOML with every key, given or not, and where each value comes from as a comment. Secrets are
/// masked. The trees must have passed Catalogue::check.
std::string show(const Catalogue& catalogue, const Trees& trees);

/// The same, one item a key; members of array tables are called "next_hop[0].domain". A secret that is set
/// has an empty value.
struct ShownKey {
    File file = File::gatehouse;
    std::string key;
    base::Value value;
    std::string origin;
};
std::vector<ShownKey> shown_keys(const Catalogue& catalogue, const Trees& trees);

}  // namespace gatehouse::settings::text
