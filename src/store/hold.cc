#include "store/hold.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"

namespace gatehouse::store {

base::Result<Hold> Hold::take(const std::string& path, std::string_view who) {
    base::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0660));
    if (!file) {
        return base::fail_errno(base::Fault::unavailable, fmt::format("cannot open {}", path), errno);
    }
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return base::fail_errno(base::Fault::unavailable, fmt::format("cannot lock {}", path), errno);
        }
        const auto holder = base::read_file(path, 256);
        return base::fail(base::Fault::unavailable, "{} is in use by {}", path,
                          holder && !holder->empty() ? base::printable(*holder) : "another process");
    }
    const auto note = fmt::format("{} (pid {})", who, ::getpid());
    // The name is a courtesy: on a full disk the lock counts without it.
    if (::ftruncate(file.get(), 0) == 0) (void)base::write_all(file.get(), note);
    return Hold(std::move(file));
}

}  // namespace gatehouse::store
