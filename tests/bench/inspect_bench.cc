// What inspection costs: gatehouse-bench-inspect DIR [INSPECTOR]
// Over every file below DIR (line ends sent as CRLF, as SMTP brings them): microseconds of CPU per message in
// this process, the slowest message, and what fired. With INSPECTOR, the path of gatehouse-inspector, also
// the round trip of a 5 kB message through a real worker, and the cost of a fork.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "inspect/engine/engine.h"
#include "zygote_process.h"

namespace {

using namespace gatehouse;

std::string read_as_sent(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream raw;
    raw << file.rdbuf();
    std::string out;
    for (const char c : raw.str()) {
        if (c == '\n' && !out.ends_with('\r')) out += '\r';
        out += c;
    }
    return out;
}

double cpu_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Tally {
    std::map<std::string, std::size_t> evidence;
    std::map<std::string, std::size_t> gaps;
    std::map<std::string, std::string> example;
};

void count(const message::Facts& facts, const std::string& name, Tally& tally) {
    for (const auto& item : facts.evidence) {
        if (item.feature == "form") {
            for (const auto& fact : item.facts) ++tally.evidence["form " + fact.first];
            continue;
        }
        std::string key = item.id;
        for (const auto& fact : item.facts) key += " " + fact.second;
        ++tally.evidence[key];
        tally.example.try_emplace(key, name);
    }
    for (const auto& gap : facts.coverage.gaps) ++tally.gaps[std::string(to_string(gap.reason))];
}

void bench_engine(const std::vector<std::pair<std::string, std::string>>& messages) {
    const inspect::engine::Settings settings;
    const auto run = [&](const std::string& raw) {
        return inspect::engine::inspect(
            {.raw = raw, .settings = settings, .detectors = inspect::engine::catalogue()});
    };
    Tally tally;
    std::size_t flagged = 0;
    std::uint64_t bytes = 0;
    std::vector<std::pair<double, std::string>> slowest;
    for (const auto& [name, raw] : messages) {
        const double before = cpu_seconds();
        const auto facts = run(raw);
        slowest.emplace_back(1e6 * (cpu_seconds() - before), name);
        count(facts, name, tally);
        bytes += raw.size();
        const bool fired =
            std::ranges::any_of(facts.evidence, [](const auto& e) { return e.feature != "form"; });
        if (fired || !facts.coverage.is_complete()) {
            ++flagged;
            for (const auto& gap : facts.coverage.gaps) {
                fmt::print("  {} {} {}: {}\n", name, to_string(gap.reason), gap.part, gap.text);
            }
        }
    }
    double best = 1e9;
    for (int round = 0; round < 5; ++round) {
        const double begin = cpu_seconds();
        for (const auto& message : messages) run(message.second);
        best = std::min(best, cpu_seconds() - begin);
    }
    std::ranges::sort(slowest, std::greater());
    fmt::print("messages {} bytes {} flagged {}\n", messages.size(), bytes, flagged);
    fmt::print("inspect {:.1f} us CPU per message, {:.0f} MB/s; slowest {:.0f} us ({})\n",
               1e6 * best / static_cast<double>(messages.size()), static_cast<double>(bytes) / best / 1e6,
               slowest.front().first, slowest.front().second);
    for (const auto& [id, n] : tally.evidence) fmt::print("  {:6} {}  {}\n", n, id, tally.example[id]);
    for (const auto& [reason, n] : tally.gaps) fmt::print("  {:6} gap {}\n", n, reason);
}

double micros_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
}

void bench_worker(const std::string& program, const std::string& message) {
    e2e::ZygoteStart start;
    start.program = program;
    start.product = true;
    start.settings.process.max_messages = 1'000'000;
    auto zygote = e2e::ZygoteProcess::start(start);
    if (!zygote) {
        fmt::print("no zygote: {}\n", zygote.error().sentence);
        return;
    }
    std::vector<double> spawns;
    for (int i = 0; i < 100; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        const auto worker = zygote->spawn();
        spawns.push_back(micros_since(begin));
    }
    std::ranges::sort(spawns);
    auto worker = zygote->spawn();
    std::vector<double> trips;
    std::uint64_t inside = 0;
    constexpr int kTrips = 20'000;
    for (int i = 0; i < kTrips; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        const auto answers = worker->inspect(message);
        trips.push_back(micros_since(begin));
        if (!answers) break;
        inside += answers->back().facts().micros().total();
    }
    std::ranges::sort(trips);
    fmt::print(
        "worker: message {} bytes, round trip p50 {:.1f} us p99 {:.1f} us, inspection inside {:.1f} us; "
        "fork to hello p50 {:.0f} us\n",
        message.size(), trips[trips.size() / 2], trips[trips.size() * 99 / 100],
        static_cast<double>(inside) / static_cast<double>(trips.size()), spawns[spawns.size() / 2]);
}

std::string plain_message(std::size_t size) {
    std::string out =
        "Received: from a.example.org (a.example.org [192.0.2.1]) by mx.example.com with ESMTP; Mon, 1 Jun "
        "2026 "
        "10:00:00 +0000\r\nFrom: A <a@example.org>\r\nTo: b@example.com\r\nSubject: a plain message\r\n"
        "Message-ID: <1@example.org>\r\nDate: Mon, 1 Jun 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\n";
    while (out.size() < size)
        out += "All work and no play makes a dull message, said the worker to the front.\r\n";
    return out;
}

}  // namespace

int main(int argument_count, char** arguments) {
    const std::vector<std::string> words(arguments, arguments + argument_count);
    std::vector<std::pair<std::string, std::string>> messages;
    if (words.size() < 2) return 2;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(words[1])) {
        if (!entry.is_regular_file() || entry.path().extension() == ".tsv") continue;
        messages.emplace_back(entry.path().string(), read_as_sent(entry.path()));
    }
    std::ranges::sort(messages);
    if (!messages.empty()) bench_engine(messages);
    if (words.size() > 2) bench_worker(words[2], plain_message(5000));
    return 0;
}
