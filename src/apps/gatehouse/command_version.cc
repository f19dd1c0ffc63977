// gatehouse version
#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdio>

#include "apps/gatehouse/commands.h"
#include "message/codec.h"
#include "message/decision.h"

namespace gatehouse::apps {

int command_version(const Globals& globals) {
    if (globals.json) {
        fmt::print("{}\n", boost::json::serialize(
                               boost::json::object{{"version", GATEHOUSE_VERSION},
                                                   {"record_format", message::kRecordFormat},
                                                   {"decide_version", message::Decision::kDecideVersion}}));
    } else {
        fmt::print("gatehouse {}\n", GATEHOUSE_VERSION);
    }
    return 0;
}

}  // namespace gatehouse::apps
