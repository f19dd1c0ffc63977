// gatehouse-front: SMTP in, the walk, SMTP out. Started by `gatehouse run`.
#include <csignal>

#include "apps/front/front.h"
#include "base/log.h"

int main() {
    std::signal(SIGPIPE, SIG_IGN);
    auto beginning = gatehouse::apps::begin_role();
    if (!beginning) {
        gatehouse::base::log(gatehouse::base::LogLevel::error, "{}", beginning.error().sentence);
        return 2;
    }
    gatehouse::ipc::Channel& channel = beginning->channel;
    auto front = gatehouse::apps::Front::make(*beginning);
    if (!front) {
        gatehouse::apps::say_failed(channel, front.error().sentence);
        gatehouse::base::log(gatehouse::base::LogLevel::error, "the front cannot start: {}",
                             front.error().sentence);
        return 3;
    }
    return (*front)->run();
}
