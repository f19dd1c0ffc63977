#include "receive/session/intake.h"

#include <algorithm>

namespace gatehouse::receive::session {

using base::Fault;
using base::Result;

namespace {

constexpr std::size_t kPerRecipient = 256;  // what the record, the decision and the steps add to an address

}  // namespace

bool Intake::reserve(std::uint64_t declared_size) {
    declared_ = declared_size;
    return share_.grow_to(declared_size);
}

bool Intake::add_recipient(std::size_t bytes) {
    envelope_ += bytes + kPerRecipient;
    return share_.grow_to(declared_ + envelope_);
}

Result<void> Intake::open() {
    GATEHOUSE_TRY(file_, ipc::Memfd::make("message"));
    return {};
}

Result<void> Intake::append(std::string_view bytes) {
    const std::uint64_t size = file_->size() + bytes.size();
    if (!share_.grow_to(std::max(size, declared_) + envelope_)) {
        return base::fail(Fault::limit, "no memory is left for mail in flight");
    }
    return file_->append(bytes);
}

Result<base::Fd> Intake::seal() {
    return std::move(*file_).seal();
}

}  // namespace gatehouse::receive::session
