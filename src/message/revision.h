// A revision: everything a decision reads, as plain data. A message takes one at MAIL and keeps it; stored
// records name it by id, and the revision itself is kept as long as a record does.
#pragma once

#include <memory>
#include <string>

#include "base/value.h"

namespace gatehouse::message {

struct Revision {
    std::string id;        ///< first 16 hex digits of SHA-256 over the canonical text of both trees
    base::Value settings;  ///< settings.toml
    base::Value policy;    ///< policy.toml: [[rule]] and friends, checked by decide alone
};

/// Computes the id; equal trees give equal ids wherever they were written.
Revision make_revision(base::Value settings, base::Value policy);
std::string canonical_text(const Revision& revision);

}  // namespace gatehouse::message
