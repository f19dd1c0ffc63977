#include "ipc/memfd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace gatehouse::ipc {

using base::Fault;
using base::Result;

namespace {

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
    struct stat status{};
    if (::fstat(fd, &status) != 0 || status.st_size < 0) {
        return base::fail_errno(Fault::malformed, "a memory file has no size", errno);
    }
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > max_size)
        return base::fail(Fault::limit, "a memory file of {} bytes is above {}", size, max_size);
    return size;
}

Result<Mapping> Mapping::map(int sealed_fd, std::uint64_t max_size) {
    GATEHOUSE_TRY(const std::uint64_t size, check_sealed(sealed_fd, max_size));
    Mapping mapping;
    if (size == 0) return mapping;
    void* at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, sealed_fd, 0);
    if (at == MAP_FAILED) return base::fail_errno(Fault::limit, "a memory file could not be mapped", errno);
    mapping.bytes_ = {static_cast<const char*>(at), size};
    return mapping;
}

Mapping::Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
}

Mapping::~Mapping() {
    if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

}  // namespace gatehouse::ipc
