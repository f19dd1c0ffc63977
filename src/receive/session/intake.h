// A message on its way in: the memory file it grows in, and its share of the memory for mail in flight. Used
// by the session; one per transaction. Nothing is written before it is reserved, and everything is given back
// at the end of its life.
#pragma once

#include <optional>
#include <string_view>

#include "base/memory_budget.h"
#include "ipc/memfd.h"

namespace gatehouse::receive::session {

class Intake {
  public:
    explicit Intake(base::MemoryBudget& budget) : share_(budget) {}

    /// At MAIL: what the client has declared. False = no room.
    [[nodiscard]] bool reserve(std::uint64_t declared_size);
    /// For each recipient that was accepted: a client with many of them holds memory, too.
    [[nodiscard]] bool add_recipient(std::size_t bytes);
    /// Before the first append().
    base::Result<void> open();
    /// Fault::limit when no memory is left.
    base::Result<void> append(std::string_view bytes);
    /// The finished message; the share stays until this object goes.
    base::Result<base::Fd> seal();

  private:
    base::MemoryShare share_;
    std::optional<ipc::Memfd> file_;
    std::uint64_t declared_ = 0;
    std::uint64_t envelope_ = 0;
};

}  // namespace gatehouse::receive::session
