#include "decide/settings.h"

#include <algorithm>

#include "base/text.h"
#include "decide/rule_text.h"
#include "message/expression_list.h"

namespace gatehouse::decide {

double AntispamSettings::effective_threshold() const {
    if (threshold > 0) return threshold;
    if (catch_rate == "low") return 7.0;
    return catch_rate == "high" ? 4.5 : 5.0;
}

base::Result<void> check_time_zone(std::string_view name) {
    constexpr std::size_t kMaxName = 64;
    const bool is_good = !name.empty() && name.size() <= kMaxName && name.front() != '/' &&
                         name.find("..") == std::string_view::npos &&
                         std::all_of(name.begin(), name.end(), [](char c) {
                             return base::is_alnum(c) || c == '/' || c == '_' || c == '+' || c == '-';
                         });
    if (is_good) return {};
    return base::fail(base::Fault::usage, "\"{}\" is no time zone such as UTC or Europe/Berlin",
                      base::printable(name, 80));
}

base::Result<void> check_threshold(double threshold) {
    if (threshold == 0 || (threshold >= 3.0 && threshold <= 10.0)) return {};
    return base::fail(base::Fault::usage, "antispam.threshold must be from 3.0 to 10.0, or 0, not {}",
                      threshold);
}

void add_tables(std::vector<settings::text::Entry>& entries) {
    using settings::text::File;
    for (const auto* table : {&kGeneralTable, &kAntivirusTable, &kExceptionTable, &kAntispamTable}) {
        entries.push_back({File::settings, table});
    }
    for (const auto* table : {&kRuleTable, &kRouteTable, &kWhenTable, &kActionTable,
                              &message::kExpressionListTable, &message::kExpressionTable}) {
        entries.push_back({File::policy, table, true});
    }
}

}  // namespace gatehouse::decide
