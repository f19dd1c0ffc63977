// gatehouse-inspector: the zygote and, by fork, its inspectors. Started by the supervisor and by `gatehouse
// scan`:
//   gatehouse-inspector --channel FD [--user NAME|UID[:GID]]
// FD is a unix stream socket (ipc/zygote.proto), on which the settings come first. Log lines go to stderr.
#include <unistd.h>

#include <cstdlib>
#include <span>
#include <string_view>

#include "base/log.h"
#include "base/text.h"
#include "inspect/engine/catalogue.h"
#include "inspect/worker/zygote.h"

namespace {

using gatehouse::base::Fault;
using gatehouse::base::Result;
using gatehouse::inspect::worker::ZygoteOptions;

Result<ZygoteOptions> parse_options(std::span<char*> words) {
    ZygoteOptions options;
    options.detectors = gatehouse::inspect::engine::catalogue();
    for (std::size_t i = 1; i + 1 < words.size(); i += 2) {
        const std::string_view name = words[i];
        const std::string_view value = words[i + 1];
        if (name == "--channel") {
            const auto number = gatehouse::base::parse_unsigned(value);
            if (!number || *number > 1023)
                return gatehouse::base::fail(Fault::usage, "{} is no descriptor", value);
            options.channel = gatehouse::base::Fd(static_cast<int>(*number));
        } else if (name == "--user") {
            GATEHOUSE_TRY(options.ids, gatehouse::inspect::worker::parse_role_ids(value));
        } else {
            return gatehouse::base::fail(Fault::usage, "unknown option {}", name);
        }
    }
    if (!options.channel)
        return gatehouse::base::fail(Fault::usage, "gatehouse-inspector is started by gatehouse run");
    return options;
}

}  // namespace

int main(int count, char** words) {
    gatehouse::base::log_start("inspector", "", gatehouse::base::LogLevel::info);
    auto options = parse_options({words, static_cast<std::size_t>(count)});
    int status = 2;
    if (options) {
        status = gatehouse::inspect::worker::run_zygote(std::move(*options));
    } else {
        gatehouse::base::log(gatehouse::base::LogLevel::error, "{}", options.error().sentence);
    }
    gatehouse::base::log_flush();
    ::_exit(status);
}
