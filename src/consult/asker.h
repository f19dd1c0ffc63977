// How the walk asks others about a message: one interface, whoever answers. Engines beside us implement it
// now; the door joins with its outlets. Used by pipeline; implementations are made and owned by apps.
//
// An Asker belongs to one event loop and is called on its thread. It answers every question, in bounded time:
// whoever cannot be reached, is loading or stays silent past the deadline is AnswerState::unavailable, never
// clean. It keeps no reference to the subject once it has answered.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "message/answers.h"
#include "net/asio.h"

namespace gatehouse::consult {

/// What the question is about: the message, or one part of it.
struct Subject {
    int fd = -1;             ///< sealed memory file, readable; stays the caller's and open until the answer
    std::uint64_t size = 0;  ///< of that file
    std::string sha256;      ///< 32 raw bytes, computed by this process; empty = not known, so never cached
};

class Asker {
  public:
    virtual ~Asker() = default;
    virtual net::Task<message::Answer> ask(message::Question question, Subject subject,
                                           base::SteadyTime deadline) = 0;
};

}  // namespace gatehouse::consult
