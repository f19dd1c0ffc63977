// The sandbox of a real worker, seen from outside: what a detector that was taken over can do (nothing), and
// what a worker's process looks like. The worker is gatehouse-test-inspector: the product's with probes in
// its catalogue.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "support/shared_data.h"
#include "zygote_process.h"

namespace gatehouse::e2e {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

ZygoteStart plan() {
    ZygoteStart start;
    start.program = GATEHOUSE_TEST_INSPECTOR;
    start.settings.process.hostname = "mx.example.com";
    start.settings.process.max_data = 256 << 20;
    return start;
}

ZygoteProcess start_zygote(const ZygoteStart& start) {
    auto zygote = ZygoteProcess::start(start);
    EXPECT_TRUE(zygote) << zygote.error().sentence;
    return std::move(zygote).value();
}

std::map<std::string, std::string> status_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    std::map<std::string, std::string> out;
    for (std::string line; std::getline(file, line);) {
        const auto colon = line.find(":\t");
        if (colon != std::string::npos) out[line.substr(0, colon)] = line.substr(colon + 2);
    }
    return out;
}

std::string link_of(pid_t pid, const std::string& name) {
    return fs::read_symlink("/proc/" + std::to_string(pid) + "/" + name).string();
}

std::string text_of(pid_t pid, const std::string& name) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/" + name);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

bool is_applied(const pb::ZygoteReady& ready, std::string_view step) {
    for (const auto& one : ready.steps()) {
        if (one.name() == step) return one.applied();
    }
    return false;
}

std::map<std::string, std::string> open_files(pid_t pid) {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
        std::error_code gone;
        out[entry.path().filename()] = fs::read_symlink(entry.path(), gone).string();
    }
    return out;
}

class KilledBy : public testing::TestWithParam<const char*> {};

TEST_P(KilledBy, ForbiddenCallsEndTheProcess) {
    auto zygote = start_zygote(plan());
    auto worker = zygote.spawn().value();
    ::signal(SIGUSR1, SIG_IGN);
    const auto answers = worker.inspect(probe_message(GetParam(), std::to_string(::getpid())));
    EXPECT_FALSE(answers) << "the worker lived, errno " << probe_result(*answers, "errno");
    const int status = zygote.wait_exit(worker.id).value();
    ASSERT_TRUE(WIFSIGNALED(status)) << status;
    EXPECT_EQ(WTERMSIG(status), SIGSYS);
    EXPECT_FALSE(WCOREDUMP(status));
}

INSTANTIATE_TEST_SUITE_P(Sandbox, KilledBy,
                         testing::Values("socket", "connect", "execve", "execveat", "ptrace",
                                         "io_uring_setup", "bpf", "unshare", "process_vm_readv", "kill",
                                         "pidfd_open", "fork", "unlink", "executable_memory"));

class Denied : public testing::TestWithParam<const char*> {};

