#include "pipeline/judge.h"

#include <algorithm>
#include <exception>

#include "base/digest.h"
#include "base/log.h"
#include "decide/evaluate.h"
#include "decide/questions.h"
#include "ipc/memfd.h"
#include "net/started.h"

namespace gatehouse::pipeline {

using base::Result;
using message::Question;
using message::QuestionKind;

namespace {

constexpr int kMaxRounds = 3;
/// How long a zygote with the keyword lists of a new policy may take to come.
constexpr auto kListsTime = std::chrono::seconds(15);
constexpr auto kListsPause = std::chrono::milliseconds(100);
constexpr std::size_t kQuickDigest = std::size_t{256} * 1024;  // a quarter of a millisecond

std::uint64_t micros_since(base::SteadyTime began, base::SteadyTime now) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(now - began).count());
}

}  // namespace

/// Everything about one message while it is being judged.
struct Judge::Work {
    const message::Envelope& envelope;
    const decide::Policy& policy;
    int sealed;
    JudgeTimes times;
    ipc::Mapping mapping;
    std::string sha256;
    Judged judged;
    std::vector<inspect::pool::HandedPart> parts;
    std::vector<std::string> part_paths;
};

void Judge::note(Work& work, const std::string& step, const std::string& result) const {
    work.judged.steps.push_back({step, micros_since(work.times.began, parts_.clock.steady()), result});
}

std::vector<Question> Judge::open_questions(const Work& work, bool facts_are_in) const {
    if (parts_.engine == nullptr) return {};
    const decide::Input input{.envelope = work.envelope,
                              .facts = facts_are_in ? &work.judged.facts : nullptr,
                              .answers = work.judged.answers,
                              .circumstances = work.judged.circumstances,
                              .parts = work.part_paths};
    return decide::questions(input, work.policy);
}

net::Task<message::Answer> Judge::ask_one(Work& work, Question question) {
    const auto deadline = std::min(work.times.give_up, parts_.clock.steady() + parts_.engine_time);
    consult::Subject subject;
    if (question.kind == QuestionKind::engine_message) {
        subject = {work.sealed, work.mapping.bytes().size(), work.sha256};
    } else {
        const auto part = std::find_if(work.parts.begin(), work.parts.end(),
                                       [&](const auto& p) { return p.path == question.where; });
        if (part == work.parts.end()) {  // decide asked about what was never handed over
            message::Answer answer;
            answer.question = std::move(question);
            co_return answer;
        }
        const auto mapped = ipc::Mapping::map(part->file.get(), part->size);
        subject = {part->file.get(), part->size, ""};
        if (mapped) subject.sha256 = co_await digest(mapped->bytes());
    }
    auto& asker = parts_.engine->asker();
    co_return co_await asker.ask(std::move(question), std::move(subject), deadline);
}

net::Task<std::string> Judge::digest(std::string_view bytes) {
    if (bytes.size() <= kQuickDigest || parts_.threads == nullptr) co_return base::sha256(bytes);
    auto work = [bytes] { return base::sha256(bytes); };
    co_return co_await net::offload(parts_.io, *parts_.threads, std::move(work));
}

/// Every question that was begun borrows `work`: all are waited for, whatever happens.
net::Task<void> Judge::ask(Work& work, std::vector<Question> questions) {
    std::vector<net::Started<message::Answer>> asked;
    std::exception_ptr failure;
    try {
        for (auto& question : questions) asked.emplace_back(parts_.io, ask_one(work, std::move(question)));
    } catch (...) {
        failure = std::current_exception();
    }
    for (auto& one : asked) co_await one.wait();
    if (failure) std::rethrow_exception(failure);
    for (auto& one : asked) {
        auto answer = co_await one.take();
        work.judged.answers.push_back(std::move(answer));
    }
}

net::Task<bool> Judge::ask_early(Work& work, std::vector<Question> questions) {
    work.sha256 = co_await digest(work.mapping.bytes());
    co_await ask(work, std::move(questions));
    note(work, "engine", work.judged.answers.empty() ? "" : work.judged.answers.back().name);
    co_return true;
}

