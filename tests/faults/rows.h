// The table: every fault that is tried, by name. One file for each kind: kills.cc, points.cc, hops.cc,
// machine.cc.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "faults/world.h"

namespace gatehouse::faults {

struct Spec {
    std::string name;   ///< "kill.front"; what stands before the dots names a group
    std::string about;  ///< one line
    std::function<Row(int seconds)> run;
};

std::vector<Spec> kill_rows();
std::vector<Spec> point_rows();
std::vector<Spec> hop_rows();
std::vector<Spec> machine_rows();
std::vector<Spec> all_rows();

/// "kill" and "kill.front" select kill.front.
bool is_selected(const std::string& name, const std::string& only);

/// Where the malware engine is installed.
bool has_engine();

}  // namespace gatehouse::faults
