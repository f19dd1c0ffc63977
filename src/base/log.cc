#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

namespace gatehouse::base {
namespace {

spdlog::level::level_enum level_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warning:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

}  // namespace

void log_start(std::string_view role, std::string_view mark, LogLevel least) {
    auto logger =
        std::make_shared<spdlog::logger>("gatehouse", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    const std::string prefix = mark.empty() ? std::string(role) : fmt::format("{} {}", mark, role);
    logger->set_pattern(fmt::format("%Y-%m-%dT%H:%M:%S.%eZ %l {} %v", prefix),
                        spdlog::pattern_time_type::utc);
    logger->set_level(level_of(least));
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
}

void log_line(LogLevel level, std::string_view text) {
    spdlog::default_logger_raw()->log(level_of(level), spdlog::string_view_t(text.data(), text.size()));
}

void log_lost() noexcept {
    static constexpr std::string_view kLine = "a line of the log is lost: no memory for it\n";
    (void)!::write(STDERR_FILENO, kLine.data(), kLine.size());
}

void log_flush() {
    spdlog::default_logger_raw()->flush();
}

}  // namespace gatehouse::base
