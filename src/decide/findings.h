// What the answers of engines say, as evidence and gaps, and the verdict over everything found. Used by the
// evaluation, by the scan JSON and by explain. Pure; linear in what it is handed.
#pragma once

#include <vector>

#include "base/evidence_id.h"
#include "message/answers.h"
#include "message/decision.h"
#include "message/evidence.h"
#include "message/facts.h"

namespace gatehouse::decide {

inline constexpr base::EvidenceInfo kAntivirusMatch{
    "antivirus.match", "antivirus", base::Strength::proof, 0,
    "a malware engine knows this: facts engine, name and database"};

bool is_of_engine(const message::Question& question);

/// antivirus.match for every answer that found something.
std::vector<message::Evidence> evidence_of(const message::Answers& answers);
/// Other answers than those of malware engines are passed over by both.
/// engine_unavailable where an engine was away; the engine's reason where it could not look.
std::vector<message::Gap> gaps_of(const message::Answers& answers);

/// What inspection and engines found together; `facts` may be null.
std::vector<message::Evidence> all_evidence(const message::Facts* facts, const message::Answers& answers);
std::vector<message::Gap> all_gaps(const message::Facts* facts, const message::Answers& answers);

/// By what rules and reasons name it: its id, and for a keyword list "content.expression = NAME".
std::string word_of(const message::Evidence& evidence);

/// The finding's own verdict; clean for evidence that is only worth knowing or only moves the score.
message::Verdict verdict_of(const message::Evidence& evidence);
/// ambiguous and MIME's own corrupt are malformed, every other gap is unscannable.
message::Verdict verdict_of(const message::Gap& gap);
/// The worst of all. Policy's own part (Verdict::policy) is added by evaluate().
message::Verdict verdict_of(const std::vector<message::Evidence>& evidence,
                            const std::vector<message::Gap>& gaps, double spam_threshold);

/// A score is a finite number of at most 100 either way, whatever an inspector claims.
double sane_score(double score);

}  // namespace gatehouse::decide
