// gatehouse-inspector: the zygote and, by fork, its inspectors. Started by the supervisor and by `gatehouse
// scan`:
//   gatehouse-inspector --channel FD [--expressions FD] [--user NAME|UID[:GID]]
//   gatehouse-inspector --compile-expressions FD [--user NAME|UID[:GID]]
// The channel is a unix stream socket (ipc/zygote.proto), on which the settings come first; the expressions
// are a sealed memory file. The second form compiles keyword lists (ipc/expression_source.proto) and ends.
// Log lines go to stderr.
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <span>
#include <string_view>

#include "base/log.h"
#include "base/text.h"
#include "inspect/engine/catalogue.h"
#include "inspect/worker/expression_builder.h"
#include "inspect/worker/zygote.h"

namespace {

using gatehouse::base::Fault;
using gatehouse::base::Fd;
using gatehouse::base::Result;
namespace worker = gatehouse::inspect::worker;

struct Options {
    Fd channel;
    Fd expressions;
    Fd compile_expressions;
    std::optional<worker::RoleIds> ids;
};

Result<Fd> parse_descriptor(std::string_view value) {
    const auto number = gatehouse::base::parse_unsigned(value);
    if (!number || *number > 1023) return gatehouse::base::fail(Fault::usage, "{} is no descriptor", value);
    return Fd(static_cast<int>(*number));
}

Result<Options> parse_options(std::span<char*> words) {
    Options options;
    for (std::size_t i = 1; i + 1 < words.size(); i += 2) {
        const std::string_view name = words[i];
        const std::string_view value = words[i + 1];
        if (name == "--channel") {
            GATEHOUSE_TRY(options.channel, parse_descriptor(value));
        } else if (name == "--expressions") {
            GATEHOUSE_TRY(options.expressions, parse_descriptor(value));
        } else if (name == "--compile-expressions") {
            GATEHOUSE_TRY(options.compile_expressions, parse_descriptor(value));
        } else if (name == "--user") {
            GATEHOUSE_TRY(options.ids, worker::parse_role_ids(value));
        } else {
            return gatehouse::base::fail(Fault::usage, "unknown option {}", name);
        }
    }
    if (options.channel.is_open() == options.compile_expressions.is_open())
        return gatehouse::base::fail(Fault::usage, "gatehouse-inspector is started by gatehouse run");
    return options;
}

int run(Options options) {
    if (options.compile_expressions)
        return worker::run_expression_builder({std::move(options.compile_expressions), options.ids});
    worker::ZygoteOptions zygote;
    zygote.channel = std::move(options.channel);
    zygote.expressions = std::move(options.expressions);
    zygote.ids = options.ids;
    zygote.detectors = gatehouse::inspect::engine::catalogue();
    return worker::run_zygote(std::move(zygote));
}

}  // namespace

int main(int count, char** words) {
    gatehouse::base::log_start("inspector", "", gatehouse::base::LogLevel::info);
    auto options = parse_options({words, static_cast<std::size_t>(count)});
    int status = 2;
    if (options) {
        status = run(std::move(*options));
    } else {
        gatehouse::base::log(gatehouse::base::LogLevel::error, "{}", options.error().sentence);
    }
    gatehouse::base::log_flush();
    ::_exit(status);
}
