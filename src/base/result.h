// Expected failure as a value: Result<T> with a small closed set of faults and one human sentence.
// Used everywhere. Exceptions never cross a module boundary; adapters turn them into an Error.
// The sentence is written for an operator: it says what is wrong and, where it helps, what to do next.
#pragma once

#include <fmt/core.h>

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace gatehouse::base {

/// Operators act differently on each of these, so they are never folded into one another.
enum class Fault {
    malformed,    ///< the input is not what it claims to be
    limit,        ///< a bound of ours was reached
    timed_out,    ///< no answer in the time given
    unavailable,  ///< a peer, file or service is not there now
    refused,      ///< somebody who may decide said no
    not_found,    ///< the thing that was named does not exist
    usage,        ///< the operator's words or configuration are wrong
    internal,     ///< a bug of ours
};

std::string_view to_string(Fault fault);

struct Error {
    Fault fault = Fault::internal;
    std::string sentence;
};

template <typename T>
using Result = std::expected<T, Error>;

template <typename... Args>
[[nodiscard]] std::unexpected<Error> fail(Fault fault, fmt::format_string<Args...> form, Args&&... args) {
    return std::unexpected(Error{fault, fmt::format(form, std::forward<Args>(args)...)});
}

/// "SENTENCE: strerror(error_number)"; the thread-safe form.
[[nodiscard]] std::unexpected<Error> fail_errno(Fault fault, std::string_view sentence, int error_number);

}  // namespace gatehouse::base

#define GATEHOUSE_CONCAT_(a, b) a##b
#define GATEHOUSE_CONCAT(a, b) GATEHOUSE_CONCAT_(a, b)

/// GATEHOUSE_TRY(auto value, expression): declares value, or returns the expression's error.
#define GATEHOUSE_TRY(declaration, expression) \
    GATEHOUSE_TRY_IMPL_(GATEHOUSE_CONCAT(gatehouse_try_, __LINE__), declaration, expression)
#define GATEHOUSE_TRY_IMPL_(temporary, declaration, expression)           \
    auto temporary = (expression);                                        \
    if (!temporary) return std::unexpected(std::move(temporary).error()); \
    declaration = std::move(temporary).value()

/// GATEHOUSE_CHECK(expression): returns the expression's error; for Result<void>.
#define GATEHOUSE_CHECK(expression)                                      \
    do {                                                                 \
        if (auto gatehouse_check_ = (expression); !gatehouse_check_)     \
            return std::unexpected(std::move(gatehouse_check_).error()); \
    } while (false)
