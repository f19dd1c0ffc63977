// Memory that the bench shares with its own load generator and sink, which are forked from it: what they have
// counted. Each value is written by one side.
#pragma once

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

#include "base/result.h"

namespace gatehouse::apps {

struct SinkBoard {
    std::atomic<std::uint64_t> messages{0};
    std::atomic<std::int64_t> last_at_ns{0};  ///< of the steady clock, which all processes share
};

struct LoadBoard {
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> refused{0};
    std::atomic<std::int64_t> began_at_ns{0};
    std::atomic<std::int64_t> ended_at_ns{0};
    std::array<char, 200> why{};  ///< the first refusal; to be read when the load generator has ended
};

inline std::int64_t now_ns() {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

/// A T and room for `numbers` further values behind it; seen by processes forked later.
template <typename T>
class Shared {
  public:
    static base::Result<Shared> make(std::size_t numbers) {
        const std::size_t bytes = sizeof(T) + numbers * sizeof(std::uint32_t);
        void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED) return base::fail_errno(base::Fault::limit, "no memory for the bench", errno);
        return Shared(at, bytes, numbers);
    }
    Shared(Shared&& other) noexcept
        : at_(std::exchange(other.at_, nullptr)), bytes_(other.bytes_), numbers_(other.numbers_) {}
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    Shared& operator=(Shared&&) = delete;
    ~Shared() {
        if (at_ != nullptr) ::munmap(at_, bytes_);
    }

    T& operator*() const { return *static_cast<T*>(at_); }
    T* operator->() const { return static_cast<T*>(at_); }
    std::span<std::uint32_t> numbers() const {
        return {reinterpret_cast<std::uint32_t*>(static_cast<char*>(at_) + sizeof(T)), numbers_};
    }

  private:
    Shared(void* at, std::size_t bytes, std::size_t numbers)
        : at_(::new(at) T), bytes_(bytes), numbers_(numbers) {}

    void* at_;
    std::size_t bytes_;
    std::size_t numbers_;
};

}  // namespace gatehouse::apps
