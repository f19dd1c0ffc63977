#include "consult/engines/clamd_engine.h"

#include <algorithm>

#include "consult/engines/settings.h"

namespace gatehouse::consult::engines {

ClamdEngine::Options engine_options(const AntivirusSettings& settings, std::string socket,
                                    std::uint64_t max_file_bytes, unsigned event_loops) {
    ClamdEngine::Options out;
    out.socket = std::move(socket);
    out.scan_timeout = std::chrono::seconds(settings.scan_timeout);
    out.max_file_bytes = max_file_bytes;
    // Twice its threads, so that one scan waits inside clamd for each that runs and no thread idles between
    // two.
    const unsigned loops = std::max(1U, event_loops);
    out.slots = std::max<std::size_t>(2, (2 * engine_threads(settings) + loops - 1) / loops);
    out.waiting = static_cast<std::size_t>(settings.queue);
    out.cache = {.entries = static_cast<std::uint64_t>(settings.cache_entries),
                 .bytes = static_cast<std::uint64_t>(settings.cache_size),
                 .age = std::chrono::minutes(settings.cache_minutes)};
    return out;
}

}  // namespace gatehouse::consult::engines