/// The engine sees the whole message while the inspector works. Both have ended before this returns or
/// throws, because they borrow `work`.
net::Task<Result<inspect::pool::Inspection>> Judge::inspect(Work& work) {
    net::Started<bool> engine;
    auto early = open_questions(work, false);
    if (!early.empty()) engine = net::Started<bool>(parts_.io, ask_early(work, std::move(early)));
    Result<inspect::pool::Inspection> inspection = base::fail(base::Fault::internal, "not inspected");
    std::exception_ptr failure;
    try {
        inspection = co_await parts_.pool.inspect(work.envelope, work.sealed, work.times.give_up);
    } catch (...) {
        failure = std::current_exception();
    }
    if (engine.is_started()) co_await engine.wait();
    if (failure) std::rethrow_exception(failure);
    if (engine.is_started()) co_await engine.take();
    co_return inspection;
}

/// Rules speak of the keyword lists of their own revision. While zygotes are exchanged an inspector may have
/// looked for others: it is asked again until the lists agree, and then the message is the client's to keep.
net::Task<Result<inspect::pool::Inspection>> Judge::inspect_with_lists(Work& work) {
    auto inspection = co_await inspect(work);
    const auto until = std::min(work.times.give_up, parts_.clock.steady() + kListsTime);
    while (inspection && inspection->was_inspected &&
           inspection->facts.expressions != work.policy.expressions) {
        if (parts_.clock.steady() >= until) {
            inspection = base::fail(base::Fault::unavailable,
                                    "the inspectors do not have the keyword lists of this policy yet");
            break;
        }
        net::Timer pause(parts_.io, kListsPause);
        co_await pause.async_wait(net::kTuple);
        inspection = co_await parts_.pool.inspect(work.envelope, work.sealed, work.times.give_up);
    }
    co_return inspection;
}

net::Task<Result<Judged>> Judge::judge(const message::Envelope& envelope, const decide::Policy& policy,
                                       int sealed, JudgeTimes times) {
    Work work{envelope, policy, sealed, times, {}, {}, {}, {}, {}};
    if (parts_.engine != nullptr) {  // its questions carry a digest
        auto mapped = ipc::Mapping::map(sealed, envelope.size);
        if (!mapped) co_return std::unexpected(mapped.error());
        work.mapping = std::move(*mapped);
    }
    auto& circumstances = work.judged.circumstances;
    circumstances.authserv_id = parts_.authserv_id;
    if (parts_.engine != nullptr) circumstances.engines = {parts_.engine_name};
    auto inspection = co_await inspect_with_lists(work);
    if (!inspection) co_return std::unexpected(inspection.error());
    work.judged.facts = std::move(inspection->facts);
    work.judged.memory = std::move(inspection->facts_memory);
    work.parts = std::move(inspection->parts);
    for (const auto& part : work.parts) work.part_paths.push_back(part.path);
    note(work, "inspect", work.judged.facts.coverage.is_complete() ? "complete" : "gaps");
    for (int round = 0; round < kMaxRounds; ++round) {
        auto questions = open_questions(work, true);
        if (questions.empty()) break;
        co_await ask(work, std::move(questions));
    }
    // Asked now: the engine may have died while it looked at this very message.
    if (parts_.engine != nullptr) {
        const std::chrono::seconds grace(policy.antivirus.grace);
        circumstances.engine_expected_back = parts_.engine->is_expected_back(grace);
    }
    const decide::Input input{.envelope = envelope,
                              .facts = &work.judged.facts,
                              .answers = work.judged.answers,
                              .circumstances = circumstances,
                              .parts = work.part_paths};
    work.judged.decision = decide::evaluate(input, policy);
    note(work, "decide", std::string(message::to_string(work.judged.decision.verdict)));
    co_return std::move(work.judged);
}

}  // namespace gatehouse::pipeline
