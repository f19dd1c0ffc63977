// Answers the questions for "clamd": remembered verdicts first, then the engine. The consult::Asker that the
// front's walk uses; one per event loop. What the answers mean is decide's business.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "consult/asker.h"
#include "consult/engines/clamd_client.h"
#include "consult/engines/clamd_engine.h"

namespace gatehouse::consult::engines {

/// message::Question::asked of this engine.
inline constexpr std::string_view kClamdName = "clamd";

class ClamdAsker : public Asker {
  public:
    ClamdAsker(net::Io& io, const base::Clock& clock, ClamdEngine& engine);

    net::Task<message::Answer> ask(message::Question question, Subject subject,
                                   base::SteadyTime deadline) override;

    const ClamdClient& client() const { return client_; }

  private:
    net::Task<Judgement> scan(const Subject& subject, const VerdictKey& key, base::SteadyTime deadline);

    const base::Clock& clock_;
    ClamdEngine& engine_;
    ClamdClient client_;
};

}  // namespace gatehouse::consult::engines
