#include "decide/words.h"

#include <fmt/format.h>

#include "base/text.h"

namespace gatehouse::decide {

using message::Action;
using message::ActionKind;

std::string describe(const Action& action) {
    switch (action.kind) {
        case ActionKind::deliver:
            return "deliver";
        case ActionKind::reject:
            return "reject with " + base::printable(action.text);
        case ActionKind::defer:
            return "defer with " + base::printable(action.text);
        case ActionKind::remove:
            return "delete";
        case ActionKind::quarantine:
            return "quarantine to " + base::printable(action.area);
        case ActionKind::tag_subject:
            return fmt::format("tag the subject with \"{}\"", base::printable(action.text));
        case ActionKind::x_header:
            return fmt::format("add {}: {}", base::printable(action.name), base::printable(action.text));
        case ActionKind::postpone:
            return "deliver from " + base::printable(action.text);
        case ActionKind::hand_off:
            return "hand off to " + base::printable(action.text);
    }
    return "";
}

std::string describe(const std::vector<Action>& actions) {
    std::string out;
    for (const auto& action : actions) out += (out.empty() ? "" : ", ") + describe(action);
    return out;
}

std::string describe_without(std::string_view word, const Index& index, const View& view) {
    const auto& envelope = index.input().envelope;
    if (word == "size")
        return fmt::format("with another size (it is {} byte{})", envelope.size,
                           envelope.size == 1 ? "" : "s");
    if (word == "recipients") {
        const auto count = envelope.recipients.size();
        return fmt::format("with another number of recipients (there {} {})", count == 1 ? "is" : "are",
                           count);
    }
    if (word == "spam_score") return fmt::format("with another spam score (it is {:.4g})", view.spam_score);
    if (word.starts_with("verdict.")) return fmt::format("with another verdict than {}", word.substr(8));
    const std::string places = index.places_of(word);
    const std::string name = base::printable(word, 80);
    return places.empty() ? fmt::format("without {}", name) : fmt::format("without {} at {}", name, places);
}

}  // namespace gatehouse::decide
