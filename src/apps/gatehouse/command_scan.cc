// gatehouse scan, gatehouse bench scan
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>

#include "apps/common/control_client.h"
#include "apps/gatehouse/commands.h"
#include "apps/gatehouse/mail_files.h"
#include "apps/gatehouse/print.h"
#include "apps/gatehouse/process_times.h"
#include "apps/gatehouse/scanner.h"
#include "base/log.h"
#include "base/text.h"
#include "decide/explain.h"
#include "decide/findings.h"
#include "message/json.h"

namespace gatehouse::apps {

namespace json = boost::json;

namespace {

/// "123 of 6046 files, 12 findings" on a terminal's stderr, at most five times a second.
class Progress {
  public:
    explicit Progress(const MailFiles& files) : files_(files), shown_(::isatty(STDERR_FILENO) == 1) {}
    ~Progress() {
        if (shown_ && drawn_) fmt::print(stderr, "\r\x1b[K");
    }
    void tell(std::size_t messages, std::size_t findings) {
        const auto now = std::chrono::steady_clock::now();
        if (!shown_ || now - last_ < std::chrono::milliseconds(200)) return;
        last_ = now;
        drawn_ = true;
        fmt::print(stderr, "\r\x1b[K{} messages, {} of {} files, {} findings", messages, files_.files_begun(),
                   files_.files(), findings);
        std::fflush(stderr);
    }

  private:
    const MailFiles& files_;
    bool shown_;
    bool drawn_ = false;
    std::chrono::steady_clock::time_point last_{};
};

std::string line_of(const ScannedMessage& scanned) {
    const auto& record = scanned.record;
    const auto evidence = decide::all_evidence(&record.facts, record.answers);
    const auto gaps = decide::all_gaps(&record.facts, record.answers);
    return message::scan_json({scanned.name, record.facts, evidence, gaps, record.decision});
}

void print_scanned(const Globals& globals, const ScanWords& words, const ScannedMessage& scanned) {
    if (globals.json) {
        fmt::print("{}\n", line_of(scanned));
        return;
    }
    const auto& decision = scanned.record.decision;
    fmt::print("{}: {}\n", base::printable(scanned.name, 512), message::to_string(decision.verdict));
    if (words.explain) fmt::print("{}\n", decide::explain(scanned.record));
}

base::Result<MailFiles> find_files(const Config& config, const std::vector<std::string>& paths) {
    MailFiles files(paths, static_cast<std::uint64_t>(config.inspector.process.max_message));
    GATEHOUSE_CHECK(files.find());
    return files;
}

/// The next message that can be read; errors of single files are told and counted.
bool next_message(MailFiles& files, std::string& name, std::string& bytes, std::size_t& failures) {
    while (true) {
        MailFile file;
        const auto more = files.next(file);
        if (!more) {
            ++failures;
            fmt::print(stderr, "gatehouse: {}\n", more.error().sentence);
            continue;
        }
        if (!*more) return false;
        name = std::move(file.name);
        bytes = std::move(file.bytes);
        return true;
    }
}

}  // namespace

int command_scan(const Globals& globals, const ScanWords& words) {
    base::log_start("scan", "", base::LogLevel::error);
    const auto config = load_config(find_config(globals.config));
    if (!config) return report(config.error());
    auto files = find_files(*config, words.paths);
    if (!files) return report(files.error());
    auto scanner = Scanner::start(*config, {words.client, words.helo, words.from, words.to});
    if (!scanner) return report(scanner.error());
    Progress progress(*files);
    std::size_t messages = 0;
    std::size_t findings = 0;
    std::size_t failures = 0;
    (*scanner)->run(
        {[&](std::string& name, std::string& bytes) { return next_message(*files, name, bytes, failures); },
         [&](const ScannedMessage& scanned) {
             ++messages;
             if (scanned.record.decision.verdict != message::Verdict::clean) ++findings;
             print_scanned(globals, words, scanned);
             progress.tell(messages, findings);
         },
         [&](const std::string& name, const base::Error& error) {
             ++failures;
             fmt::print(stderr, "gatehouse: {}: {}\n", name, error.sentence);
         }});
    if (failures != 0) return 3;
    return findings == 0 ? 0 : 1;
}

namespace {

std::uint64_t percentile(std::vector<std::uint64_t>& values, double part) {
    if (values.empty()) return 0;
    const auto at = static_cast<std::size_t>(part * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
    return values[at];
}

}  // namespace

int command_bench_scan(const Globals& globals, const std::vector<std::string>& paths) {
    base::log_start("bench", "", base::LogLevel::error);
    const auto config = load_config(find_config(globals.config));
    if (!config) return report(config.error());
    auto files = find_files(*config, paths);
    if (!files) return report(files.error());
    auto scanner = Scanner::start(*config, {});
    if (!scanner) return report(scanner.error());
    std::vector<std::uint64_t> inspect_us;
    std::uint64_t bytes_in_all = 0;
    std::size_t failures = 0;
    // Everything is read first, so that the disk is not measured.
    std::vector<MailFile> mail;
    std::string name;
    std::string bytes;
    while (next_message(*files, name, bytes, failures)) {
        bytes_in_all += bytes.size();
        mail.push_back({name, bytes});
    }
    std::size_t next = 0;
    const auto cpu_before = cpu_us_of_tree(::getpid());
    const auto began = std::chrono::steady_clock::now();
    (*scanner)->run(
        {[&](std::string& into_name, std::string& into_bytes) {
             if (next == mail.size()) return false;
             into_name = mail[next].name;
             into_bytes = mail[next++].bytes;
             return true;
         },
         [&](const ScannedMessage& scanned) { inspect_us.push_back(scanned.record.facts.micros.total); },
         [&](const std::string&, const base::Error&) { ++failures; }});
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    const auto cpu = cpu_us_of_tree(::getpid()) - cpu_before;
    const auto count = std::max<std::size_t>(1, inspect_us.size());
    std::uint64_t inspected = 0;
    for (const auto us : inspect_us) inspected += us;
    const json::object row{
        {"bench", "scan"},
        {"messages", inspect_us.size()},
        {"failed", failures},
        {"bytes", bytes_in_all},
        {"inspectors", (*scanner)->inspectors()},
        {"clamd", config->antivirus.clamd},
        {"per_second", static_cast<double>(inspect_us.size()) / took.count()},
        {"cpu_us_per_message", static_cast<double>(cpu) / static_cast<double>(count)},
        {"inspect_us_per_message", static_cast<double>(inspected) / static_cast<double>(count)},
        {"p50_us", percentile(inspect_us, 0.5)},
        {"p99_us", percentile(inspect_us, 0.99)},
        {"peak_rss_mib", peak_rss_mib_of_tree(::getpid())}};
    if (globals.json) {
        fmt::print("{}\n", json::serialize(row));
    } else {
        print_object(row);
    }
    return failures == 0 ? 0 : 3;
}

}  // namespace gatehouse::apps