TEST_P(Denied, CallsThatNameAPathGetEpermAndAreCounted) {
    auto zygote = start_zygote(plan());
    auto worker = zygote.spawn().value();
    const auto answers = worker.inspect(probe_message(GetParam()));
    ASSERT_TRUE(answers) << answers.error().sentence;
    EXPECT_EQ(probe_result(*answers, "errno"), std::to_string(EPERM));
    EXPECT_GE(answers->back().denied(), 1U);
    const auto next = worker.inspect(probe_message(""));
    ASSERT_TRUE(next);
    EXPECT_EQ(next->back().denied(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Sandbox, Denied,
                         testing::Values("open", "openat", "openat2", "stat", "statx", "newfstatat"));

TEST(Sandbox, TheProcessHasNothingLeft) {
    auto zygote = start_zygote(plan());
    auto worker = zygote.spawn().value();
    auto status = status_of(worker.pid);
    EXPECT_EQ(status["Seccomp"], "2");
    EXPECT_EQ(status["NoNewPrivs"], "1");
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
        EXPECT_EQ(status[set], "0000000000000000") << set;
    }
#ifndef __SANITIZE_THREAD__  // that one has a thread of its own
    EXPECT_EQ(status["Threads"], "1");
#endif
    for (const char* ns : {"ns/net", "ns/ipc", "ns/uts", "ns/mnt"}) {
        if (!is_applied(zygote.ready(), std::string("namespace.") + (ns[3] == 'm' ? "mount" : ns + 3)))
            continue;
        EXPECT_NE(link_of(worker.pid, ns), link_of(::getpid(), ns)) << ns;
    }
}

TEST(Sandbox, ExactlyTheSocketAndTheLogAreOpen) {
    auto zygote = start_zygote(plan());
    auto first = zygote.spawn().value();
    auto worker = zygote.spawn().value();  // must not hold the first one's end either
    auto open = open_files(worker.pid);
    ASSERT_EQ(open.size(), 3U);
    EXPECT_THAT(open["0"], HasSubstr("socket:"));
    EXPECT_EQ(open["1"], fs::read_symlink("/proc/self/fd/2").string());
    EXPECT_EQ(open["2"], fs::read_symlink("/proc/self/fd/2").string());
    // The message's file is closed, too, soon after the answer.
    ASSERT_TRUE(worker.inspect(probe_message("")));
    while (open_files(worker.pid) != open) std::this_thread::yield();
}

TEST(Sandbox, LimitsAreSet) {
    auto zygote = start_zygote(plan());
    auto worker = zygote.spawn().value();
    const std::string limits = text_of(worker.pid, "limits");
    EXPECT_THAT(limits, testing::ContainsRegex("Max core file size +0 +0 "));
    EXPECT_THAT(limits, testing::ContainsRegex("Max open files +64 +64 "));
    EXPECT_THAT(limits, testing::ContainsRegex("Max file size +" + std::to_string(200 << 20) + " "));
#ifndef GATEHOUSE_SANITIZED
    EXPECT_THAT(limits, testing::ContainsRegex("Max data size +" + std::to_string(256 << 20) + " "));
#endif
}

TEST(Sandbox, WithoutTheFilterLandlockStandsBehindIt) {
    auto start = plan();
    start.words = {"no-filter"};
    auto zygote = start_zygote(start);
    EXPECT_FALSE(is_applied(zygote.ready(), "seccomp"));
    if (!is_applied(zygote.ready(), "landlock")) GTEST_SKIP() << "this kernel has no Landlock";
    auto worker = zygote.spawn().value();
    EXPECT_EQ(status_of(worker.pid)["Seccomp"], "0");
    for (const char* call : {"open", "openat", "openat2"}) {
        const auto answers = worker.inspect(probe_message(call));
        ASSERT_TRUE(answers) << call;
        EXPECT_EQ(probe_result(*answers, "errno"), std::to_string(EACCES)) << call;
    }
}

TEST(Sandbox, RootBecomesTheRoleUser) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    auto start = plan();
    start.words = {"user", "65534:65533"};
    auto zygote = start_zygote(start);
    auto worker = zygote.spawn().value();
    auto status = status_of(worker.pid);
    EXPECT_EQ(status["Uid"], "65534\t65534\t65534\t65534");
    EXPECT_EQ(status["Gid"], "65533\t65533\t65533\t65533");
    EXPECT_EQ(status["Groups"], " ");
    EXPECT_EQ(status["CapBnd"], "0000000000000000");
    EXPECT_EQ(status_of(zygote.pid())["CapEff"], "0000000000000000");
}

TEST(Sandbox, WithoutRootAUserNamespaceGivesTheOthers) {
    if (::geteuid() != 0) GTEST_SKIP() << "starts the zygote as another user";
    auto start = plan();
    start.become_uid = 65534;
    auto zygote = ZygoteProcess::start(start);
    if (!zygote) GTEST_SKIP() << "another user cannot run the executable here: " << zygote.error().sentence;
    if (!is_applied(zygote->ready(), "namespace.user")) GTEST_SKIP() << "no user namespaces here";
    for (const auto& step : zygote->ready().steps())
        EXPECT_TRUE(step.applied()) << step.name() << " " << step.note();
    auto worker = zygote->spawn().value();
    EXPECT_EQ(status_of(worker.pid)["CapBnd"], "0000000000000000");
    EXPECT_TRUE(worker.inspect(probe_message("")));
}

TEST(Sandbox, TheReportNamesEveryStepAndTheAllowedCalls) {
    auto zygote = start_zygote(plan());
    std::set<std::string> steps;
    for (const auto& step : zygote.ready().steps()) steps.insert(step.name());
    for (const char* name : {"seccomp", "landlock", "no_new_privs", "capabilities", "capabilities.bounding",
                             "namespace.net", "descriptors", "rlimit.core", "rlimit.data"}) {
        EXPECT_TRUE(steps.contains(name)) << name;
    }
    EXPECT_THAT(zygote.ready().allowed(), testing::Contains("recvmsg"));
    EXPECT_THAT(zygote.ready().allowed(), testing::Not(testing::Contains("socket")));
    EXPECT_THAT(zygote.ready().denied(), testing::Contains("openat2"));
    const auto worker = zygote.spawn().value();
    EXPECT_EQ(worker.hello.steps_size(), zygote.ready().steps_size());
}

