#include "ipc/memfd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace gatehouse::ipc {

using base::Fault;
using base::Result;

namespace {

constexpr std::uint64_t kCopied = std::uint64_t{64} * 1024;
constexpr int kAllSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;

}  // namespace

Result<Memfd> Memfd::make(const char* name) {
    base::Fd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd) return base::fail_errno(Fault::limit, "no memory file could be made", errno);
    return Memfd(std::move(fd));
}

Result<void> Memfd::append(std::string_view bytes) {
    GATEHOUSE_CHECK(base::write_all(fd_.get(), bytes));
    size_ += bytes.size();
    return {};
}

Result<base::Fd> Memfd::seal() && {
    if (::fcntl(fd_.get(), F_ADD_SEALS, kAllSeals) != 0) {
        return base::fail_errno(Fault::internal, "a memory file could not be sealed", errno);
    }
    return std::move(fd_);
}

Result<std::uint64_t> check_sealed(int fd, std::uint64_t max_size) {
    const int seals = ::fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & kAllSeals) != kAllSeals) {
        return base::fail(Fault::malformed, "a descriptor that was handed over is not a sealed memory file");
    }
    // The C library's fstat() is newfstatat(), which an inspector may not call.
    struct stat status{};
    if (::syscall(SYS_fstat, fd, &status) != 0 || status.st_size < 0) {
        return base::fail_errno(Fault::malformed, "a memory file has no size", errno);
    }
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > max_size)
        return base::fail(Fault::limit, "a memory file of {} bytes is above {}", size, max_size);
    return size;
}

/// Mapping costs page faults, and unmapping makes every other thread's processor forget its translations.
Result<void> Mapping::read_small(int sealed_fd, std::uint64_t size) {
    copy_ = std::make_unique_for_overwrite<char[]>(size);
    std::uint64_t have = 0;
    while (have < size) {
        const auto got = ::pread(sealed_fd, copy_.get() + have, size - have, static_cast<off_t>(have));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return base::fail_errno(Fault::limit, "a memory file could not be read", errno);
        if (got == 0) return base::fail(Fault::malformed, "a memory file is shorter than it says");
        have += static_cast<std::uint64_t>(got);
    }
    bytes_ = {copy_.get(), size};
    return {};
}

Result<Mapping> Mapping::map(int sealed_fd, std::uint64_t max_size) {
    GATEHOUSE_TRY(const std::uint64_t size, check_sealed(sealed_fd, max_size));
    Mapping mapping;
    if (size == 0) return mapping;
    if (size <= kCopied) {
        GATEHOUSE_CHECK(mapping.read_small(sealed_fd, size));
        return mapping;
    }
    void* at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, sealed_fd, 0);
    if (at == MAP_FAILED) return base::fail_errno(Fault::limit, "a memory file could not be mapped", errno);
    mapping.bytes_ = {static_cast<const char*>(at), size};
    return mapping;
}

Mapping::Mapping(Mapping&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})), copy_(std::move(other.copy_)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(copy_, other.copy_);
    return *this;
}

Mapping::~Mapping() {
    if (!bytes_.empty() && !copy_) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

}  // namespace gatehouse::ipc
