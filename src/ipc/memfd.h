// Messages in memory files: written once, sealed, then handed from process to process by descriptor. A
// receiver never trusts: it checks the seals WRITE, GROW, SHRINK and SEAL and the size before it maps
// anything, so that nobody can change or cut the bytes under it. One owner at a time; not shared between
// threads while open.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/fd.h"

namespace gatehouse::ipc {

/// A memory file that is being written.
class Memfd {
  public:
    /// `name` shows in /proc/PID/fd only.
    static base::Result<Memfd> make(const char* name);

    base::Result<void> append(std::string_view bytes);
    std::uint64_t size() const { return size_; }
    /// Nobody can write, grow, shrink or unseal it afterwards.
    base::Result<base::Fd> seal() &&;

  private:
    explicit Memfd(base::Fd fd) : fd_(std::move(fd)) {}
    base::Fd fd_;
    std::uint64_t size_ = 0;
};

/// The size, if the descriptor is a memory file with all four seals and at most `max_size` bytes.
base::Result<std::uint64_t> check_sealed(int fd, std::uint64_t max_size);

/// A read-only view of a sealed memory file: a small one is copied, a larger one mapped; both are given back
/// at the end of its life. The bytes stay where they are when the object moves.
class Mapping {
  public:
    static base::Result<Mapping> map(int sealed_fd, std::uint64_t max_size);
    Mapping() = default;
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping();

    std::string_view bytes() const { return bytes_; }

  private:
    base::Result<void> read_small(int sealed_fd, std::uint64_t size);

    std::string_view bytes_;
    std::unique_ptr<char[]> copy_;  // null = mapped
};

}  // namespace gatehouse::ipc
