#include "zygote_process.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/fd_passing.h"
#include "ipc/memfd.h"

namespace gatehouse::e2e {

using base::Fault;
using base::Result;

namespace {

constexpr int kPatienceMs = 30'000;
constexpr int kChannel = 3;

[[noreturn]] void become_zygote(const ZygoteStart& start, int channel) {
    if (start.become_uid != 0 && (::setgroups(0, nullptr) != 0 || ::setgid(start.become_uid) != 0 ||
                                  ::setuid(start.become_uid) != 0)) {
        ::_exit(126);
    }
    // A descriptor above close-on-exec: dup2 onto itself would keep the flag.
    const int copy = ::fcntl(channel, F_DUPFD, 100);
    ::dup2(copy, kChannel);
    ::close(copy);
    std::vector<std::string> words{start.program};
    if (start.product) words.emplace_back("--channel");
    words.push_back(std::to_string(kChannel));
    words.insert(words.end(), start.words.begin(), start.words.end());
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::execv(start.program.c_str(), arguments.data());
    ::_exit(127);
}

}  // namespace

Result<ZygoteProcess> ZygoteProcess::start(const ZygoteStart& start) {
    GATEHOUSE_TRY(auto ends, base::make_socket_pair());
    const pid_t pid = ::fork();
    if (pid < 0) return base::fail_errno(Fault::limit, "no process", errno);
    if (pid == 0) become_zygote(start, ends.second.get());
    ends.second.reset();
    ZygoteProcess zygote(pid, ipc::Channel(std::move(ends.first), base::kControlFrameLimit));
    pb::ZygoteRequest request;
    request.set_start(inspect::engine::encode_settings(start.settings));
    GATEHOUSE_CHECK(zygote.channel_.send(request.SerializeAsString()));
    if (start.ask_at_once) GATEHOUSE_CHECK(zygote.ask_worker());
    zygote.asked_ = start.ask_at_once;
    GATEHOUSE_TRY(const auto report, zygote.next_report());
    if (report.has_ready()) {
        zygote.ready_ = report.ready();
        return zygote;
    }
    return base::fail(Fault::refused, "{}", report.refused());
}

ZygoteProcess::~ZygoteProcess() {
    if (channel_.socket() >= 0) stop();
}

Result<pb::ZygoteReport> ZygoteProcess::next_report() {
    GATEHOUSE_TRY(const auto frame, channel_.receive(kPatienceMs));
    pb::ZygoteReport report;
    if (!report.ParseFromString(frame)) return base::fail(Fault::malformed, "a report that is none");
    if (report.has_exited()) exits_[report.exited().worker()] = report.exited().status();
    return report;
}

Result<void> ZygoteProcess::ask_worker() {
    pb::ZygoteRequest request;
    request.set_spawn(++last_id_);
    return channel_.send(request.SerializeAsString());
}

Result<TestWorker> ZygoteProcess::spawn() {
    if (!std::exchange(asked_, false)) GATEHOUSE_CHECK(ask_worker());
    while (true) {
        GATEHOUSE_TRY(const auto report, next_report());
        if (!report.has_spawned()) continue;
        auto socket = channel_.take_fd();
        if (!socket) return base::fail(Fault::unavailable, "no worker could be made");
        TestWorker worker{report.spawned().worker(),
                          static_cast<pid_t>(report.spawned().pid()),
                          {},
                          ipc::Channel(std::move(*socket), base::kInspectorFrameLimit)};
        GATEHOUSE_TRY(const auto frame, worker.channel.receive(kPatienceMs));
        if (!worker.hello.ParseFromString(frame)) return base::fail(Fault::malformed, "a hello that is none");
        return worker;
    }
}

Result<void> ZygoteProcess::kill(std::uint64_t worker) {
    pb::ZygoteRequest request;
    request.set_kill(worker);
    return channel_.send(request.SerializeAsString());
}

Result<int> ZygoteProcess::wait_exit(std::uint64_t worker) {
    while (!exits_.contains(worker)) GATEHOUSE_CHECK(next_report());
    return exits_[worker];
}

int ZygoteProcess::stop() {
    (void)channel_.release();
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return status;
}

Result<std::vector<pb::InspectorAnswer>> TestWorker::ask(pb::InspectorRequest request,
                                                         std::string_view message) {
    request.set_id(request.id() == 0 ? 1 : request.id());
    GATEHOUSE_TRY(auto file, ipc::Memfd::make("message"));
    GATEHOUSE_CHECK(file.append(message));
    GATEHOUSE_TRY(const auto sealed, std::move(file).seal());
    GATEHOUSE_CHECK(channel.send(request.SerializeAsString(), std::array{sealed.get()}));
    std::vector<pb::InspectorAnswer> answers;
    while (true) {
        GATEHOUSE_TRY(const auto frame, channel.receive(kPatienceMs));
        auto& answer = answers.emplace_back();
        if (!answer.ParseFromString(frame)) return base::fail(Fault::malformed, "an answer that is none");
        for (int i = 0; i < answer.parts().parts_size(); ++i) (void)channel.take_fd();
        if (!answer.has_early() && !answer.has_parts()) return answers;
    }
}

Result<std::vector<pb::InspectorAnswer>> TestWorker::inspect(std::string_view message) {
    pb::InspectorRequest request;
    request.mutable_inspect();
    return ask(std::move(request), message);
}

std::string probe_result(const std::vector<pb::InspectorAnswer>& answers, std::string_view key) {
    for (const auto& evidence : answers.back().facts().evidence()) {
        if (evidence.id() != "test.result") continue;
        for (const auto& fact : evidence.facts()) {
            if (fact.key() == key) return fact.value();
        }
    }
    return {};
}

std::string probe_message(std::string_view probe, std::string_view argument) {
    std::string out = "From: a@example.org\r\nSubject: probe\r\n";
    if (!probe.empty()) out.append("X-Probe: ").append(probe).append("\r\n");
    if (!argument.empty()) out.append("X-Probe-Argument: ").append(argument).append("\r\n");
    return out + "\r\nbody\r\n";
}

}  // namespace gatehouse::e2e
