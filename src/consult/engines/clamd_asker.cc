#include "consult/engines/clamd_asker.h"

#include <algorithm>

#include "message/evidence.h"

namespace gatehouse::consult::engines {

using message::Answer;
using message::AnswerState;

namespace {

constexpr std::uint8_t kCacheEngine = 1;  // in VerdictKey: clamd
// The engine's own limit fires first, so that "too long" is its answer and not our silence.
constexpr std::chrono::seconds kBeyondScanTimeout{5};

Judgement condemned() {
    return {.state = AnswerState::not_scanned,
            .name = "the engine failed on it three times",
            .gap_reason = std::string(message::to_string(message::GapReason::refused)),
            .repeatable = false};
}

}  // namespace

ClamdAsker::ClamdAsker(net::Io& io, const base::Clock& clock, ClamdEngine& engine)
    : clock_(clock), engine_(engine), client_(io, clock, engine) {}

net::Task<Answer> ClamdAsker::ask(message::Question question, Subject subject, base::SteadyTime deadline) {
    const auto start = clock_.steady();
    const VerdictKey key{
        .sha256 = subject.sha256, .engine = kCacheEngine, .generation = engine_.state.generation()};
    Answer answer;
    answer.question = std::move(question);
    answer.database = to_string_generation(key.generation);
    auto judgement = engine_.verdicts.find(key, start);
    answer.from_cache = judgement.has_value();
    if (!judgement) judgement = co_await scan(subject, key, deadline);
    answer.state = judgement->state;
    answer.name = std::move(judgement->name);
    answer.gap_reason = std::move(judgement->gap_reason);
    answer.micros = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(clock_.steady() - start).count());
    engine_.counters.by_state[static_cast<std::size_t>(answer.state)].fetch_add(1, std::memory_order_relaxed);
    if (!answer.from_cache) engine_.counters.scan_micros.fetch_add(answer.micros, std::memory_order_relaxed);
    co_return answer;
}

net::Task<Judgement> ClamdAsker::scan(const Subject& subject, const VerdictKey& key,
                                      base::SteadyTime deadline) {
    const auto now = clock_.steady();
    if (engine_.suspects.is_condemned(subject.sha256, now)) co_return condemned();
    const auto latest = now + engine_.options.scan_timeout + kBeyondScanTimeout;
    ScanOutcome outcome = co_await client_.scan(subject.fd, std::min(deadline, latest));
    if (outcome.failed_on_it) {
        engine_.suspects.note_failure(subject.sha256, clock_.steady());
    } else if (outcome.judgement.state != AnswerState::unavailable) {
        engine_.suspects.note_success(subject.sha256);
        engine_.verdicts.keep(key, outcome.judgement, clock_.steady());
    }
    co_return std::move(outcome.judgement);
}

}  // namespace gatehouse::consult::engines
