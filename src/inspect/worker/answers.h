// Writes a worker's answer frames: the pure engine's results as protobuf and sealed memory files. Knows the
// bounds of what one answer may carry. Used by worker.cc only.
#pragma once

#include <vector>

#include "inspect/engine/engine.h"
#include "ipc/channel.h"
#include "message/facts.pb.h"

namespace gatehouse::inspect::worker {

/// Sends Early and Parts while the engine works.
class PartSender final : public engine::Listener {
  public:
    PartSender(ipc::Channel& channel, std::uint64_t id, std::size_t message_size,
               const engine::ProcessSettings& limits)
        : channel_(channel), id_(id), message_size_(message_size), limits_(limits) {}

    void on_early(const engine::Early& early) override;
    bool on_part(const message::Part& part, std::string_view bytes) override;
    /// What is still collected. Not ok once the socket failed.
    base::Result<void> finish();

  private:
    void flush();

    ipc::Channel& channel_;
    std::uint64_t id_;
    std::size_t message_size_;
    const engine::ProcessSettings& limits_;
    pb::Parts collected_;
    std::vector<base::Fd> files_;
    std::int64_t handed_parts_ = 0;
    std::uint64_t handed_bytes_ = 0;
    base::Result<void> state_;
};

/// The bytes as a sealed memory file.
base::Result<base::Fd> make_sealed(const char* name, std::string_view bytes);
base::Result<void> send_answer(ipc::Channel& channel, const pb::InspectorAnswer& answer,
                               std::span<const int> fds = {});

}  // namespace gatehouse::inspect::worker
