#include "apps/bench/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace gatehouse::apps {

namespace json = boost::json;

namespace {

double rounded(double value) {
    return std::round(value * 1000) / 1000;
}

std::int64_t whole(double value) {
    return std::llround(value);
}

double ratio(double ours, double theirs) {
    return theirs > 0 ? rounded(ours / theirs) : 0;
}

std::string part_of(const json::object& ratios, const std::string& name, std::string_view key) {
    const auto* found = ratios.if_contains(name);
    if (found == nullptr) return "";
    return fmt::format("{:.2f} x", found->as_object().at(key).as_double());
}

}  // namespace

std::uint64_t percentile(std::vector<std::uint32_t>& values, double part) {
    if (values.empty()) return 0;
    const auto rank = std::ceil(part * static_cast<double>(values.size()));
    const auto at = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
    const auto place = values.begin() + static_cast<std::ptrdiff_t>(std::min(at, values.size() - 1));
    std::nth_element(values.begin(), place, values.end());
    return *place;
}

std::string BenchRow::name() const {
    const std::string what = mode.empty() ? system : mode + (clamd == "on" ? " with clamd" : "");
    return fmt::format("{}, {} bytes, {} session{}", what, bytes, sessions, sessions == 1 ? "" : "s");
}

double BenchRow::per_second() const {
    return seconds > 0 ? static_cast<double>(messages) / seconds : 0;
}

double BenchRow::cpu_us_per_message() const {
    return messages > 0 ? static_cast<double>(cpu_us) / static_cast<double>(messages) : 0;
}

json::object BenchRow::json() {
    json::object row{{"system", system}, {"name", name()}, {"sessions", sessions}, {"bytes", bytes}};
    if (!mode.empty()) row["mode"] = mode;
    if (!clamd.empty()) row["clamd"] = clamd;
    if (!skipped.empty()) {
        row["skipped"] = skipped;
        return row;
    }
    row["messages"] = messages;
    row["refused"] = refused;
    row["per_second"] = whole(per_second());
    row["cpu_us_per_message"] = whole(cpu_us_per_message());
    row["p50_us"] = percentile(micros, 0.5);
    row["p99_us"] = percentile(micros, 0.99);
    row["peak_rss_mib"] = whole(peak_mib);
    return row;
}

json::object ratios(const std::vector<BenchRow>& rows, std::string_view peer) {
    json::object out;
    for (const auto& ours : rows) {
        if (ours.system != "gatehouse" || ours.messages == 0) continue;
        const auto same_load = [&](const BenchRow& other) {
            return other.system == peer && other.sessions == ours.sessions && other.bytes == ours.bytes &&
                   other.messages > 0;
        };
        const auto theirs = std::find_if(rows.begin(), rows.end(), same_load);
        if (theirs == rows.end()) continue;
        out[ours.name()] =
            json::object{{"per_second", ratio(ours.per_second(), theirs->per_second())},
                         {"cpu", ratio(ours.cpu_us_per_message(), theirs->cpu_us_per_message())}};
    }
    return out;
}

std::string table(std::vector<BenchRow>& rows, const json::object& ratios) {
    std::size_t widest = 0;
    for (const auto& row : rows) widest = std::max(widest, row.name().size());
    std::string out = fmt::format("{:<10} {:<{}} {:>10} {:>8} {:>9} {:>9} {:>8}", "system", "what", widest,
                                  "messages/s", "CPU us", "p50 us", "p99 us", "PSS MiB");
    out += ratios.empty() ? "\n" : fmt::format(" {:>9} {:>9}\n", "x peer/s", "x CPU");
    for (auto& row : rows) {
        const auto name = row.name();
        out += fmt::format("{:<10} {:<{}} ", row.system, name, widest);
        if (!row.skipped.empty()) {
            out += fmt::format("skipped: {}\n", row.skipped);
            continue;
        }
        out += fmt::format("{:>10} {:>8} {:>9} {:>9} {:>8}", whole(row.per_second()),
                           whole(row.cpu_us_per_message()), percentile(row.micros, 0.5),
                           percentile(row.micros, 0.99), whole(row.peak_mib));
        const auto speed = part_of(ratios, name, "per_second");
        out += speed.empty() ? "\n" : fmt::format(" {:>9} {:>9}\n", speed, part_of(ratios, name, "cpu"));
    }
    return out;
}

}  // namespace gatehouse::apps
