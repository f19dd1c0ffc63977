// gatehouse-smtp-sink: accepts mail and shows it. For tests, measurements and the demo; never for real mail.
#include <fmt/format.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>

#include "base/fd.h"
#include "base/text.h"
#include "support/smtp_sink/sink.h"

namespace {

using gatehouse::test::Script;
using gatehouse::test::Sink;
using gatehouse::test::SinkMessage;
using gatehouse::test::SinkOptions;

struct Words {
    std::string listen = "127.0.0.1:2526";
    std::vector<std::string> rules;
    std::string script_file;
    std::string store;
    bool starttls = false;
    bool quiet = false;
};

std::string subject_of(const std::string& content) {
    const auto end_of_header = content.find("\r\n\r\n");
    const auto header = std::string_view(content).substr(0, end_of_header);
    for (const auto line : gatehouse::base::split(header, '\n')) {
        if (gatehouse::base::istarts_with(line, "Subject:")) {
            return gatehouse::base::printable(gatehouse::base::trim(line.substr(8)), 100);
        }
    }
    return "(no subject)";
}

void show(const Words& words, const SinkMessage& message, std::size_t number) {
    const auto content = message.content();
    if (!words.store.empty()) {
        std::ofstream file(fmt::format("{}/{:06}.eml", words.store, number), std::ios::binary);
        file << content;
    }
    if (words.quiet) return;
    fmt::print("{} <{}> ->", number, gatehouse::base::printable(message.sender));
    for (const auto& recipient : message.recipients) {
        fmt::print(" <{}>", gatehouse::base::printable(recipient.address));
    }
    fmt::print("  {} bytes{}  {}  answered {}\n", content.size(), message.tls_version.empty() ? "" : " tls",
               subject_of(content), message.code);
    std::fflush(stdout);
}

gatehouse::base::Result<Script> read_script(const Words& words) {
    Script script;
    if (!words.script_file.empty()) {
        GATEHOUSE_TRY(const auto text, gatehouse::base::read_file(words.script_file, 1 << 20));
        GATEHOUSE_CHECK(script.add_lines(text));
    }
    for (const auto& rule : words.rules) GATEHOUSE_CHECK(script.add_line(rule));
    return script;
}

int run(const Words& words) {
    auto script = read_script(words);
    if (!script) {
        fmt::print(stderr, "{}\n", script.error().sentence);
        return 2;
    }
    if (!words.store.empty()) ::mkdir(words.store.c_str(), 0755);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, nullptr);  // before the sink's thread starts, which inherits it
    SinkOptions options;
    options.listen = words.listen;
    options.starttls = words.starttls;
    options.keep = false;
    std::size_t number = 0;
    options.on_message = [&](const SinkMessage& message) { show(words, message, ++number); };
    auto sink = Sink::start(std::move(options), std::move(*script));
    if (!sink) {
        fmt::print(stderr, "{}\n", sink.error().sentence);
        return 3;
    }
    fmt::print("listening on {}\n", (*sink)->endpoint().to_string());
    std::fflush(stdout);
    int signal = 0;
    sigwait(&signals, &signal);
    fmt::print("{} messages, {} connections\n", (*sink)->message_count(), (*sink)->connection_count());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Words words;
    CLI::App app("accepts mail and shows it; for tests and the demo");
    app.add_option("--listen", words.listen, "address and port; port 0 takes a free one");
    app.add_option("--rule", words.rules,
                   "what to do instead of accepting, e.g. \"RCPT 1 = 450 4.2.0 try later\"");
    app.add_option("--script", words.script_file, "file of such rules");
    app.add_option("--store", words.store, "folder for what arrives");
    app.add_flag("--starttls", words.starttls, "offer STARTTLS with a self-signed certificate");
    app.add_flag("--quiet", words.quiet, "count only");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return run(words);
}
