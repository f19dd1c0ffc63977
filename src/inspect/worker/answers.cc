#include "inspect/worker/answers.h"

#include <string>

#include "ipc/memfd.h"

namespace gatehouse::inspect::worker {

using base::Result;

namespace {

// A frame goes out when either is reached: RLIMIT_NOFILE is small, and engines should begin early.
constexpr std::size_t kFilesPerFrame = 16;
constexpr std::uint64_t kBytesPerFrame = 1 << 20;
// A smaller message is inspected in less time than it takes to wake the front twice: what is known early
// goes with the rest.
constexpr std::size_t kWorthWaking = std::size_t{64} * 1024;

}  // namespace

Result<base::Fd> make_sealed(const char* name, std::string_view bytes) {
    GATEHOUSE_TRY(auto file, ipc::Memfd::make(name));
    GATEHOUSE_CHECK(file.append(bytes));
    return std::move(file).seal();
}

Result<void> send_answer(ipc::Channel& channel, const pb::InspectorAnswer& answer, std::span<const int> fds) {
    return channel.send(answer.SerializeAsString(), fds);
}

void PartSender::on_early(const engine::Early& early) {
    if (early.domains.empty() && early.dkim_keys.empty()) return;
    pb::InspectorAnswer answer;
    answer.set_id(id_);
    auto* to = answer.mutable_early();
    for (const auto& domain : early.domains) to->add_domains(domain);
    for (const auto& key : early.dkim_keys) to->add_dkim_keys(key);
    if (message_size_ < kWorthWaking) return channel_.hold(answer.SerializeAsString());
    if (state_) state_ = send_answer(channel_, answer);
}

bool PartSender::on_part(const message::Part& part, std::string_view bytes) {
    const auto held = static_cast<std::uint64_t>(limits_.max_held);
    const auto largest = static_cast<std::uint64_t>(limits_.max_message) * 2;
    if (!state_ || handed_parts_ >= limits_.max_handed_parts || bytes.size() > largest ||
        bytes.size() > held - handed_bytes_) {
        return false;
    }
    auto file = make_sealed("part", bytes);
    if (!file) return false;
    ++handed_parts_;
    handed_bytes_ += bytes.size();
    auto* handed = collected_.add_parts();
    handed->set_path(part.path);
    handed->set_size(bytes.size());
    files_.push_back(std::move(*file));
    if (files_.size() >= kFilesPerFrame || bytes.size() >= kBytesPerFrame) flush();
    return true;
}

void PartSender::flush() {
    if (files_.empty() || !state_) return;
    pb::InspectorAnswer answer;
    answer.set_id(id_);
    answer.mutable_parts()->Swap(&collected_);
    std::vector<int> fds;
    for (const auto& file : files_) fds.push_back(file.get());
    state_ = send_answer(channel_, answer, fds);
    collected_.Clear();
    files_.clear();
}

Result<void> PartSender::finish() {
    flush();
    return std::move(state_);
}

}  // namespace gatehouse::inspect::worker
