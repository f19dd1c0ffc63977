// Detectors that do what a detector must never do, for tests of the sandbox: the message's header X-Probe
// names the deed, X-Probe-Argument what it needs. Part of gatehouse-test-inspector only, never of a product.
#pragma once

#include <vector>

#include "inspect/engine/catalogue.h"

namespace gatehouse::e2e {

/// The product's catalogue with the probes behind it.
std::vector<inspect::engine::Detector> catalogue_with_probes();

/// Remembers where the heap begins, for the probe "search". Before anything else.
void note_heap_start();

}  // namespace gatehouse::e2e
