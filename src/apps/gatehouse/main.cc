// The command line: words to functions. CLI11 stands in this file only.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <iostream>
#include <span>

#include "apps/bench/mail.h"
#include "apps/gatehouse/report.h"
#include "base/text.h"

namespace gatehouse::apps {
namespace {

/// What the parsed words ask for; filled by the callbacks, run after parsing so that every error is a usage
/// error.
struct Chosen {
    std::function<int()> run;
};

struct Words {
    Globals globals;
    bool demo_sink = false;
    bool verbose = false;
    std::string restart;
    ScanWords scan;
    std::vector<std::string> bench;
    BenchSmtpWords bench_smtp;
    std::string key;
    TrackWords track;
    std::string reference;
    QuarantineWords quarantine;
    QueueWords queue;
    std::int64_t seconds = 0;
    std::string point;
    std::uint64_t after = 1;
    std::string action;
};

constexpr const char* kEverywhere =
    "With every command:\n"
    "  --config FILE               gatehouse.toml to use\n"
    "  --json                      machine-readable output";
constexpr std::uint32_t kMostRows = 10'000;

CLI::App* add(CLI::App& parent, const std::string& name, const std::string& help) {
    CLI::App* command = parent.add_subcommand(name, help);
    command->fallthrough();
    command->footer(kEverywhere);
    return command;
}

void add_running(CLI::App& app, Words& w, Chosen& chosen) {
    auto* run = add(app, "run", "start all roles in the foreground");
    run->add_flag("--demo-sink", w.demo_sink,
                  "start a sink that accepts and shows what arrives (./run only)");
    run->callback([&] { chosen.run = [&] { return command_run(w.globals, w.demo_sink); }; });
    auto* status = add(app, "status", "problems, roles, next hops, engine and database age, counts");
    status->add_flag("--verbose", w.verbose, "also the sandbox in force and the system calls it allows");
    status->callback([&] { chosen.run = [&] { return command_status(w.globals, w.verbose); }; });
    auto* restart = add(app, "restart", "restart a part without losing a message");
    restart->add_option("what", w.restart, "scan, admin or all")
        ->required()
        ->check(CLI::IsMember({"scan", "admin", "all", "door"}));
    restart->footer(
        "All parts read the configuration again.\n"
        "  scan   new inspectors and a new malware engine. Interrupts nothing: mail that comes in\n"
        "         meanwhile waits for them, or is answered 451 while the engine loads\n"
        "  admin  the HTTPS page. Its open connections are closed; mail is not touched\n"
        "  all    scan, admin and the SMTP server: listening sockets stay bound, open transactions get\n"
        "         60 s to end, then 421. Needed for keys that a reload cannot apply\n"
        "  door   not in this version\n\n" +
        std::string(kEverywhere));
    restart->callback([&] { chosen.run = [&] { return command_restart(w.globals, w.restart); }; });
    add(app, "reload", "apply what the settings now say")->callback([&] {
        chosen.run = [&] { return command_reload(w.globals); };
    });
}

void add_bench_smtp(CLI::App& bench, Words& w, Chosen& chosen) {
    auto* smtp = add(bench, "smtp", "a gateway of its own by SMTP, between our load generator and our sink");
    const auto list = [&](const std::string& name, auto& values, const std::string& help) {
        return smtp->add_option(name, values, help)->delimiter(',')->capture_default_str();
    };
    list("--sessions", w.bench_smtp.sessions, "sessions at once")->check(CLI::Range(1U, 1'000U));
    list("--size", w.bench_smtp.sizes, "bytes of a message")->check(CLI::Range(kSmallestMail, kLargestMail));
    list("--mode", w.bench_smtp.modes, "cut-through, queue")->check(CLI::IsMember({"cut-through", "queue"}));
    list("--clamd", w.bench_smtp.clamd, "off, on")->check(CLI::IsMember({"off", "on"}));
    smtp->add_option("--peer", w.bench_smtp.peer, "postfix: one of its own beside us, in turns with us")
        ->check(CLI::IsMember({"postfix"}));
    smtp->add_option("--messages", w.bench_smtp.messages, "messages of each row")
        ->check(CLI::Range(1U, 10'000'000U))
        ->capture_default_str();
    smtp->add_option("--rounds", w.bench_smtp.rounds, "turns in which they are sent")
        ->check(CLI::Range(1U, 100U))
        ->capture_default_str();
    smtp->add_option("--per-connection", w.bench_smtp.per_connection, "messages before QUIT")
        ->check(CLI::Range(1U, 1'000'000U))
        ->capture_default_str();
    smtp->callback([&] { chosen.run = [&] { return command_bench_smtp(w.globals, w.bench_smtp); }; });
}

void add_scanning(CLI::App& app, Words& w, Chosen& chosen) {
    auto* scan = add(app, "scan", "inspect files, folders, mailboxes or standard input");
    scan->add_option("--client", w.scan.client, "connecting address to assume");
    scan->add_option("--helo", w.scan.helo, "HELO name to assume");
    scan->add_option("--from", w.scan.from, "envelope sender to assume");
    scan->add_option("--to", w.scan.to, "envelope recipients to assume");
    scan->add_flag("--explain", w.scan.explain, "say why, in words");
    scan->add_option("path", w.scan.paths, "eml file, Maildir, mbox or folder; - = standard input")
        ->required();
    scan->callback([&] { chosen.run = [&] { return command_scan(w.globals, w.scan); }; });
    auto* bench = add(app, "bench", "measure the whole path");
    bench->require_subcommand(1);
    auto* bench_scan = add(*bench, "scan", "messages per second and CPU per message over a folder of mail");
    bench_scan->add_option("path", w.bench, "folders or files")->required();
    bench_scan->callback([&] { chosen.run = [&] { return command_bench_scan(w.globals, w.bench); }; });
    add_bench_smtp(*bench, w, chosen);
}

void add_config(CLI::App& app, Words& w, Chosen& chosen) {
    auto* config = add(app, "config", "check and explain the configuration");
    config->require_subcommand(1);
    const auto verb = [&](const std::string& name, const std::string& help) {
        auto* command = add(*config, name, help);
        command->callback([&w, &chosen, name] {
            chosen.run = [&w, name] { return command_config(w.globals, name, w.key); };
        });
        return command;
    };
    verb("check", "read the three files and say what is wrong");
    verb("show", "every value in force, and where it comes from");
    verb("reference", "every key with meaning, range, unit and default; conditions and evidence of rules");
    verb("origin", "where one key's value comes from")
        ->add_option("key", w.key, "such as smtp.listen")
        ->required();
}

void add_asking(CLI::App& app, Words& w, Chosen& chosen) {
    auto* track = add(app, "track", "find messages and what became of them");
    track->add_option(
        "--from", w.track.from,
        "envelope sender or From. user@example.com: that address whole; @example.com: the domain "
        "whole; <>: the null sender; anything without @: contained");
    track->add_option("--to", w.track.to, "envelope recipient, likewise");
    track->add_option("--subject", w.track.subject, "subject contains, letter case ignored");
    track->add_option("--client", w.track.client, "address of the client that brought it");
    track->add_option("--ref", w.track.reference, "the message's reference, or its first 8 symbols or more");
    track->add_option("--since", w.track.since, "such as 2h, 30d, 2026-06-01 or 2026-06-01T00:00:00Z (UTC)");
    track->add_option("--until", w.track.until, "likewise");
    track->add_option("--verdict", w.track.verdict, "virus, malformed, unscannable, clean ...");
    track->add_option("--outcome", w.track.outcome,
                      "delivered, queued, quarantined, rejected, deferred, refused ...");
    track->add_option("--limit", w.track.limit, "rows, newest first")->check(CLI::Range(1U, kMostRows));
    track->callback([&] { chosen.run = [&] { return command_track(w.globals, w.track); }; });
    auto* explain = add(app, "explain", "the chain of reasons, and what would have changed it");
    explain->add_option("reference", w.reference, "the message's reference, or 8 of its symbols")->required();
    explain->callback([&] { chosen.run = [&] { return command_explain(w.globals, w.reference); }; });
}

void add_quarantine(CLI::App& app, Words& w, Chosen& chosen) {
    auto* quarantine = add(app, "quarantine", "held messages: list, show, release, delete");
    quarantine->require_subcommand(1);
    const auto verb = [&](const std::string& name, const std::string& help) {
        auto* command = add(*quarantine, name, help);
        command->callback([&w, &chosen, name] {
            w.quarantine.verb = name;
            chosen.run = [&w] { return command_quarantine(w.globals, w.quarantine); };
        });
        return command;
    };
    verb("list", "items, newest first")
        ->add_option("--limit", w.quarantine.limit, "rows")
        ->check(CLI::Range(1U, kMostRows));
    auto* show = verb("show", "one item: envelope, reasons, header");
    show->add_flag("--raw", w.quarantine.raw, "print the message itself");
    auto* release = verb("release", "send items to their next hop");
    auto* remove = verb("delete", "erase items for good");
    for (auto* command : {show, release, remove}) {
        command->add_option("id", w.quarantine.ids, "REF/n, or the reference alone")->required();
        command->add_option("--why", w.quarantine.why, "a reason for the log");
    }
}

void add_queue(CLI::App& app, Words& w, Chosen& chosen) {
    auto* queue =
        add(app, "queue", "mail that waits for its next hop: list, show, flush, hold, release, delete");
    queue->require_subcommand(1);
    const auto verb = [&](const std::string& name, const std::string& help) {
        auto* command = add(*queue, name, help);
        command->callback([&w, &chosen, name] {
            w.queue.verb = name;
            chosen.run = [&w] { return command_queue(w.globals, w.queue); };
        });
        return command;
    };
    auto* list = verb("list", "items, oldest first");
    list->add_option("--limit", w.queue.limit, "rows")->check(CLI::Range(1U, 1'000'000U));
    list->add_flag("--held", w.queue.held, "only those that an operator holds");
    auto* flush =
        verb("flush", "try what waits now, whatever its next time is; held and postponed mail stays");
    for (auto* command : {list, flush}) {
        command->add_option("--next-hop", w.queue.lane, "of one next hop, as `queue list` names it");
        command->add_option("--from", w.queue.from, "part of the sender");
        command->add_option("--to", w.queue.to, "part of a recipient");
    }
    auto* show = verb("show", "one item: envelope, times, every attempt");
    show->add_flag("--raw", w.queue.raw, "print the message itself");
    auto* hold = verb("hold", "keep items until they are released; they do not expire meanwhile");
    auto* release = verb("release", "try held or postponed items now");
    auto* remove = verb("delete", "take items out for good");
    remove->add_flag("--notify", w.queue.notify, "and tell their senders that they were not delivered");
    for (auto* command : {show, hold, release, remove})
        command->add_option("id", w.queue.ids, "REF/n, or the reference alone")->required();
}

void add_testing(CLI::App& app, Words& w, Chosen& chosen) {
    auto* clock = add(app, "clock", "tests only: move the wall clock");
    clock->group("");
    clock->add_option("seconds", w.seconds)->required();
    clock->callback([&] { chosen.run = [&] { return command_clock(w.globals, w.seconds); }; });
    auto* fault = add(app, "fault", "tests only: arm a fault point");
    fault->group("");
    fault->add_option("point", w.point)->required();
    fault->add_option("after", w.after)->required();
    fault->add_option("action", w.action)->required();
    fault->callback(
        [&] { chosen.run = [&] { return command_fault(w.globals, w.point, w.after, w.action); }; });
}

using Arguments = std::span<char* const>;

bool asks_for_json(Arguments words) {
    return std::any_of(words.begin(), words.end(),
                       [](const char* word) { return std::string_view(word) == "--json"; });
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
    return app.get_subcommands([](const CLI::App*) { return true; });
}

/// How far the words name commands: the innermost of them, the way to it, and a word that should have been
/// one. CLI11 takes such a word for a stray argument, and hides it behind --help.
struct Named {
    const CLI::App* command;
    std::string path = "gatehouse";
    std::string unknown = {};
};

Named follow(const CLI::App& app, Arguments words) {
    Named named{&app};
    for (std::size_t i = 1; i < words.size(); ++i) {
        const std::string_view word = words[i];
        const auto commands = commands_of(*named.command);
        if (commands.empty()) break;
        if (word == "--config") ++i;  // and its value
        if (word.starts_with('-')) continue;
        const auto at = std::find_if(commands.begin(), commands.end(),
                                     [&](const CLI::App* one) { return one->get_name() == word; });
        if (at == commands.end()) {
            named.unknown = word;
            break;
        }
        named.command = *at;
        named.path += " " + std::string(word);
    }
    return named;
}

std::vector<std::string> names_of(const CLI::App& app) {
    std::vector<std::string> out;
    for (const auto* command : commands_of(app)) {
        if (!command->get_group().empty()) out.push_back(command->get_name());
    }
    return out;
}

int refuse_unknown(const Globals& globals, const Named& named) {
    const auto near = base::nearest(named.unknown, names_of(*named.command));
    const auto inner = named.path == "gatehouse" ? std::string() : named.path.substr(10) + ": ";
    return report_usage(globals, inner + "unknown command \"" + base::printable(named.unknown, 60) + "\"" +
                                     (near ? "; did you mean " + *near + "?" : "") + "; see " + named.path +
                                     " --help");
}

/// What CLI11 found wrong, in one line.
int refuse(const Globals& globals, const Named& named, const CLI::ParseError& error) {
    const auto names = names_of(*named.command);
    std::string what = base::printable(base::trim(error.what()), 300);
    if (!names.empty()) {
        what = "a command is missing: one of";
        for (const auto& name : names) what += (name == names.front() ? " " : ", ") + name;
    }
    const auto inner = named.path == "gatehouse" ? std::string() : named.path.substr(10) + ": ";
    return report_usage(globals, inner + what + "; see " + named.path + " --help");
}

int main_words(int count, char** values) {
    const Arguments arguments(values, static_cast<std::size_t>(count));
    CLI::App app("Gatehouse, an SMTP email security gateway");
    app.name("gatehouse");
    app.require_subcommand(1);
    Words words;
    Chosen chosen;
    app.add_option("--config", words.globals.config, "gatehouse.toml to use");
    app.add_flag("--json", words.globals.json, "machine-readable output");
    app.set_version_flag("--version", "", "the version of this program");
    add_running(app, words, chosen);
    add_scanning(app, words, chosen);
    add_config(app, words, chosen);
    add_asking(app, words, chosen);
    add_quarantine(app, words, chosen);
    add_queue(app, words, chosen);
    add_testing(app, words, chosen);
    add(app, "version", "the version of this program")->callback([&] {
        chosen.run = [&] { return command_version(words.globals); };
    });
    words.globals.json = asks_for_json(arguments);
    const Named named = follow(app, arguments);
    if (named.unknown == "help" && named.command == &app) {
        std::cout << app.help();
        return 0;
    }
    if (!named.unknown.empty()) return refuse_unknown(words.globals, named);
    try {
        app.parse(count, values);
    } catch (const CLI::CallForHelp&) {
        std::cout << app.help();
        return 0;
    } catch (const CLI::CallForVersion&) {
        return command_version(words.globals);
    } catch (const CLI::ParseError& error) {
        words.globals.json = asks_for_json(arguments);
        return refuse(words.globals, named, error);
    }
    return chosen.run ? chosen.run() : 2;
}

}  // namespace
}  // namespace gatehouse::apps

int main(int count, char** values) {
    try {
        return gatehouse::apps::main_words(count, values);
    } catch (const std::exception& error) {
        std::cerr << "gatehouse: " << gatehouse::base::printable(error.what()) << '\n';
        return 3;
    }
}
