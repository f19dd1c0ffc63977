// The function of detector `disguise`; info.h says what it is. Pure; linear in the length of the name.
#pragma once

#include "inspect/detect/disguise/info.h"

namespace gatehouse::inspect::detect::disguise {

Finding inspect(const Object& object, const MessageFacts& facts, base::Budget& budget);

}  // namespace gatehouse::inspect::detect::disguise
