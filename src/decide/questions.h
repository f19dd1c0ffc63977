// What has to be asked before a message can be decided. The pipeline's loop is
//   while (auto q = questions(input, policy); !q.empty()) answers += consult(q);   // at most 3 rounds
// The first call may come before the facts (the engine then sees the whole message while the inspector works)
// and later ones with the parts the inspector handed over. Nothing is asked that could not change the result:
// not when a terminal rule or exception before the first rule of kind antivirus has decided for everybody,
// not when malware was found already, not when no enabled rule looks at malware. Pure.
#pragma once

#include <vector>

#include "decide/input.h"
#include "decide/policy.h"
#include "message/answers.h"

namespace gatehouse::decide {

std::vector<message::Question> questions(const Input& input, const Policy& policy);

}  // namespace gatehouse::decide
