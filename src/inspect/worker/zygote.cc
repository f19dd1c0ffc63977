#include "inspect/worker/zygote.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <clocale>
#include <string>
#include <unordered_map>

#include "base/fd_passing.h"
#include "base/log.h"
#include "inspect/engine/engine.h"
#include "inspect/format/idna.h"
#include "inspect/worker/denied_calls.h"
#include "inspect/worker/seccomp.h"
#include "inspect/worker/wipe.h"
#include "inspect/worker/worker.h"
#include "ipc/channel.h"
#include "ipc/memfd.h"
#include "ipc/zygote.pb.h"
#include "lists/generation.h"
#include "message/charset.h"
#include "message/codec.h"
#include "message/facts.pb.h"

namespace gatehouse::inspect::worker {

using base::Fault;
using base::LogLevel;
using base::Result;

namespace {

// Everything that inspection uses, once: what libraries set up at their first use is then shared by all
// workers.
constexpr std::string_view kWarmUp =
    "From: =?utf-8?q?a?= <a@example.org>\r\nSubject: =?iso-2022-jp?b?GyRCGyhC?=\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
    "quoted-printable\r\n\r\n=41\r\n"
    "--b\r\nContent-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: "
    "base64\r\n\r\nQUJD\r\n"
    "--b--\r\n";

// What libraries read from files at their first use has to be read now: the time zone, the locale,
// converters, OpenSSL's configuration.
Result<void> load_everything(const engine::Settings& settings, std::span<const engine::Detector> detectors,
                             const find::Expressions* expressions) {
    ::setenv("TZ", "UTC0", 1);
    ::setenv("LC_ALL", "C.UTF-8", 1);
    ::tzset();
    if (std::setlocale(LC_ALL, "C.UTF-8") == nullptr) {
        return base::fail(Fault::unavailable, "the locale C.UTF-8 is missing");
    }
    if (!message::warm_charsets()) return base::fail(Fault::unavailable, "a charset converter is missing");
    if (!format::warm_idna())
        return base::fail(Fault::unavailable, "the tables of international names are missing");
    pb::Facts facts;
    message::to_pb(
        engine::inspect(
            {.raw = kWarmUp, .settings = settings, .detectors = detectors, .expressions = expressions}),
        facts);
    return facts.ByteSizeLong() > 0 ? Result<void>()
                                    : base::fail(Fault::internal, "inspection finds nothing");
}

Result<std::optional<find::Expressions>> load_expressions(base::Fd file) {
    if (!file) return std::nullopt;
    GATEHOUSE_TRY(const auto mapping, ipc::Mapping::map(file.get(), 2 * find::kMaxExpressionData));
    GATEHOUSE_TRY(const auto generation,
                  lists::read_generation(mapping.bytes(), lists::kExpressions, std::nullopt));
    GATEHOUSE_TRY(auto expressions, find::Expressions::load(generation.payload));
    expressions.set_digest(generation.info.source);
    return std::optional(std::move(expressions));
}

class Zygote {
  public:
    explicit Zygote(ZygoteOptions options)
        : channel_(std::move(options.channel), base::kControlFrameLimit), options_(std::move(options)) {}

    Result<void> start() {
        GATEHOUSE_TRY(const std::string frame, channel_.receive());
        pb::ZygoteRequest request;
        if (!request.ParseFromString(frame) || request.want_case() != pb::ZygoteRequest::kStart) {
            return base::fail(Fault::malformed, "the first frame holds no settings");
        }
        GATEHOUSE_TRY(settings_, engine::decode_settings(request.start()));
        GATEHOUSE_TRY(expressions_, load_expressions(std::move(options_.expressions)));
        GATEHOUSE_CHECK(load_everything(settings_, options_.detectors, expressions()));
        GATEHOUSE_CHECK(watch_children());
        const auto& process = settings_.process;
        sandbox_ = confine_process({.ids = options_.ids,
                                    .max_data = static_cast<std::uint64_t>(process.max_data),
                                    .max_file = 2 * static_cast<std::uint64_t>(process.max_message)});
        GATEHOUSE_CHECK(plan_worker_steps());
        if (process.require_sandbox && !sandbox_.is_complete()) {
            return base::fail(Fault::refused,
                              "inspect.require_sandbox is set and these steps are missing: {}",
                              sandbox_.missing_steps());
        }
        return report_ready();
    }

    /// Until the channel closes, which is Fault::unavailable.
    Result<void> run() {
        GATEHOUSE_CHECK(obey());  // what came in one read with the settings
        while (true) {
            std::array<pollfd, 2> ready{pollfd{channel_.socket(), POLLIN, 0},
                                        pollfd{children_.get(), POLLIN, 0}};
            if (::poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) {
                return base::fail_errno(Fault::internal, "poll failed", errno);
            }
            if (ready[1].revents != 0) GATEHOUSE_CHECK(reap());
            if (ready[0].revents != 0) GATEHOUSE_CHECK(obey());
        }
    }

    void refuse(const base::Error& error) {
        pb::ZygoteReport report;
        report.set_refused(error.sentence);
        (void)channel_.send(report.SerializeAsString());
    }

  private:
    Result<void> watch_children() {
        sigset_t set;
        ::sigemptyset(&set);
        ::sigaddset(&set, SIGCHLD);
        // A terminal's Ctrl-C is for the supervisor, which lets mail in flight finish.
        for (const int ignored : {SIGINT, SIGHUP, SIGQUIT, SIGPIPE}) ::signal(ignored, SIG_IGN);
        ::sigprocmask(SIG_BLOCK, &set, nullptr);
        children_ = base::Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
        if (children_) return {};
        return base::fail_errno(Fault::internal, "no signalfd", errno);
    }

