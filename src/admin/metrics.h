// Metrics of all roles as Prometheus text. Roles push snapshots as plain rows; this file alone knows
// prometheus-cpp.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace gatehouse::admin {

struct MetricRow {
    std::string name;  ///< "gatehouse_messages_total": a literal, declared by the role that counts
    std::string help;
    bool counter = false;  ///< else a gauge
    std::vector<std::pair<std::string, std::string>> labels;
    double value = 0;
};

/// Prometheus exposition format 0.0.4; rows of one name are grouped.
std::string render_metrics(const std::vector<MetricRow>& rows);

/// A role's JSON rows {"metric", "help", "counter", "labels", "value"}; anything else is skipped.
std::vector<MetricRow> parse_metric_rows(const std::vector<std::string>& json_rows);

}  // namespace gatehouse::admin
