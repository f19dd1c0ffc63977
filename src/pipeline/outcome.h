// What a reply of the next hop makes of a recipient.
#pragma once

#include "message/record.h"

namespace gatehouse::pipeline {

inline message::Outcome outcome_of(int code) {
    if (code / 100 == 2) return message::Outcome::delivered;
    return code < 500 ? message::Outcome::deferred : message::Outcome::rejected;
}

}  // namespace gatehouse::pipeline
