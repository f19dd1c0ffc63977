// gatehouse-test-inspector: gatehouse-inspector with probes.h beside the detectors. Options, in this order:
//   CHANNEL-FD [no-filter] [user UID:GID]
// or, in a gateway composed for a test, as the supervisor starts the product: --channel FD [--user UID:GID]
#include <unistd.h>

#include <cstdlib>
#include <span>
#include <string_view>

#include "base/log.h"
#include "base/text.h"
#include "inspect/worker/zygote.h"
#include "probes.h"

int main(int count, char** raw_words) {
    gatehouse::e2e::note_heap_start();
    gatehouse::base::log_start("test-inspector", "", gatehouse::base::LogLevel::info);
    std::span<char*> words(raw_words, static_cast<std::size_t>(count));
    if (words.size() > 2 && std::string_view(words[1]) == "--channel") words = words.subspan(1);
    gatehouse::inspect::worker::ZygoteOptions options;
    const auto detectors = gatehouse::e2e::catalogue_with_probes();
    options.detectors = detectors;
    options.channel =
        gatehouse::base::Fd(static_cast<int>(gatehouse::base::parse_unsigned(words[1]).value_or(1023)));
    for (std::size_t i = 2; i < words.size(); ++i) {
        const std::string_view word = words[i];
        if (word == "no-filter") options.leave_out_filter = true;
        if (word == "user" || word == "--user")
            options.ids = gatehouse::inspect::worker::parse_role_ids(words[i + 1]).value();
    }
    const int status = gatehouse::inspect::worker::run_zygote(std::move(options));
    gatehouse::base::log_flush();
    ::_exit(status);
}
