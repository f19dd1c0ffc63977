// A folder of the bench, removed with everything in it. On the disk that TMPDIR names, else under /var/tmp:
// what is synced there shall reach a disk, and /tmp may be memory.
#pragma once

#include <string>

#include "base/result.h"

namespace gatehouse::apps {

class ScratchFolder {
  public:
    static base::Result<ScratchFolder> make();
    ~ScratchFolder();
    ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    ScratchFolder& operator=(ScratchFolder&&) = delete;

    const std::string& path() const { return path_; }

  private:
    explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

}  // namespace gatehouse::apps
