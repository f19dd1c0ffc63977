#include "inspect/worker/worker.h"

#include <chrono>
#include <exception>
#include <new>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/time.h"
#include "inspect/engine/engine.h"
#include "inspect/rewrite/rewrite.h"
#include "inspect/worker/answers.h"
#include "inspect/worker/denied_calls.h"
#include "inspect/worker/wipe.h"
#include "ipc/channel.h"
#include "ipc/memfd.h"
#include "ipc/zygote.pb.h"
#include "message/codec.h"
#include "message/facts.pb.h"
#include "message/on_arena.h"

namespace gatehouse::inspect::worker {

using base::Fault;
using base::Result;

namespace {

constexpr std::uint64_t kViewLimit = 1 << 20;

class SteadyStopwatch final : public base::Stopwatch {
  public:
    std::uint64_t micros() override {
        const auto since = std::chrono::steady_clock::now().time_since_epoch();
        return static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(since).count());
    }
};

class Worker {
  public:
    Worker(base::Fd socket, const WorkerContext& context)
        : channel_(std::move(socket), base::kInspectorFrameLimit), context_(context) {}

    Result<void> greet() {
        pb::WorkerHello hello;
        for (const auto& step : context_.sandbox.steps) {
            auto* to = hello.add_steps();
            to->set_name(step.name);
            to->set_applied(step.applied);
            to->set_note(step.note);
        }
        return channel_.send(hello.SerializeAsString());
    }

    Result<void> serve_one() {
        GATEHOUSE_TRY(const std::string frame, channel_.receive());
        ++served_;
        message::OnArena<pb::InspectorRequest> request;
        if (!request->ParseFromString(frame)) return base::fail(Fault::malformed, "a request that is none");
        auto file = channel_.take_fd();
        if (!file || channel_.untaken_fds() != 0) {
            return base::fail(Fault::malformed, "a request comes with one descriptor");
        }
        denied_before_ = denied_calls();
        return answer(*request, *file);
    }

  private:
    // An exception here is memory that ran out: the message is at fault, and this process is not used again.
    Result<void> answer(const pb::InspectorRequest& request, const base::Fd& file) {
        try {
            auto done = handle(request, file.get());
            if (done || is_socket_gone_) return done;
            return fail(request.id(), done.error());
        } catch (const std::bad_alloc&) {
            worn_out_ = true;
            return fail(request.id(), {Fault::limit, "the inspector's memory was used up"});
        } catch (const std::exception& e) {
            worn_out_ = true;
            return fail(request.id(), {Fault::internal, e.what()});
        }
    }

    Result<void> handle(const pb::InspectorRequest& request, int file) {
        const auto largest = static_cast<std::uint64_t>(context_.settings.process.max_message);
        GATEHOUSE_TRY(const auto message, ipc::Mapping::map(file, largest));
        switch (request.want_case()) {
            case pb::InspectorRequest::kInspect:
                return inspect(request, message.bytes());
            case pb::InspectorRequest::kRewrite:
                return rewrite(request, message.bytes());
            case pb::InspectorRequest::kView:
                return view(request, message.bytes());
            case pb::InspectorRequest::WANT_NOT_SET:
                break;
        }
        return base::fail(Fault::refused, "this inspector does not know that kind of request");
    }

    Result<void> inspect(const pb::InspectorRequest& request, std::string_view raw) {
        std::optional<message::Envelope> envelope;
        if (request.inspect().has_envelope()) {
            GATEHOUSE_TRY(envelope, message::from_pb(request.inspect().envelope()));
        }
        PartSender sender(channel_, request.id(), raw.size(), context_.settings.process);
        SteadyStopwatch stopwatch;
        const auto facts = engine::inspect({.raw = raw,
                                            .envelope = envelope ? &*envelope : nullptr,
                                            .settings = context_.settings,
                                            .detectors = context_.detectors,
                                            .expressions = context_.expressions,
                                            .listener = &sender,
                                            .stopwatch = &stopwatch});
        GATEHOUSE_CHECK(on_socket(sender.finish()));
        message::OnArena<pb::InspectorAnswer> last;
        message::to_pb(facts, *last->mutable_facts());
        if (last->ByteSizeLong() + 64 > base::kInspectorFrameLimit) {
            return base::fail(Fault::limit, "there is more to say about this message than one answer holds");
        }
        return finish(*last, request.id());
    }

    Result<void> rewrite(const pb::InspectorRequest& request, std::string_view raw) {
        message::RewritePlan plan;
        for (const auto& edit : request.rewrite().plan()) {
            GATEHOUSE_TRY(auto one, message::from_pb(edit));
            plan.edits.push_back(std::move(one));
        }
        GATEHOUSE_TRY(const auto output, rewrite::rewrite(raw, plan));
        GATEHOUSE_TRY(auto file, ipc::Memfd::make("rewritten"));
        GATEHOUSE_CHECK(file.append(output.header));
        GATEHOUSE_CHECK(file.append(output.body));
        pb::InspectorAnswer last;
        last.mutable_rewritten()->set_size(file.size());
        GATEHOUSE_TRY(const auto sealed, std::move(file).seal());
        return finish(last, request.id(), std::array{sealed.get()});
    }

    Result<void> view(const pb::InspectorRequest& request, std::string_view raw) {
        const auto limit = std::min(request.view().limit(), kViewLimit);
        auto view = engine::view(raw, request.view().part(), limit);
        if (!view) return base::fail(Fault::not_found, "the message has no such part");
        pb::InspectorAnswer last;
        last.mutable_viewed()->set_text(std::move(view->text));
        last.mutable_viewed()->set_cut(view->cut);
        return finish(last, request.id());
    }

    Result<void> fail(std::uint64_t id, const base::Error& error) {
        pb::InspectorAnswer last;
        last.mutable_failed()->set_fault(static_cast<std::uint32_t>(error.fault));
        last.mutable_failed()->set_sentence(error.sentence);
        return finish(last, id);
    }

    Result<void> finish(pb::InspectorAnswer& last, std::uint64_t id, std::span<const int> fds = {}) {
        const auto& limits = context_.settings.process;
        const auto age = std::chrono::steady_clock::now() - started_;
        last.set_id(id);
        last.set_retire(worn_out_ || served_ >= limits.max_messages ||
                        age >= std::chrono::seconds(limits.max_seconds));
        last.set_denied(denied_calls() - denied_before_);
        return on_socket(send_answer(channel_, last, fds));
    }

    Result<void> on_socket(Result<void> result) {
        is_socket_gone_ = !result;
        return result;
    }

    ipc::Channel channel_;
    const WorkerContext& context_;
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    std::int64_t served_ = 0;
    std::uint32_t denied_before_ = 0;
    bool worn_out_ = false;
    bool is_socket_gone_ = false;
};

}  // namespace

void serve(base::Fd socket, const WorkerContext& context) {
    Worker worker(std::move(socket), context);
    auto going = worker.greet();
    while (going) {
        going = worker.serve_one();
        give_back_memory();
    }
    if (going.error().fault != Fault::unavailable) {
        base::log(base::LogLevel::warning, "inspector ends: {}", going.error().sentence);
    }
}

}  // namespace gatehouse::inspect::worker
