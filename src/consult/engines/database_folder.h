// The engine's database folder: our own signature file and symbolic links to the operator's files, swapped as
// a whole. Used by the supervisor (install) and by whoever prints `status` (survey). Blocking, a few stat
// calls; one installer at a time (the engine folder's lock). Untrusted only in so far as names and headers
// are checked.
#pragma once

#include <string>

#include "base/result.h"
#include "consult/engines/signatures.h"

namespace gatehouse::consult::engines {

/// Reads names, sizes, times and headers of the operator's folder (at most 1,000 databases; "" = none). A
/// folder that cannot be read counts as empty and says so in DatabaseSet::problem, because our own signatures
/// must keep working without it.
DatabaseSet survey_database(const std::string& operator_folder);

/// Makes `<engine_folder>/db` hold our file and links to the set's files. The new folder is built beside the
/// old one and swapped in by one rename, so clamd never sees half a set. False when it was there already.
base::Result<bool> install_database(const std::string& engine_folder, const std::string& operator_folder,
                                    const DatabaseSet& set);

}  // namespace gatehouse::consult::engines
