#include "admin/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <boost/json.hpp>

namespace gatehouse::admin {
namespace {

std::string text_of(const boost::json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

double number_of(const boost::json::value& value) {
    if (value.is_double()) return value.get_double();
    if (value.is_int64()) return static_cast<double>(value.get_int64());
    if (value.is_uint64()) return static_cast<double>(value.get_uint64());
    return 0;
}

}  // namespace

std::vector<MetricRow> parse_metric_rows(const std::vector<std::string>& json_rows) {
    std::vector<MetricRow> out;
    for (const auto& text : json_rows) {
        boost::system::error_code error;
        const auto value = boost::json::parse(text, error);
        if (error || !value.is_object()) continue;
        const auto& object = value.get_object();
        MetricRow row{text_of(object, "metric"), text_of(object, "help"), false, {}, 0};
        if (row.name.empty()) continue;
        if (const auto* counter = object.if_contains("counter"))
            row.counter = counter->is_bool() && counter->get_bool();
        if (const auto* number = object.if_contains("value")) row.value = number_of(*number);
        if (const auto* labels = object.if_contains("labels"); labels != nullptr && labels->is_object()) {
            for (const auto& [key, label] : labels->get_object()) {
                if (label.is_string()) row.labels.emplace_back(key, label.get_string());
            }
        }
        out.push_back(std::move(row));
    }
    return out;
}

std::string render_metrics(const std::vector<MetricRow>& rows) {
    std::vector<prometheus::MetricFamily> families;
    for (const auto& row : rows) {
        auto family =
            std::find_if(families.begin(), families.end(), [&](const auto& f) { return f.name == row.name; });
        if (family == families.end()) {
            const auto type = row.counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
            families.push_back({row.name, row.help, type, {}});
            family = families.end() - 1;
        }
        prometheus::ClientMetric metric;
        for (const auto& [key, value] : row.labels) metric.label.push_back({key, value});
        if (row.counter) {
            metric.counter.value = row.value;
        } else {
            metric.gauge.value = row.value;
        }
        family->metric.push_back(std::move(metric));
    }
    return prometheus::TextSerializer().Serialize(families);
}

}  // namespace gatehouse::admin
