// The keyword lists of a policy, compiled: made by a sandboxed inspector when they change, kept signed under
// <state>/generations/expressions, handed to every new zygote. Used by the supervisor, `gatehouse scan` and
// `gatehouse config check`. Blocks while an expression is compiled, at most kExpressionTime for each.
#pragma once

#include <cstdint>
#include <string>

#include "apps/common/config.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace gatehouse::apps {

/// The payload of the lists of `config`, compiled now. Faults name file, line and what is wrong. Empty when
/// there are no lists.
base::Result<std::string> compile_expressions_of(const Config& config);

/// The same as a sealed memory file that a zygote takes; no file when there are no lists.
base::Result<base::Fd> make_expressions(const Config& config);

class ExpressionKeeper {
  public:
    /// From now on the lists of `config` are the current ones. On a fault the former ones stay.
    base::Result<void> use(const Config& config, const base::Clock& clock);
    /// For a new zygote; none when there are no lists.
    const base::Fd& current() const { return current_; }
    /// message::digest_of the current lists.
    const std::string& digest() const { return digest_; }
    std::uint64_t number() const { return number_; }

  private:
    base::Fd current_;
    std::string digest_;
    std::uint64_t number_ = 0;
};

}  // namespace gatehouse::apps
