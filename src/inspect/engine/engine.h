// Inspection itself: raw bytes and settings in, message::Facts out. Parses the message, describes every part,
// turns what the parser could not or would not look at into gaps, shows each part and the message to the
// detectors, and names the parts that a third-party engine should see. Used by inspect/worker and, in tests,
// by anybody.
//
// Pure and exactly deterministic: no clock, file, socket or global; the same bytes and settings give the same
// Facts (micros apart, which stay 0 without a Stopwatch). Work is bounded by Settings::budget. Throws nothing
// but std::bad_alloc. Not thread-safe per call; independent calls share nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "inspect/detect/detector.h"
#include "inspect/engine/catalogue.h"
#include "inspect/engine/settings.h"
#include "inspect/find/expressions.h"
#include "message/facts.h"

namespace gatehouse::inspect::engine {

/// Questions that are known from the headers alone, so that they can be asked while inspection goes on.
struct Early {
    std::vector<std::string> domains;  ///< of From, Sender, Reply-To and DKIM signatures, lower case, sorted
    std::vector<std::string> dkim_keys;  ///< "selector._domainkey.domain", lower case, sorted
    bool operator==(const Early&) const = default;
};

/// Hears what can be used before the Facts are complete.
class Listener {
  public:
    virtual ~Listener() = default;
    virtual void on_early(const Early& early) = 0;
    /// An attachment or another part that is no text, decoded; `bytes` are gone afterwards. False: it was not
    /// handed on, which becomes a gap.
    virtual bool on_part(const message::Part& part, std::string_view bytes) = 0;
};

struct Job {
    std::string_view raw;
    const message::Envelope* envelope = nullptr;  ///< null when a file is scanned
    const Settings& settings;
    std::span<const Detector> detectors;
    /// Of the policy; null = none. One thread at a time.
    const find::Expressions* expressions = nullptr;
    Listener* listener = nullptr;
    base::Stopwatch* stopwatch = nullptr;
};

message::Facts inspect(const Job& job);

struct View {
    std::string text;  ///< UTF-8
    bool cut = false;
};

/// One part as text: its decoded bytes, read in its charset. Nothing when no part has this path.
std::optional<View> view(std::string_view raw, std::string_view path, std::size_t limit);

}  // namespace gatehouse::inspect::engine
