// Owner of one file descriptor, and the few system calls that several modules need on descriptors.
// Not for pure code: the wall check refuses this header there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace gatehouse::base {

class Fd {
  public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() { reset(); }

    int get() const { return fd_; }
    bool is_open() const { return fd_ >= 0; }
    explicit operator bool() const { return is_open(); }
    int release() { return std::exchange(fd_, -1); }
    void reset();
    /// A second descriptor of the same file, close-on-exec.
    Result<Fd> duplicate() const;

  private:
    int fd_ = -1;
};

/// Writes everything or says why not; retries EINTR and short writes.
Result<void> write_all(int fd, std::string_view bytes);
/// At most `limit` bytes to the end of the file; more is Fault::limit.
Result<std::string> read_file(const std::string& path, std::size_t limit);
/// Temporary file beside the target, fsync, rename, fsync of the folder: the old content or the new, never
/// half.
Result<void> replace_file(const std::string& path, std::string_view content, unsigned mode);
/// fsync of a folder, so that a rename or an unlink in it survives a power cut.
Result<void> sync_folder(const std::string& path);
Result<void> make_folders(const std::string& path, unsigned mode);
/// The names in a folder but "." and "..", sorted.
Result<std::vector<std::string>> list_folder(const std::string& path);

}  // namespace gatehouse::base
