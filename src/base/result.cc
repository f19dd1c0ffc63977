#include "base/result.h"

#include <system_error>

namespace gatehouse::base {

std::string_view to_string(Fault fault) {
    switch (fault) {
        case Fault::malformed:
            return "malformed";
        case Fault::limit:
            return "limit";
        case Fault::timed_out:
            return "timed_out";
        case Fault::unavailable:
            return "unavailable";
        case Fault::refused:
            return "refused";
        case Fault::not_found:
            return "not_found";
        case Fault::usage:
            return "usage";
        case Fault::internal:
            return "internal";
    }
    return "internal";
}

std::unexpected<Error> fail_errno(Fault fault, std::string_view sentence, int error_number) {
    return fail(fault, "{}: {}", sentence, std::generic_category().message(error_number));
}

}  // namespace gatehouse::base
