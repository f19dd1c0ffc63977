#include "inspect/pool/exchange.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/text.h"
#include "inspect/pool/answer_cost.h"
#include "ipc/memfd.h"
#include "message/codec.h"
#include "message/facts.pb.h"
#include "message/on_arena.h"

namespace gatehouse::inspect::pool {

using base::Fault;
using base::Result;

namespace {

constexpr std::size_t kMaxHandedParts = 1024;
constexpr std::size_t kMaxPath = std::size_t{64} * 1024;
constexpr std::uint64_t kMaxHandedBytes = 2ULL << 30;
constexpr std::size_t kMaxWords = 10'000;
constexpr std::size_t kMaxWord = 1024;

std::vector<std::string> words(const google::protobuf::RepeatedPtrField<std::string>& from) {
    std::vector<std::string> out;
    for (const auto& word : from) {
        if (out.size() < kMaxWords && word.size() <= kMaxWord) out.push_back(word);
    }
    return out;
}

}  // namespace

bool Pool::Worker::is_alive() const {
    if (!channel.is_open()) return false;
    char byte = 0;
    return ::recv(channel.socket(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

Pool::Exchange::Exchange(Kind k, int fd, const PoolOptions& options, base::SteadyTime until)
    : kind(k),
      sealed(fd),
      max_message(options.max_message),
      memory(options.memory),
      give_up(until),
      rewritten_memory(options.memory),
      request_(std::make_unique<pb::InspectorRequest>()) {}

Pool::Exchange::~Exchange() = default;

void Pool::Exchange::set_envelope(const message::Envelope& envelope) {
    message::to_pb(envelope, *request_->mutable_inspect()->mutable_envelope());
}

void Pool::Exchange::set_plan(const message::RewritePlan& plan) {
    for (const auto& edit : plan.edits) message::to_pb(edit, *request_->mutable_rewrite()->add_plan());
    if (plan.edits.empty()) request_->mutable_rewrite();
}

void Pool::Exchange::set_view(const std::string& part, std::uint64_t limit) {
    request_->mutable_view()->set_part(part);
    request_->mutable_view()->set_limit(limit);
    view_limit = limit;
}

void Pool::Exchange::begin(std::uint64_t id) {
    id_ = id;
    request_->set_id(id);
    inspection = {};
    rewritten.reset();
    viewed = {};
    failure.reset();
    handed_bytes_ = cost_ = 0;
    has_early_ = false;
    is_done = retire = risky = false;
}

std::string Pool::Exchange::request() const {
    return request_->SerializeAsString();
}

Result<void> Pool::Exchange::take(Worker& worker, const std::string& frame) {
    GATEHOUSE_TRY(const std::uint64_t cost, answer_cost(frame));
    cost_ += cost;
    if (cost_ > kMaxAnswerCost) return base::fail(Fault::limit, "an inspector has too much to say");
    if (!inspection.facts_memory) inspection.facts_memory.emplace(memory);
    GATEHOUSE_CHECK(reserve(*inspection.facts_memory, cost_, "what was found in the message"));
    message::OnArena<pb::InspectorAnswer> on_arena;
    auto& answer = *on_arena;
    if (!answer.ParseFromString(frame))
        return base::fail(Fault::malformed, "an inspector sent a frame that is none");
    if (answer.id() != id_) return base::fail(Fault::malformed, "an inspector answered what nobody asked");
    if (answer.has_early() && kind == Kind::inspect) {
        if (std::exchange(has_early_, true))
            return base::fail(Fault::malformed, "an inspector told what it knows early twice");
        inspection.domains = words(answer.early().domains());
        inspection.dkim_keys = words(answer.early().dkim_keys());
        return {};
    }
    if (answer.has_parts() && kind == Kind::inspect) return take_parts(worker, answer);
    GATEHOUSE_CHECK(take_last(worker, answer));
    retire = answer.retire();
    risky = answer.risky();
    is_done = true;
    return {};
}

Result<void> Pool::Exchange::reserve(base::MemoryShare& share, std::uint64_t bytes, const char* what) {
    if (share.grow_to(bytes)) return {};
    is_hopeless = true;
    return base::fail(Fault::unavailable, "no memory for {} (limits.memory)", what);
}

/// A file that we had no descriptor for is no fault of the inspector.
Result<base::Fd> Pool::Exchange::take_file(Worker& worker) {
    auto file = worker.channel.take_fd();
    if (!file && file.error().fault == Fault::limit) is_hopeless = true;
    return file;
}

Result<void> Pool::Exchange::take_parts(Worker& worker, const pb::InspectorAnswer& answer) {
    if (answer.parts().parts().empty())
        return base::fail(Fault::malformed, "an inspector handed over no part");
    for (const auto& part : answer.parts().parts()) {
        GATEHOUSE_TRY(auto file, take_file(worker));
        if (inspection.parts.size() >= kMaxHandedParts)
            return base::fail(Fault::limit, "too many parts for engines");
        GATEHOUSE_TRY(const std::uint64_t size,
                      ipc::check_sealed(file.get(), kMaxHandedBytes - handed_bytes_));
        if (size != part.size() || part.path().size() > kMaxPath) {
            return base::fail(Fault::malformed, "an inspector sent a part that is not what it said");
        }
        handed_bytes_ += size;
        if (!inspection.memory) inspection.memory.emplace(memory);
        GATEHOUSE_CHECK(reserve(*inspection.memory, handed_bytes_, "the parts of the message"));
        inspection.parts.push_back({part.path(), size, std::move(file)});
    }
    return {};
}

Result<void> Pool::Exchange::take_last(Worker& worker, const pb::InspectorAnswer& answer) {
    if (answer.has_failed()) {
        const auto fault = static_cast<Fault>(std::min<std::uint32_t>(answer.failed().fault(), 7));
        failure = base::Error{fault, base::printable(answer.failed().sentence(), 512)};
        return {};
    }
    if (answer.has_facts() && kind == Kind::inspect) {
        GATEHOUSE_TRY(inspection.facts, message::from_pb(answer.facts()));
        return {};
    }
    if (answer.has_rewritten() && kind == Kind::rewrite) {
        return take_rewritten(worker, answer.rewritten().size());
    }
    if (answer.has_viewed() && kind == Kind::view && answer.viewed().text().size() <= view_limit) {
        viewed = {answer.viewed().text(), answer.viewed().cut()};
        return {};
    }
    return base::fail(Fault::malformed, "an inspector sent an answer of the wrong kind");
}

Result<void> Pool::Exchange::take_rewritten(Worker& worker, std::uint64_t said_size) {
    GATEHOUSE_TRY(auto file, take_file(worker));
    GATEHOUSE_TRY(const auto size, ipc::check_sealed(file.get(), 2 * max_message + (1U << 20)));
    if (size != said_size) return base::fail(Fault::malformed, "a rewritten message of another size");
    GATEHOUSE_CHECK(reserve(rewritten_memory, size, "a rewritten message"));
    rewritten = std::move(file);
    return {};
}

Inspection not_inspected(const message::Envelope& envelope, const base::Error& why) {
    Inspection out;
    out.facts.size = envelope.size;
    const bool is_late = why.fault == Fault::timed_out;
    const bool is_large = why.fault == Fault::limit;
    const auto reason = is_late    ? message::GapReason::timed_out
                        : is_large ? message::GapReason::too_large
                                   : message::GapReason::refused;
    out.facts.coverage.gaps.push_back(
        {"", reason, "two inspectors failed on this message: " + base::printable(why.sentence, 200), ""});
    return out;
}

}  // namespace gatehouse::inspect::pool
