#include "faults/table.h"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace gatehouse::faults {
namespace {

constexpr const char* kLine = "{:<30}{:>7}{:>7}{:>6}{:>6}{:>8}{:>6}{:>9}{:>8}{:>7}{:>12}{:>12}{:>11}\n";

std::size_t count(const Row& row, Answer answer) {
    return row.judged.answers.at(static_cast<std::size_t>(answer));
}

}  // namespace

std::string table_head() {
    return fmt::format(kLine, "fault", "250", "4xx", "5xx", "cut", "acked", "lost", "doubled", "window",
                       "resent", "unexplained", "recovery ms", "slowest ms");
}

std::string table_line(const Row& row) {
    if (!row.skipped.empty()) return fmt::format("{:<30} not tried: {}\n", row.fault, row.skipped);
    const auto& judged = row.judged;
    std::string out =
        fmt::format(kLine, row.fault, count(row, Answer::accepted), count(row, Answer::later),
                    count(row, Answer::refused), count(row, Answer::lost), judged.acknowledged, judged.lost,
                    judged.doubled, judged.in_window, judged.sent_again, judged.unexplained,
                    row.recovery ? fmt::to_string(row.recovery->count()) : "-", judged.slowest.count());
    if (!row.note.empty()) out += fmt::format("    {}\n", row.note);
    if (!row.failed.empty()) out += fmt::format("    FAILED: {}\n", row.failed);
    constexpr std::size_t kMostFindings = 10;
    for (std::size_t i = 0; i < std::min(kMostFindings, judged.findings.size()); ++i)
        out += fmt::format("    {}\n", judged.findings[i]);
    return out;
}

std::string json_line(const Row& row) {
    const auto& judged = row.judged;
    boost::json::object out{{"fault", row.fault},
                            {"accepted", count(row, Answer::accepted)},
                            {"later", count(row, Answer::later)},
                            {"refused", count(row, Answer::refused)},
                            {"lost_connections", count(row, Answer::lost)},
                            {"acknowledged", judged.acknowledged},
                            {"lost", judged.lost},
                            {"doubled", judged.doubled},
                            {"in_window", judged.in_window},
                            {"sent_again", judged.sent_again},
                            {"unexplained", judged.unexplained},
                            {"slowest_ms", judged.slowest.count()},
                            {"random_kills", row.random_kills},
                            {"note", row.note},
                            {"skipped", row.skipped},
                            {"failed", row.failed}};
    out["recovery_ms"] =
        row.recovery ? boost::json::value(row.recovery->count()) : boost::json::value(nullptr);
    boost::json::array findings;
    for (const auto& finding : judged.findings) findings.push_back(boost::json::value(finding));
    out["findings"] = std::move(findings);
    return boost::json::serialize(out) + "\n";
}

}  // namespace gatehouse::faults
