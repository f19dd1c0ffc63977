#include "faults/tmpfs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.h"

namespace gatehouse::faults {

using base::fail;
using base::fail_errno;
using base::Fault;

base::Result<std::unique_ptr<SmallDisk>> SmallDisk::mount(const std::string& folder, std::uint64_t bytes) {
    if (::geteuid() != 0) return fail(Fault::refused, "a small disk can be mounted by root only");
    if (::unshare(CLONE_NEWNS) != 0)
        return fail_errno(Fault::refused, "no mount namespace of its own", errno);
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        return fail_errno(Fault::refused, "mounts cannot be made private", errno);
    ::mkdir(folder.c_str(), 0755);
    const auto options = fmt::format("size={},mode=0755", bytes);
    if (::mount("gatehouse-faults", folder.c_str(), "tmpfs", 0, options.c_str()) != 0)
        return fail_errno(Fault::refused, "a tmpfs cannot be mounted", errno);
    return std::unique_ptr<SmallDisk>(new SmallDisk(folder));
}

SmallDisk::~SmallDisk() {
    ::umount2(folder_.c_str(), MNT_DETACH);
}

void SmallDisk::fill() const {
    const base::Fd file(::open(filling().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    for (std::size_t block = 1U << 20; block > 0; block /= 2) {
        const std::string bytes(block, 'x');
        while (::write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size())) {
        }
    }
}

void SmallDisk::free() const {
    ::unlink(filling().c_str());
}

}  // namespace gatehouse::faults
