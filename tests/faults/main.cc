// gatehouse-faults: mistreats a real gateway under load in every way of the table, and counts by message id.
// Exit 0 = nothing lost, every double explained; 1 = otherwise; 2 = wrong usage.
#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iterator>

#include "faults/rows.h"
#include "faults/table.h"

namespace gatehouse::faults {

std::vector<Spec> all_rows() {
    std::vector<Spec> out;
    for (auto* rows : {&kill_rows, &point_rows, &hop_rows, &machine_rows}) {
        auto made = rows();
        std::move(made.begin(), made.end(), std::back_inserter(out));
    }
    return out;
}

bool is_selected(const std::string& name, const std::string& only) {
    return only.empty() || name == only || name.starts_with(only + ".");
}

namespace {

struct Words {
    std::string only;
    int seconds = 10;
    bool list = false;
    bool json = false;
};

struct Total {
    std::size_t rows = 0;
    std::size_t skipped = 0;
    std::size_t bad = 0;
    std::size_t kills = 0;
    std::size_t acknowledged = 0;
    std::size_t lost = 0;
    std::size_t doubled = 0;
    std::size_t unexplained = 0;

    void add(const Row& row) {
        ++rows;
        skipped += row.skipped.empty() ? 0 : 1;
        bad += row.is_good() ? 0 : 1;
        kills += row.random_kills;
        acknowledged += row.judged.acknowledged;
        lost += row.judged.lost;
        doubled += row.judged.doubled;
        unexplained += row.judged.unexplained;
    }
};

int list(const std::vector<Spec>& specs) {
    for (const auto& spec : specs) fmt::print("{:<30} {}\n", spec.name, spec.about);
    return 0;
}

void print(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
}

int run(const Words& words) {
    auto specs = all_rows();
    std::erase_if(specs, [&](const Spec& spec) { return !is_selected(spec.name, words.only); });
    if (words.list) return list(specs);
    if (specs.empty()) {
        fmt::print(stderr, "gatehouse-faults: there is no row {}; --list names them\n", words.only);
        return 2;
    }
    if (!words.json) print(table_head());
    Total total;
    for (const auto& spec : specs) {
        const auto row = spec.run(words.seconds);
        total.add(row);
        print(words.json ? json_line(row) : table_line(row));
    }
    if (!words.json) {
        print(fmt::format(
            "{} rows, {} of them skipped, {} SIGKILLs at random instants; {} messages acknowledged, {} lost, "
            "{} "
            "doubled, {} of them unexplained; {}\n",
            total.rows, total.skipped, total.kills, total.acknowledged, total.lost, total.doubled,
            total.unexplained,
            total.bad == 0 ? "all rows are good" : fmt::format("{} rows are NOT good", total.bad)));
    }
    return total.bad == 0 ? 0 : 1;
}

}  // namespace
}  // namespace gatehouse::faults

int main(int argc, char** argv) {
    ::signal(SIGPIPE, SIG_IGN);
    gatehouse::faults::Words words;
    CLI::App app("Mistreats a gateway under load and counts what is lost and doubled");
    app.add_option("--only", words.only, "one row, or all of a group (kill, point, hop.cut ...)");
    app.add_option("--seconds", words.seconds, "how long a row may mistreat it, about")
        ->check(CLI::Range(1, 3600));
    app.add_flag("--list", words.list, "the names of the rows");
    app.add_flag("--json", words.json, "one JSON object per row");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return gatehouse::faults::run(words);
}
