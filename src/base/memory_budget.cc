#include "base/memory_budget.h"

#include <unistd.h>

#include <algorithm>

#include "base/fd.h"
#include "base/text.h"

namespace gatehouse::base {
namespace {

constexpr std::uint64_t kStep = 64 * 1024;
constexpr std::uint64_t kPartOfAll = 4;
constexpr std::size_t kSmallFile = 64 * 1024;

std::optional<std::uint64_t> read_limit(const std::string& file) {
    const auto text = read_file(file, kSmallFile);
    if (!text) return std::nullopt;
    return parse_unsigned(trim(*text));  // "max" is no number: no limit here
}

/// The path of the unified hierarchy, or of the old memory controller: lines are "id:controllers:path".
std::string own_cgroup(std::string_view controller) {
    const auto text = read_file("/proc/self/cgroup", kSmallFile);
    if (!text) return "";
    for (const auto line : split(*text, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() < 3 || fields[1] != controller) continue;
        return std::string(line.substr(fields[0].size() + fields[1].size() + 2));
    }
    return "";
}

}  // namespace

bool MemoryBudget::take(std::uint64_t bytes) {
    auto used = used_.load(std::memory_order_relaxed);
    do {
        const auto most = limit();
        if (bytes > most || used > most - bytes) return false;
    } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    return true;
}

bool MemoryBudget::take_alone(std::uint64_t bytes) {
    std::uint64_t none = 0;
    return used_.compare_exchange_strong(none, bytes, std::memory_order_relaxed);
}

MemoryShare& MemoryShare::operator=(MemoryShare&& other) noexcept {
    if (this != &other) {
        release();
        budget_ = other.budget_;
        held_ = std::exchange(other.held_, 0);
    }
    return *this;
}

bool MemoryShare::grow_to(std::uint64_t bytes) {
    if (bytes <= held_) return true;
    const std::uint64_t missing = bytes - held_;
    // A long message asks in ever larger steps; when they are too large, what is needed now may still be
    // there.
    const std::uint64_t step = missing > UINT64_MAX / 2 ? missing : missing + std::max(kStep, held_ / 8);
    for (const std::uint64_t more : {step, missing}) {
        if (!budget_->take(more)) continue;
        held_ += more;
        return true;
    }
    return false;
}

bool MemoryShare::grow_alone(std::uint64_t bytes) {
    if (held_ != 0 || !budget_->take_alone(bytes)) return grow_to(bytes);
    held_ = bytes;
    return true;
}

void MemoryShare::release() {
    budget_->give_back(std::exchange(held_, 0));
}

std::optional<std::uint64_t> cgroup_memory_limit(const std::string& root, std::string path) {
    std::optional<std::uint64_t> lowest;
    while (true) {
        for (const char* file : {"/memory.max", "/memory.limit_in_bytes"}) {
            const auto limit = read_limit(root + (path == "/" ? "" : path) + file);
            if (limit) lowest = std::min(*limit, lowest.value_or(*limit));
        }
        if (path.empty() || path == "/") return lowest;
        const auto slash = path.rfind('/');
        path.erase(slash == std::string::npos ? 0 : slash);
    }
}

std::uint64_t default_memory_limit() {
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    const long page_size = ::sysconf(_SC_PAGESIZE);
    std::uint64_t all = 1ULL << 30;
    if (pages > 0 && page_size > 0)
        all = static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_size);
    const auto unified = cgroup_memory_limit("/sys/fs/cgroup", own_cgroup(""));
    const auto old = cgroup_memory_limit("/sys/fs/cgroup/memory", own_cgroup("memory"));
    return std::min({all, unified.value_or(all), old.value_or(all)}) / kPartOfAll;
}

}  // namespace gatehouse::base
