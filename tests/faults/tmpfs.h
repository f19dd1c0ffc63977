// A small disk of memory for one row, mounted where no other process sees it: in a mount namespace of the
// calling thread, which its children share and which ends with them. Needs root.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace gatehouse::faults {

class SmallDisk {
  public:
    /// On `folder`, which is made. Fault::refused = not possible here, with the reason.
    static base::Result<std::unique_ptr<SmallDisk>> mount(const std::string& folder, std::uint64_t bytes);
    ~SmallDisk();
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

    /// Writes a file until no byte is left.
    void fill() const;
    void free() const;

  private:
    explicit SmallDisk(std::string folder) : folder_(std::move(folder)) {}
    std::string filling() const { return folder_ + "/filling"; }
    std::string folder_;
};

}  // namespace gatehouse::faults
