#include "consult/engines/engine_log.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.h"

namespace gatehouse::consult::engines {
namespace {

constexpr std::size_t kMaxLine = 400;
constexpr std::size_t kMostPerDrain = 262'144;

bool has_any(std::string_view line, std::initializer_list<std::string_view> words) {
    return std::any_of(words.begin(), words.end(), [&](auto word) { return line.contains(word); });
}

}  // namespace

EngineLine judge_engine_line(std::string_view line) {
    const bool is_error = has_any(line, {"LibClamAV Error", "ERROR:", " ERROR"});
    const bool is_warning = has_any(line, {"LibClamAV Warning", "WARNING:"});
    // Not "out of memory": a crafted size in one file says the same, and must not spoil everybody's answers.
    if (is_error &&
        has_any(line, {"No space left", "an't write", "write error", "failed to write", "an't create",
                       "nable to create", "ailed to create", "Too many open files"})) {
        return {.level = base::LogLevel::warning, .shortage = true};
    }
    if (line.ends_with(" FOUND")) return {.level = base::LogLevel::debug};
    // libclamav calls every oddity of a broken file an error; it says nothing about the engine.
    if (line.starts_with("LibClamAV")) return {.level = base::LogLevel::debug};
    if (is_error || is_warning) return {.level = base::LogLevel::warning};
    return {.level = base::LogLevel::debug};
}

std::uint64_t EngineLog::drain(base::SteadyTime now) {
    const std::scoped_lock hold(lock_);
    std::array<char, 8192> block;
    std::size_t taken = 0;
    while (pipe_.is_open() && taken < kMostPerDrain) {
        // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection): the pipe is non-blocking
        const ssize_t got = ::read(pipe_.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) break;
        if (got == 0) {
            end_line(now);
            pipe_.reset();
            break;
        }
        taken += static_cast<std::size_t>(got);
        take(std::string_view(block.data(), static_cast<std::size_t>(got)), now);
    }
    return shortages();
}

void EngineLog::take(std::string_view bytes, base::SteadyTime now) {
    for (const char c : bytes) {
        if (c == '\n') {
            end_line(now);
        } else if (line_.size() < kMaxLine) {
            line_.push_back(c);
        }
    }
}

void EngineLog::end_line(base::SteadyTime now) {
    if (line_.empty()) return;
    const auto judged = judge_engine_line(line_);
    if (judged.shortage) shortages_.fetch_add(1, std::memory_order_acq_rel);
    const std::string clean = base::printable(base::trim(line_), kMaxLine);
    line_.clear();
    if (judged.level >= base::LogLevel::warning) complaint_ = clean;
    if (now - second_ >= std::chrono::seconds(1)) {
        if (left_out_ > 0)
            base::log(base::LogLevel::warning, "engine: {} more lines were left out", left_out_);
        second_ = now;
        lines_ = 0;
        left_out_ = 0;
    }
    const bool counts = judged.level != base::LogLevel::debug;
    if (counts && ++lines_ > kLinesPerSecond) {
        ++left_out_;
        return;
    }
    base::log(judged.level, "engine: {}", clean);
}

std::string EngineLog::last_complaint() const {
    const std::scoped_lock hold(lock_);
    return complaint_;
}

void EngineLog::replace_pipe(base::Fd pipe) {
    const std::scoped_lock hold(lock_);
    pipe_ = std::move(pipe);
    line_.clear();
}

}  // namespace gatehouse::consult::engines
