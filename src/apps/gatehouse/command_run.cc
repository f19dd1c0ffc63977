// gatehouse run
#include <fmt/format.h>

#include <cstdio>

#include "apps/gatehouse/commands.h"
#include "apps/gatehouse/report.h"
#include "apps/gatehouse/supervisor.h"
#include "base/log.h"

namespace gatehouse::apps {

int command_run(const Globals& globals, bool demo_sink) {
    base::log_start("supervisor", demo_sink ? "DEMO" : "", base::LogLevel::info);
    auto supervisor = Supervisor::make({find_config(globals.config), demo_sink});
    if (!supervisor) return report(globals, supervisor.error());
    if (demo_sink) {
        fmt::print(
            "Health and status: https://127.0.0.1:8445/ (the console comes with a later version)\n"
            "Send a first message:  packaging/send-test.sh 127.0.0.1:2525 you@example.com\n");
        std::fflush(stdout);
    }
    return (*supervisor)->run();
}

}  // namespace gatehouse::apps
