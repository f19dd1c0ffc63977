// The middle of the walk: inspect, consult, decide. One Judge per event loop; used for mail in a session and
// for files that `gatehouse scan` is given. A message that could not be inspected is judged too: as
// unscannable.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"
#include "consult/asker.h"
#include "decide/policy.h"
#include "inspect/pool/pool.h"
#include "message/answers.h"
#include "message/circumstances.h"
#include "message/decision.h"
#include "message/envelope.h"
#include "message/facts.h"
#include "message/record.h"
#include "net/asio.h"

namespace gatehouse::pipeline {

/// What the malware engine is like right now; null functions = no engine.
class EngineView {
  public:
    virtual ~EngineView() = default;
    virtual consult::Asker& asker() = 0;
    /// Up, or away for less than that: what it did not answer is worth a 451.
    virtual bool is_expected_back(std::chrono::seconds grace) const = 0;
};

struct JudgeParts {
    net::Io& io;
    const base::Clock& clock;
    inspect::pool::Pool& pool;
    EngineView* engine = nullptr;  ///< null = antivirus.clamd is off
    std::string engine_name = "clamd";
    std::string authserv_id;
    std::chrono::seconds engine_time{60};
    /// For what would hold up the loop: digests of what is long. Null = done on the loop.
    boost::asio::thread_pool* threads = nullptr;
};

struct JudgeTimes {
    base::SteadyTime began;  ///< what the steps count from
    base::SteadyTime give_up = base::SteadyTime::max();
};

struct Judged {
    message::Facts facts;
    message::Answers answers;
    message::Circumstances circumstances;
    message::Decision decision;
    std::vector<message::Step> steps;         ///< "inspect", "engine", "decide", counted from `began`
    std::optional<base::MemoryShare> memory;  ///< what the facts hold of the mail in flight
};

class Judge {
  public:
    explicit Judge(JudgeParts parts) : parts_(std::move(parts)) {}

    /// `sealed` stays the caller's. Ends at `give_up`, or a moment later. Any fault: nothing can be said of
    /// the message (no inspector was free, no memory, no time left), and the client keeps it (451 4.3.2).
    /// Engines that had no time to answer are unavailable; what that means is the policy's.
    net::Task<base::Result<Judged>> judge(const message::Envelope& envelope, const decide::Policy& policy,
                                          int sealed, JudgeTimes times);

  private:
    struct Work;
    net::Task<void> ask(Work& work, std::vector<message::Question> questions);
    net::Task<message::Answer> ask_one(Work& work, message::Question question);
    net::Task<bool> ask_early(Work& work, std::vector<message::Question> questions);
    net::Task<std::string> digest(std::string_view bytes);
    net::Task<base::Result<inspect::pool::Inspection>> inspect(Work& work);
    net::Task<base::Result<inspect::pool::Inspection>> inspect_with_lists(Work& work);
    std::vector<message::Question> open_questions(const Work& work, bool facts_are_in) const;
    void note(Work& work, const std::string& step, const std::string& result) const;

    JudgeParts parts_;
};

}  // namespace gatehouse::pipeline
