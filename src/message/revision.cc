#include "message/revision.h"

#include <algorithm>

#include "base/digest.h"
#include "base/text.h"

namespace gatehouse::message {
namespace {

// Keys sorted, so that the order somebody wrote them in does not make another revision. Depth is what the
// settings grammar allows (settings/text bounds it), so recursion is ours, not an attacker's.
base::Value sorted(const base::Value& value) {
    if (const auto* table = value.table()) {
        base::Value::Table copy;
        for (const auto& [key, member] : *table) copy.emplace_back(key, sorted(member));
        std::sort(copy.begin(), copy.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        return base::Value(base::Value::Data(std::move(copy)));
    }
    if (const auto* array = value.array()) {
        base::Value::Array copy;
        for (const auto& member : *array) copy.push_back(sorted(member));
        return base::Value(base::Value::Data(std::move(copy)));
    }
    return base::Value(value.data());
}

}  // namespace

std::string canonical_text(const Revision& revision) {
    return "settings = " + sorted(revision.settings).to_string() +
           "\npolicy = " + sorted(revision.policy).to_string() + "\n";
}

Revision make_revision(base::Value settings, base::Value policy) {
    Revision revision{"", std::move(settings), std::move(policy)};
    revision.id = base::to_hex(base::sha256(canonical_text(revision)).substr(0, 8));
    return revision;
}

}  // namespace gatehouse::message
