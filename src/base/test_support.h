// What tests of several modules share.
#pragma once

#include <sys/resource.h>

namespace gatehouse::base {

/// As long as it lives, this process can open nothing more.
class NoDescriptorFree {
  public:
    NoDescriptorFree() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit none = before_;
        none.rlim_cur = 1;  // poll() wants room for what it polls
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    ~NoDescriptorFree() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    NoDescriptorFree(const NoDescriptorFree&) = delete;
    NoDescriptorFree& operator=(const NoDescriptorFree&) = delete;

  private:
    rlimit before_{};
};

}  // namespace gatehouse::base
