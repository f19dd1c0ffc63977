// gatehouse scan, gatehouse bench scan
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <deque>
#include <optional>

#include "apps/gatehouse/commands.h"
#include "apps/gatehouse/mail_files.h"
#include "apps/gatehouse/print.h"
#include "apps/gatehouse/process_times.h"
#include "apps/gatehouse/report.h"
#include "apps/gatehouse/scanner.h"
#include "base/ip_address.h"
#include "base/log.h"
#include "base/text.h"
#include "decide/explain.h"
#include "decide/findings.h"
#include "message/json.h"
#include "receive/smtp/path.h"

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

/// " (Eicar-Test-Signature)": what gave the verdict, by name.
std::string cause_of(const message::Record& record) {
    constexpr std::size_t kNamed = 3;
    std::vector<std::string> names;
    const auto add = [&](std::string name) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
    };
    const auto verdict = record.decision.verdict;
    for (const auto& item : decide::all_evidence(&record.facts, record.answers)) {
        if (verdict == message::Verdict::clean || decide::verdict_of(item) != verdict) continue;
        const auto name = std::find_if(item.facts.begin(), item.facts.end(),
                                       [](const auto& fact) { return fact.first == "name"; });
        const bool is_match = item.id == decide::kAntivirusMatch.id && name != item.facts.end();
        add(base::printable(is_match ? name->second : item.id, 120));
    }
    for (const auto& gap : decide::all_gaps(&record.facts, record.answers)) {
        if (verdict != message::Verdict::clean && decide::verdict_of(gap) == verdict)
            add(std::string(message::to_string(gap.reason)));
    }
    if (names.empty()) return "";
    std::string out;
    for (std::size_t i = 0; i < names.size() && i < kNamed; ++i) out += (i == 0 ? "" : ", ") + names[i];
    return names.size() > kNamed ? fmt::format(" ({} and {} more)", out, names.size() - kNamed)
                                 : fmt::format(" ({})", out);
}

std::string text_of(const Globals& globals, const ScanWords& words, const ScannedMessage& scanned) {
    if (globals.json) return line_of(scanned) + "\n";
    const auto& record = scanned.record;
    std::string out = fmt::format("{}: {}{}\n", base::printable(scanned.name, 512),
                                  message::to_string(record.decision.verdict), cause_of(record));
    if (words.explain) out += decide::explain(record) + "\n";
    return out;
}

/// Results come as they are ready and are printed in the order in which their messages were read.
class InOrder {
  public:
    /// Before a message is handed out.
    void expect(const std::string& name) { waiting_.push_back({name, std::nullopt}); }
    void give(const std::string& name, std::string text) {
        const auto at = std::find_if(waiting_.begin(), waiting_.end(),
                                     [&](const Slot& slot) { return !slot.text && slot.name == name; });
        if (at != waiting_.end()) at->text = std::move(text);
        while (!waiting_.empty() && waiting_.front().text) {
            fmt::print("{}", *waiting_.front().text);
            waiting_.pop_front();
        }
    }
    ~InOrder() {
        for (const auto& slot : waiting_) fmt::print("{}", slot.text.value_or(""));
    }
    InOrder() = default;
    InOrder(const InOrder&) = delete;
    InOrder& operator=(const InOrder&) = delete;

  private:
    struct Slot {
        std::string name;
        std::optional<std::string> text;
    };
    std::deque<Slot> waiting_;
};

MailFiles find_files(const std::vector<std::string>& paths, std::size_t& failures) {
    MailFiles files(paths);
    for (const auto& problem : files.find()) {
        ++failures;
        fmt::print(stderr, "gatehouse: {}\n", problem.sentence);
    }
    return files;
}

/// "a@b", "<a@b>", and for senders "" and "<>".
base::Result<void> check_address(std::string_view option, const std::string& text, bool may_be_null) {
    const std::string whole = text.starts_with('<') ? text : "<" + text + ">";
    std::string_view rest = whole;
    const auto path = receive::smtp::parse_path(rest);
    if (path && rest.empty() && (may_be_null || !path->path.is_null())) return {};
    return base::fail(base::Fault::usage, "{}: \"{}\" is no mail address such as user@example.com{}", option,
                      base::printable(text, 120), may_be_null ? " or <>" : "");
}

std::string without_brackets(const std::string& address) {
    return address.starts_with('<') && address.ends_with('>') ? address.substr(1, address.size() - 2)
                                                              : address;
}

base::Result<ScanEnvelope> envelope_of(const ScanWords& words) {
    ScanEnvelope envelope{words.client, words.helo, without_brackets(words.from), {}};
    if (!words.client.empty()) {
        const auto client = base::IpAddress::parse(words.client);
        if (!client) return base::fail(base::Fault::usage, "--client: {}", client.error().sentence);
        envelope.client = client->to_string();
    }
    GATEHOUSE_CHECK(check_address("--from", words.from, true));
    for (const auto& to : words.to) {
        GATEHOUSE_CHECK(check_address("--to", to, false));
        envelope.to.push_back(without_brackets(to));
    }
    return envelope;
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
    auto envelope = envelope_of(words);
    if (!envelope) return report(globals, envelope.error());
    const auto config = load_config(find_config(globals.config));
    if (!config) return report(globals, config.error());
    std::size_t failures = 0;
    auto files = find_files(words.paths, failures);
    if (files.files() == 0) {
        if (failures != 0) return report(globals, {base::Fault::unavailable, "no file could be scanned"});
        fmt::print(stderr, "gatehouse: there is no file to scan\n");
        return 0;
    }
    auto scanner = Scanner::start(*config, *std::move(envelope));
    if (!scanner) return report(globals, scanner.error());
    Progress progress(files);
    std::size_t messages = 0;
    std::size_t findings = 0;
    InOrder output;
    (*scanner)->run({[&](std::string& name, std::string& bytes) {
                         const bool more = next_message(files, name, bytes, failures);
                         if (more) output.expect(name);
                         return more;
                     },
                     [&](const ScannedMessage& scanned) {
                         ++messages;
                         if (scanned.record.decision.verdict != message::Verdict::clean) ++findings;
                         output.give(scanned.name, text_of(globals, words, scanned));
                         progress.tell(messages, findings);
                     },
                     [&](const std::string& name, const base::Error& error) {
                         ++failures;
                         output.give(name, "");
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
    if (!config) return report(globals, config.error());
    std::size_t failures = 0;
    auto files = find_files(paths, failures);
    if (failures != 0) return 3;
    auto scanner = Scanner::start(*config, {});
    if (!scanner) return report(globals, scanner.error());
    std::vector<std::uint64_t> inspect_us;
    std::uint64_t bytes_in_all = 0;
    // Everything is read first, so that the disk is not measured.
    std::vector<MailFile> mail;
    std::string name;
    std::string bytes;
    while (next_message(files, name, bytes, failures)) {
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