    // The steps that each worker takes after the fork; one that fails there ends the worker.
    Result<void> plan_worker_steps() {
        sandbox_.applied("descriptors");
        if (options_.leave_out_filter) {
            sandbox_.missing("seccomp", "left out by a test");
        } else if (!SyscallFilter::is_supported()) {
            sandbox_.missing("seccomp", "this kernel cannot filter system calls");
        } else {
            GATEHOUSE_TRY(filter_, SyscallFilter::make());
            sandbox_.applied("seccomp");
        }
        return {};
    }

    Result<void> report_ready() {
        pb::ZygoteReport report;
        auto* ready = report.mutable_ready();
        for (const auto& step : sandbox_.steps) {
            auto* to = ready->add_steps();
            to->set_name(step.name);
            to->set_applied(step.applied);
            to->set_note(step.note);
        }
        for (const auto name : SyscallFilter::allowed()) ready->add_allowed(std::string(name));
        for (const auto name : SyscallFilter::denied()) ready->add_denied(std::string(name));
        return channel_.send(report.SerializeAsString());
    }

    /// All requests that have arrived; one read may bring several.
    Result<void> obey() {
        while (true) {
            const auto frame = channel_.receive(0);
            if (!frame && frame.error().fault == Fault::timed_out) return {};
            if (!frame) return std::unexpected(frame.error());
            GATEHOUSE_CHECK(obey(*frame));
        }
    }

    Result<void> obey(const std::string& frame) {
        pb::ZygoteRequest request;
        if (!request.ParseFromString(frame)) return base::fail(Fault::malformed, "a request that is none");
        switch (request.want_case()) {
            case pb::ZygoteRequest::kSpawn:
                return spawn(request.spawn());
            case pb::ZygoteRequest::kKill: {
                const auto found = workers_.find(request.kill());
                if (found != workers_.end()) ::kill(found->second, SIGKILL);
                return {};
            }
            default:
                return base::fail(Fault::refused, "a zygote does not know that kind of request");
        }
    }

    Result<void> spawn(std::uint64_t worker) {
        auto ends = base::make_socket_pair();
        const pid_t zygote = ::getpid();
        const pid_t pid = ends ? ::fork() : -1;
        if (pid == 0) become_worker(std::move(ends->second), zygote);
        pb::ZygoteReport report;
        report.mutable_spawned()->set_worker(worker);
        if (pid < 0) {
            base::log(LogLevel::error, "no inspector could be forked: error {}", errno);
            return channel_.send(report.SerializeAsString());
        }
        workers_[worker] = pid;
        ids_[pid] = worker;
        report.mutable_spawned()->set_pid(static_cast<std::uint32_t>(pid));
        return channel_.send(report.SerializeAsString(), std::array{ends->first.get()});
    }

    [[noreturn]] void become_worker(base::Fd socket, pid_t zygote) {
        const auto ready = enter_worker(std::move(socket), zygote);
        if (!ready) base::log(LogLevel::error, "inspector: {}", ready.error().sentence);
        if (ready) serve(base::Fd(STDIN_FILENO), {settings_, options_.detectors, sandbox_, expressions()});
        base::log_flush();
        ::_exit(ready ? 0 : 3);
    }

    // Descriptor 0 is the socket, 1 and 2 the pipe to the supervisor's log; nothing else is open.
    Result<void> enter_worker(base::Fd socket, pid_t zygote) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (::getppid() != zygote) return base::fail(Fault::unavailable, "the zygote is gone");
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        if (::dup2(socket.get(), STDIN_FILENO) < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
            return base::fail_errno(Fault::internal, "the socket could not be put in place", errno);
        }
        (void)socket.release();  // closed with all the others
        GATEHOUSE_CHECK(drop_descriptors(STDERR_FILENO + 1));
        start_wiping();
        GATEHOUSE_CHECK(count_denied_calls());
        return filter_ ? filter_->install() : Result<void>();
    }

    Result<void> reap() {
        signalfd_siginfo ignored{};
        while (::read(children_.get(), &ignored, sizeof ignored) > 0) {
        }
        while (true) {
            int status = 0;
            const pid_t pid = ::waitpid(-1, &status, WNOHANG);
            if (pid <= 0) return {};
            const auto found = ids_.find(pid);
            if (found == ids_.end()) continue;
            pb::ZygoteReport report;
            report.mutable_exited()->set_worker(found->second);
            report.mutable_exited()->set_status(status);
            workers_.erase(found->second);
            ids_.erase(found);
            GATEHOUSE_CHECK(channel_.send(report.SerializeAsString()));
        }
    }

    const find::Expressions* expressions() const { return expressions_ ? &*expressions_ : nullptr; }

    ipc::Channel channel_;
    ZygoteOptions options_;
    std::optional<find::Expressions> expressions_;
    engine::Settings settings_;
    SandboxReport sandbox_;
    std::optional<SyscallFilter> filter_;
    base::Fd children_;
    std::unordered_map<std::uint64_t, pid_t> workers_;
    std::unordered_map<pid_t, std::uint64_t> ids_;
};

}  // namespace

int run_zygote(ZygoteOptions options) {
    Zygote zygote(std::move(options));
    if (const auto started = zygote.start(); !started) {
        base::log(LogLevel::error, "{}", started.error().sentence);
        zygote.refuse(started.error());
        return started.error().fault == Fault::usage ? 2 : 3;
    }
    const auto ended = zygote.run();
    if (ended.error().fault == Fault::unavailable) return 0;  // the front closed the channel
    base::log(LogLevel::error, "{}", ended.error().sentence);
    return 3;
}

}  // namespace gatehouse::inspect::worker
