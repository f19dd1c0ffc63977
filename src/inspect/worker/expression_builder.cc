#include "inspect/worker/expression_builder.h"

#include <unistd.h>

#include <array>
#include <new>

#include "base/log.h"
#include "inspect/find/expressions.h"
#include "inspect/worker/denied_calls.h"
#include "inspect/worker/seccomp.h"
#include "ipc/channel.h"
#include "ipc/expression_source.pb.h"
#include "ipc/memfd.h"

namespace gatehouse::inspect::worker {

using base::Fault;
using base::Result;

namespace {

constexpr std::uint64_t kMaxData = 1ULL << 30;

std::vector<message::ExpressionList> read_lists(const pb::ExpressionSource& source) {
    std::vector<message::ExpressionList> lists;
    for (const auto& from : source.lists()) {
        message::ExpressionList list;
        list.name = from.name();
        list.match = static_cast<message::ListMatch>(from.match());
        list.threshold = from.threshold();
        list.fields = static_cast<std::uint8_t>(from.fields());
        for (const auto& item : from.items()) {
            list.expressions.push_back(
                {item.pattern(), item.score(), item.case_sensitive(), "", {item.file(), item.line()}});
        }
        lists.push_back(std::move(list));
    }
    return lists;
}

/// From here on there is nothing but memory and the channel, which becomes descriptor 0.
Result<void> enter_sandbox(base::Fd& channel, const std::optional<RoleIds>& ids) {
    const auto report =
        confine_process({.ids = ids, .max_data = kMaxData, .max_file = 2 * find::kMaxExpressionData});
    for (const auto& step : report.steps) {
        if (!step.applied) base::log(base::LogLevel::warning, "compiling expressions without {}", step.name);
    }
    if (::dup2(channel.get(), STDIN_FILENO) < 0)
        return base::fail_errno(Fault::internal, "the socket could not be put in place", errno);
    channel = base::Fd(STDIN_FILENO);
    GATEHOUSE_CHECK(drop_descriptors(STDERR_FILENO + 1));
    GATEHOUSE_CHECK(count_denied_calls());
    if (!SyscallFilter::is_supported()) return {};
    GATEHOUSE_TRY(const auto filter, SyscallFilter::make());
    return filter.install();
}

Result<std::string> build(ipc::Channel& channel, std::span<const message::ExpressionList> lists) {
    try {
        return find::compile_expressions(lists, [&](std::size_t next) {
            pb::ExpressionAnswer answer;
            answer.set_next(next);
            (void)channel.send(answer.SerializeAsString());
        });
    } catch (const std::bad_alloc&) {
        return base::fail(Fault::limit, "the expressions need more memory than {} MiB", kMaxData >> 20);
    }
}

Result<void> answer(ipc::Channel& channel, const Result<std::string>& built) {
    pb::ExpressionAnswer answer;
    if (!built) {
        answer.set_refused(built.error().sentence);
        answer.set_fault(static_cast<std::uint32_t>(built.error().fault));
        return channel.send(answer.SerializeAsString());
    }
    GATEHOUSE_TRY(auto file, ipc::Memfd::make("expressions"));
    GATEHOUSE_CHECK(file.append(*built));
    answer.set_made(file.size());
    GATEHOUSE_TRY(const auto sealed, std::move(file).seal());
    return channel.send(answer.SerializeAsString(), std::array{sealed.get()});
}

Result<void> work(ExpressionBuilderOptions options) {
    GATEHOUSE_CHECK(enter_sandbox(options.channel, options.ids));
    ipc::Channel channel(std::move(options.channel), base::kInspectorFrameLimit);
    GATEHOUSE_TRY(const auto frame, channel.receive());
    pb::ExpressionSource source;
    if (!source.ParseFromString(frame)) return base::fail(Fault::malformed, "no lists of expressions came");
    return answer(channel, build(channel, read_lists(source)));
}

}  // namespace

int run_expression_builder(ExpressionBuilderOptions options) {
    const auto done = work(std::move(options));
    if (done) return 0;
    base::log(base::LogLevel::error, "{}", done.error().sentence);
    return 3;
}

}  // namespace gatehouse::inspect::worker
