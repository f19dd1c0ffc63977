// What differs between two readings of the three files, key by key: `reload` says what it applied and what
// needs more than a reload. Pure.
#pragma once

#include <string>
#include <vector>

#include "settings/text/catalogue.h"

namespace gatehouse::settings::text {

struct Change {
    File file = File::gatehouse;
    std::string key;  ///< dotted; of an array table ([[next_hop]]) the table's name
    base::Reload reload = base::Reload::restart;
};

/// In the catalogue's order. A key that is absent counts as its default; of an array table nothing finer than
/// the whole is compared.
std::vector<Change> changes(const Catalogue& catalogue, const Trees& before, const Trees& after);

}  // namespace gatehouse::settings::text
