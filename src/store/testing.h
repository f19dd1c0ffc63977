// For unit tests of the stores only: a folder that vanishes, a disk that is soon full, a child that is
// killed. Never included by code that runs in a gateway.
#pragma once

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::store {

class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "gatehouse-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code error;
        std::filesystem::remove_all(path_, error);
    }
    const std::string& path() const { return path_; }
    std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

  private:
    std::string path_;
};

/// A tmpfs of `kib` in a mount namespace of this process alone; null without the right to mount.
class SmallDisk {
  public:
    static std::unique_ptr<SmallDisk> mount(std::size_t kib) {
        auto disk = std::unique_ptr<SmallDisk>(new SmallDisk);
        const auto options = "size=" + std::to_string(kib) + "k";
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("tmpfs", disk->path().c_str(), "tmpfs", 0, options.c_str()) != 0) {
            return nullptr;
        }
        disk->mounted_ = true;
        return disk;
    }
    ~SmallDisk() {
        if (mounted_) ::umount2(path().c_str(), MNT_DETACH);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    const std::string& path() const { return folder_.path(); }
    /// Takes all the space that is left but about `left` bytes.
    void fill(std::size_t left) const {
        const auto space = std::filesystem::space(path()).available;
        std::ofstream(path() + "/filler") << std::string(space > left ? space - left : 0, 'f');
    }
    void free() const { std::filesystem::remove(path() + "/filler"); }

  private:
    SmallDisk() = default;
    TemporaryFolder folder_;
    bool mounted_ = false;
};

inline std::string content_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_content(const std::string& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// True when this process has one thread only, so that a child made by fork is whole.
inline bool can_fork() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}) == 1;
}

/// The lines that were said to the end; a last one cut short was never said.
inline std::vector<std::string> lines_of(const std::string& said) {
    std::vector<std::string> out;
    std::size_t start = 0;
    for (auto at = said.find('\n'); at != std::string::npos; at = said.find('\n', start)) {
        out.push_back(said.substr(start, at - start));
        start = at + 1;
    }
    return out;
}

/// Runs `work` in a child, which says what it has done through `say`; kills it with SIGKILL after `micros`
/// and gives back all it had said. Only for processes of one thread.
inline std::string run_and_kill(useconds_t micros,
                                const std::function<void(std::function<void(std::string_view)> say)>& work) {
    int ends[2] = {-1, -1};
    if (::pipe(ends) != 0) std::abort();
    const pid_t child = ::fork();
    if (child < 0) std::abort();
    if (child == 0) {
        ::close(ends[0]);
        work([&](std::string_view text) {
            if (::write(ends[1], text.data(), text.size()) < 0) ::_exit(1);
        });
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string said;
    const auto collect = [&] {
        std::string block(4096, '\0');
        const ssize_t got = ::read(ends[0], block.data(), block.size());
        if (got > 0) said.append(block, 0, static_cast<std::size_t>(got));
        return got > 0;
    };
    collect();  // it is at work
    ::usleep(micros);
    ::kill(child, SIGKILL);
    while (collect()) {
    }
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    return said;
}

}  // namespace gatehouse::store
