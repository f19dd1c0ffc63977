// One process at a time: an advisory lock on a small file that names its holder. Used by every owner of a
// store that only one process may write. Given up by the destructor and by any kind of death.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace gatehouse::store {

class Hold {
  public:
    /// `who` stands in the sentence for whoever comes second: "gatehouse-front". Fault::unavailable names the
    /// holder.
    static base::Result<Hold> take(const std::string& path, std::string_view who);

  private:
    explicit Hold(base::Fd file) : file_(std::move(file)) {}
    base::Fd file_;
};

}  // namespace gatehouse::store
