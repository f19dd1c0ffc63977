#include "base/fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace gatehouse::base {

void Fd::reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

Result<Fd> Fd::duplicate() const {
    const int copy = ::fcntl(fd_, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) return fail_errno(Fault::limit, "a descriptor could not be duplicated", errno);
    return Fd(copy);
}

Result<void> write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail_errno(Fault::unavailable, "write failed", errno);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) {
        return fail_errno(errno == ENOENT ? Fault::not_found : Fault::unavailable,
                          fmt::format("cannot open {}", path), errno);
    }
    std::string content;
    std::string block(64 * 1024, '\0');
    while (true) {
        const ssize_t got = ::read(file.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(Fault::unavailable, fmt::format("cannot read {}", path), errno);
        if (got == 0) return content;
        if (content.size() + static_cast<std::size_t>(got) > limit) {
            return fail(Fault::limit, "{} is larger than {} bytes", path, limit);
        }
        content.append(block.data(), static_cast<std::size_t>(got));
    }
}

Result<void> sync_folder(const std::string& path) {
    const Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || ::fsync(folder.get()) != 0) {
        return fail_errno(Fault::unavailable, fmt::format("cannot sync the folder {}", path), errno);
    }
    return {};
}

Result<void> replace_file(const std::string& path, std::string_view content, unsigned mode) {
    const std::string temporary = path + ".new";
    const Fd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (!file) return fail_errno(Fault::unavailable, fmt::format("cannot write {}", temporary), errno);
    GATEHOUSE_CHECK(write_all(file.get(), content));
    if (::fsync(file.get()) != 0)
        return fail_errno(Fault::unavailable, fmt::format("cannot sync {}", temporary), errno);
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        return fail_errno(Fault::unavailable, fmt::format("cannot rename {} to {}", temporary, path), errno);
    }
    const auto folder = std::filesystem::path(path).parent_path();
    return sync_folder(folder.empty() ? "." : folder.string());
}

Result<void> make_folders(const std::string& path, unsigned mode) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) return {};
    const auto parent = std::filesystem::path(path).parent_path();
    if (!parent.empty()) GATEHOUSE_CHECK(make_folders(parent.string(), mode));
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) {
        return fail_errno(Fault::unavailable, fmt::format("cannot make the folder {}", path), errno);
    }
    return {};
}

Result<std::vector<std::string>> list_folder(const std::string& path) {
    std::error_code error;
    std::vector<std::string> out;
    std::filesystem::directory_iterator at(path, error);
    const std::filesystem::directory_iterator end;
    while (!error && at != end) {
        out.push_back(at->path().filename().string());
        at.increment(error);
    }
    if (error) {
        return fail(Fault::unavailable, "cannot read the folder {}: {}", path, error.message());
    }
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace gatehouse::base
