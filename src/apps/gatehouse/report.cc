#include "apps/gatehouse/report.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdio>

#include "base/text.h"

namespace gatehouse::apps {

namespace json = boost::json;

namespace {

void print_json(std::string_view key, const std::string& sentence, int code) {
    constexpr std::size_t kLongest = 4096;
    fmt::print("{}\n",
               json::serialize(json::object{{key, base::printable(sentence, kLongest)}, {"exit", code}}));
}

}  // namespace

int report(const Globals& globals, const base::Error& error) {
    const int code = report(error);
    if (globals.json) print_json("error", error.sentence, code);
    return code;
}

int report_end(const Globals& globals, const pb::ControlEnd& end) {
    const int code = static_cast<int>(end.exit_class());
    if (!globals.json || end.sentence().empty()) return report_end(end);
    if (code == 0) {
        print_json("message", end.sentence(), code);
        return code;
    }
    report_end(end);
    print_json("error", end.sentence(), code);
    return code;
}

int report_usage(const Globals& globals, const std::string& sentence) {
    return report(globals, {base::Fault::usage, sentence});
}

}  // namespace gatehouse::apps
