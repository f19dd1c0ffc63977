// One line per event on stderr: time, level, role, text. Roles set their name once at start.
// Never body text or subjects; full addresses only where the operator's setting allows (callers' duty).
// Thread-safe.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

namespace gatehouse::base {

enum class LogLevel { debug, info, warning, error };

/// `mark` is put into every line (DEMO); empty for none.
void log_start(std::string_view role, std::string_view mark, LogLevel least);
void log_line(LogLevel level, std::string_view text);
/// Pushes out what is still buffered; call before _exit.
void log_flush();
/// In place of a line for which there was no memory.
void log_lost() noexcept;

/// Never throws: nothing that is said of a message may decide what becomes of it.
template <typename... Args>
void log(LogLevel level, fmt::format_string<Args...> form, Args&&... args) noexcept {
    try {
        log_line(level, fmt::format(form, std::forward<Args>(args)...));
    } catch (...) {
        log_lost();
    }
}

}  // namespace gatehouse::base
