// The commands of the program, one file each; main.cc only parses words and calls these. Every function
// returns the exit class: 0 done / nothing found, 1 findings or a negative answer, 2 wrong usage or
// configuration, 3 could not do it (with the reason on stderr in one line).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gatehouse::apps {

struct Globals {
    std::string config;  ///< --config as given
    bool json = false;
};

struct ScanWords {
    std::string client;
    std::string helo;
    std::string from;
    std::vector<std::string> to;
    bool explain = false;
    std::vector<std::string> paths;
};

struct BenchSmtpWords {
    std::vector<std::size_t> sessions{1, 10, 100};
    std::vector<std::size_t> sizes{5'000, 100'000};
    std::vector<std::string> modes{"cut-through", "queue"};
    std::vector<std::string> clamd{"off", "on"};
    std::string peer;
    std::size_t messages = 2'000;  ///< of a row
    std::size_t rounds = 4;
    std::size_t per_connection = 1;
};

struct TrackWords {
    std::string reference;
    std::string client;
    std::string from;
    std::string to;
    std::string subject;
    std::string since;
    std::string until;
    std::string verdict;
    std::string outcome;
    std::uint32_t limit = 100;
};

struct QuarantineWords {
    std::string verb;
    std::vector<std::string> ids;
    std::string why;
    bool raw = false;
    std::uint32_t limit = 100;
};

struct QueueWords {
    std::string verb;
    std::vector<std::string> ids;
    std::string lane;
    std::string from;
    std::string to;
    bool held = false;
    bool raw = false;
    bool notify = false;
    std::uint32_t limit = 100;
};

int command_run(const Globals& globals, bool demo_sink);
int command_status(const Globals& globals, bool verbose);
int command_restart(const Globals& globals, const std::string& what);
int command_reload(const Globals& globals);
int command_scan(const Globals& globals, const ScanWords& words);
int command_bench_scan(const Globals& globals, const std::vector<std::string>& paths);
int command_bench_smtp(const Globals& globals, const BenchSmtpWords& words);
int command_config(const Globals& globals, const std::string& verb, const std::string& key);
int command_track(const Globals& globals, const TrackWords& words);
int command_explain(const Globals& globals, const std::string& reference);
int command_quarantine(const Globals& globals, const QuarantineWords& words);
int command_queue(const Globals& globals, const QueueWords& words);
/// Hidden; only under GATEHOUSE_TESTING=1.
int command_clock(const Globals& globals, std::int64_t seconds);
int command_fault(const Globals& globals, const std::string& point, std::uint64_t after,
                  const std::string& action);
int command_version(const Globals& globals);

}  // namespace gatehouse::apps