TEST(Sandbox, RequireSandboxRefusesWhenAStepIsMissing) {
    auto start = plan();
    start.settings.process.require_sandbox = true;
    start.words = {"no-filter"};
    const auto zygote = ZygoteProcess::start(start);
    ASSERT_FALSE(zygote);
    EXPECT_THAT(zygote.error().sentence, HasSubstr("require_sandbox"));
    EXPECT_THAT(zygote.error().sentence, HasSubstr("seccomp"));
}

TEST(Worker, DiesWithTheZygote) {
    auto zygote = start_zygote(plan());
    auto worker = zygote.spawn().value();
    ::kill(zygote.pid(), SIGKILL);
    EXPECT_FALSE(worker.channel.receive(30'000));
}

TEST(Worker, EndsWithStatusZeroWhenItsSocketCloses) {
    auto zygote = start_zygote(plan());
    auto worker = zygote.spawn().value();
    ASSERT_TRUE(worker.inspect(probe_message("")));
    (void)worker.channel.release();
    const int status = zygote.wait_exit(worker.id).value();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(Worker, CrashesAndEndlessLoopsAreSeenFromOutside) {
    auto zygote = start_zygote(plan());
    auto worker = zygote.spawn().value();
    EXPECT_FALSE(worker.inspect(probe_message("crash")));
#ifndef GATEHOUSE_SANITIZED
    EXPECT_EQ(WTERMSIG(zygote.wait_exit(worker.id).value()), SIGSEGV);
#endif
    auto aborting = zygote.spawn().value();
    EXPECT_FALSE(aborting.inspect(probe_message("abort")));
    EXPECT_TRUE(WIFSIGNALED(zygote.wait_exit(aborting.id).value()));

    auto hanging = zygote.spawn().value();
    pb::InspectorRequest request;
    request.set_id(1);
    request.mutable_inspect();
    std::jthread asker([&] { EXPECT_FALSE(hanging.ask(request, probe_message("hang"))); });
    ASSERT_TRUE(zygote.kill(hanging.id));
    EXPECT_EQ(WTERMSIG(zygote.wait_exit(hanging.id).value()), SIGKILL);
}

#ifndef GATEHOUSE_SANITIZED
TEST(Worker, SaysWhenMemoryRanOutAndAsksToBeReplaced) {
    auto zygote = start_zygote(plan());
    auto worker = zygote.spawn().value();
    const auto answers = worker.inspect(probe_message("memory"));
    ASSERT_TRUE(answers) << answers.error().sentence;
    ASSERT_TRUE(answers->back().has_failed());
    EXPECT_TRUE(answers->back().retire());
}

TEST(Worker, LeavesNothingOfOneMessageForTheNext) {
    auto zygote = start_zygote(plan());
    auto worker = zygote.spawn().value();
    std::string attachment;
    for (int i = 0; i < 2000; ++i)
        attachment += "Uif=20rvjdl=20cspxo=20gpy=0A=\r\n";  // decodes to other text
    const std::string secret =
        "From: a@example.org\r\nSubject: =?utf-8?q?seldom-word-in-subject?=\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\nseldom-word-in-body=20here\r\n" +
        attachment;
    ASSERT_TRUE(worker.inspect(secret));
    for (const char* shifted : {"tfmepn.xpse.jo.cpez!ifsf", "tfmepn.xpse.jo.tvckfdu"}) {
        const auto answers = worker.inspect(probe_message("search", shifted));
        ASSERT_TRUE(answers);
        EXPECT_EQ(probe_result(*answers, "found"), "no") << shifted;
    }
    // The probe finds what is there: addresses of its own message, decoded for the summary. They are many,
    // because the first ones may get memory that was there before the heap grew, where it does not look.
    std::string recipients = "To: a-long-name@of.its.own";
    for (int i = 0; i < 90; ++i) recipients += ",\r\n a-long-name@of.its.own";
    const auto control =
        worker.inspect(recipients + "\r\n" + probe_message("search", "b.mpoh.obnfApg/jut/pxo"));
    EXPECT_EQ(probe_result(*control, "found"), "yes");
}
#endif

TEST(Worker, AsksToBeReplacedAfterItsMessages) {
    auto start = plan();
    start.settings.process.max_messages = 3;
    auto zygote = start_zygote(start);
    auto worker = zygote.spawn().value();
    EXPECT_FALSE(worker.inspect(probe_message(""))->back().retire());
    EXPECT_FALSE(worker.inspect(probe_message(""))->back().retire());
    EXPECT_TRUE(worker.inspect(probe_message(""))->back().retire());
}

TEST(Worker, AThrowingDetectorIsAFailureNotACrash) {
    auto zygote = start_zygote(plan());
    auto worker = zygote.spawn().value();
    const auto answers = worker.inspect(probe_message("throw"));
    ASSERT_TRUE(answers);
    EXPECT_TRUE(answers->back().has_failed());
    EXPECT_TRUE(answers->back().retire());
}

TEST(Worker, RefusesKindsItDoesNotKnowAndFilesThatAreNotSealed) {
    auto zygote = start_zygote(plan());
    auto worker = zygote.spawn().value();
    const auto unknown = worker.ask(pb::InspectorRequest(), "x");
    ASSERT_TRUE(unknown);
    EXPECT_TRUE(unknown->back().has_failed());
    EXPECT_FALSE(unknown->back().retire());

    const base::Fd open(::memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    pb::InspectorRequest request;
    request.set_id(7);
    request.mutable_inspect();
    ASSERT_TRUE(worker.channel.send(request.SerializeAsString(), std::array{open.get()}));
    pb::InspectorAnswer answer;
    ASSERT_TRUE(answer.ParseFromString(worker.channel.receive(30'000).value()));
    EXPECT_EQ(answer.id(), 7U);
    EXPECT_TRUE(answer.has_failed());
}

TEST(Worker, FstatOfAnOpenDescriptorIsAnswered) {
    auto zygote = start_zygote(plan());
    auto worker = zygote.spawn().value();
    const auto answers = worker.inspect(probe_message("fstat"));
    ASSERT_TRUE(answers);
    EXPECT_EQ(probe_result(*answers, "errno"), "0");
    EXPECT_EQ(answers->back().denied(), 0U);
}

/// Every message that we have, through one worker after another: none may need a call that the filter
/// refuses.
class UnderTheFilter : public testing::TestWithParam<const char*> {};

TEST_P(UnderTheFilter, EveryMessageIsInspectedWithoutARefusedCall) {
    const auto archive = gatehouse::test::shared_file(GetParam());
    if (!archive) GTEST_SKIP() << "no shared folder";
    auto start = plan();
    start.settings.process.max_data = 1 << 30;
    start.settings.process.max_messages = 1'000'000;
    auto zygote = start_zygote(start);
    auto worker = zygote.spawn().value();
    std::size_t count = 0;
    ASSERT_TRUE(
        gatehouse::test::for_each_file(*archive, [&](const std::string& name, std::string_view bytes) {
            const auto answers = worker.inspect(bytes);
            ASSERT_TRUE(answers) << name << ": " << answers.error().sentence;
            EXPECT_TRUE(answers->back().has_facts()) << name << ": " << answers->back().failed().sentence();
            EXPECT_EQ(answers->back().denied(), 0U) << name;
            ++count;
        }));
    gatehouse::test::count_shared_cases(std::string("under_the_filter ") + GetParam(), count);
}

INSTANTIATE_TEST_SUITE_P(Sandbox, UnderTheFilter,
                         testing::Values("data/mail/spamassassin-public-corpus.tar.zst",
                                         "data/mime/mime-test-messages-dev.tar.zst",
                                         "vectors/mime-broken/eml.tar.zst",
                                         "vectors/mime-evasion/eml.tar.zst",
                                         "vectors/mime-parse/eml.tar.zst"));

TEST(Zygote, EndsWhenItsChannelCloses) {
    auto zygote = start_zygote(plan());
    const int status = zygote.stop();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(Zygote, HearsWhatCameTogetherWithItsSettings) {
    auto start = plan();
    start.ask_at_once = true;
    auto zygote = start_zygote(start);
    EXPECT_TRUE(zygote.spawn());
}

TEST(Zygote, RefusesSettingsOutOfRange) {
    auto start = plan();
    start.settings.malformed.max_parts = 0;
    const auto zygote = ZygoteProcess::start(start);
    ASSERT_FALSE(zygote);
    EXPECT_THAT(zygote.error().sentence, HasSubstr("max_parts"));
}

TEST(Inspector, TheProductStartsAndInspects) {
    ZygoteStart start;
    start.program = GATEHOUSE_INSPECTOR;
    start.product = true;
    auto zygote = start_zygote(start);
    auto worker = zygote.spawn().value();
    const auto answers = worker.inspect(probe_message("crash"));  // no probe stands in its catalogue
    ASSERT_TRUE(answers);
    EXPECT_EQ(answers->back().facts().parts(0).path(), "1:text/plain");
}

}  // namespace
}  // namespace gatehouse::e2e
