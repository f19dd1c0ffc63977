// What a tree of processes has used, from /proc: for the benches.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace gatehouse::apps {

std::vector<pid_t> process_tree(pid_t root);
/// User and system time of the living processes and of their reaped children, in microseconds (10 ms ticks).
std::uint64_t cpu_us_of_tree(pid_t root);
/// Sum of the peaks (VmHWM); shared pages count once per process.
double peak_rss_mib_of_tree(pid_t root);
/// Sum of the present PSS, in which shared pages count once; processes that may not be looked at count
/// nothing.
double pss_mib_of_tree(pid_t root);

}  // namespace gatehouse::apps
