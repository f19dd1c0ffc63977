#include "apps/gatehouse/process_times.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace gatehouse::apps {
namespace {

std::string slurp(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// Fields of /proc/PID/stat behind the name, the state being number 3 as in proc(5).
std::vector<std::string> stat_fields(pid_t pid) {
    const std::string stat = slurp("/proc/" + std::to_string(pid) + "/stat");
    const auto end = stat.rfind(')');
    std::vector<std::string> fields(3);
    if (end == std::string::npos) return {};
    std::istringstream rest(stat.substr(end + 1));
    for (std::string word; rest >> word;) fields.push_back(word);
    return fields;
}

}  // namespace

std::vector<pid_t> process_tree(pid_t root) {
    std::multimap<pid_t, pid_t> children;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
        const pid_t pid = std::atoi(entry.path().filename().c_str());
        if (pid <= 0) continue;
        const auto fields = stat_fields(pid);
        if (fields.size() > 4) children.emplace(std::atoi(fields[4].c_str()), pid);
    }
    std::vector<pid_t> out{root};
    for (std::size_t i = 0; i < out.size(); ++i) {
        const auto [first, last] = children.equal_range(out[i]);
        for (auto at = first; at != last; ++at) out.push_back(at->second);
    }
    return out;
}

std::uint64_t cpu_us_of_tree(pid_t root) {
    const auto tick_us = 1'000'000ULL / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    std::uint64_t ticks = 0;
    for (const pid_t pid : process_tree(root)) {
        const auto fields = stat_fields(pid);
        // utime, stime, cutime, cstime are fields 14 to 17.
        for (std::size_t i = 14; i <= 17 && i < fields.size(); ++i)
            ticks += std::strtoull(fields[i].c_str(), nullptr, 10);
    }
    return ticks * tick_us;
}

namespace {

/// Sum over the tree of one line in KiB of one file under /proc/PID.
double mib_of_tree(pid_t root, const std::string& file, const std::string& key) {
    double kib = 0;
    for (const pid_t pid : process_tree(root)) {
        std::istringstream lines(slurp("/proc/" + std::to_string(pid) + "/" + file));
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with(key)) kib += std::strtod(line.c_str() + key.size(), nullptr);
        }
    }
    return kib / 1024;
}

}  // namespace

double peak_rss_mib_of_tree(pid_t root) {
    return mib_of_tree(root, "status", "VmHWM:");
}

double pss_mib_of_tree(pid_t root) {
    return mib_of_tree(root, "smaps_rollup", "Pss:");
}

}  // namespace gatehouse::apps
