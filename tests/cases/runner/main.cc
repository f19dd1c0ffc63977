// gatehouse-case FILE: runs one case file and says where it disagrees. Exit 0 = all holds, 1 = it does not, 2
// = the file is wrong, 77 = skipped (clamd is not installed). `gatehouse-case --message FILE` prints the
// message instead.
#include <fmt/format.h>

#include <cstdio>

#include "case_file.h"
#include "expectations.h"
#include "levels.h"

namespace gatehouse::cases {
namespace {

int run(const std::string& path, bool only_message) {
    const auto file = read_case(path);
    if (!file) {
        fmt::print(stderr, "{}\n", file.error().sentence);
        return 2;
    }
    if (only_message) {
        std::fwrite(file->message.data(), 1, file->message.size(), stdout);
        return 0;
    }
    const auto outcome = file->level == Level::walk ? run_walk(*file) : run_pure(*file);
    if (!outcome) {
        fmt::print(stderr, "{}\n", outcome.error().sentence);
        return outcome.error().fault == base::Fault::not_found ? 77 : 2;
    }
    const std::string wrong = disagreements(*file, *outcome);
    if (wrong.empty()) return 0;
    fmt::print("{}{}\n", wrong, boost::json::serialize(*outcome));
    return 1;
}

}  // namespace
}  // namespace gatehouse::cases

int main(int count, char** words) {
    const bool only_message = count == 3 && std::string_view(words[1]) == "--message";
    if (count != 2 && !only_message) {
        fmt::print(stderr, "usage: gatehouse-case [--message] FILE\n");
        return 2;
    }
    return gatehouse::cases::run(words[count - 1], only_message);
}
