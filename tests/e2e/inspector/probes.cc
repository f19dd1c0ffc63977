#include "probes.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/text.h"
#include "inspect/mime/structure.h"

namespace gatehouse::e2e {

namespace {

using inspect::detect::Finding;
using inspect::detect::MessageFacts;
using inspect::detect::Object;

constexpr const char* kReadable = "/etc/passwd";

constexpr base::EvidenceInfo kResult{"test.result", "test", base::Strength::fact, 0, "what a probe saw"};
constexpr std::array kEvidence = {kResult};
constexpr inspect::detect::Info kInfo{.id = "test",
                                      .feature = "test",
                                      .help = "deeds that the sandbox has to stop",
                                      .stage = inspect::detect::Stage::message,
                                      .evidence = kEvidence};

char* heap_start = nullptr;

struct OpenHow {
    std::uint64_t flags = 0;
    std::uint64_t mode = 0;
    std::uint64_t resolve = 0;
};

/// System calls by name; each gives the raw result.
long make_call(std::string_view name, long argument) {
    static const std::array<char*, 2> kArguments{const_cast<char*>("/bin/true"), nullptr};
    std::array<char, 256> buffer{};
    const sockaddr_in address{AF_INET, htons(25), {htonl(INADDR_LOOPBACK)}, {}};
    iovec io{buffer.data(), buffer.size()};
    OpenHow how;
    if (name == "socket") return ::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    if (name == "connect") return ::syscall(SYS_connect, 0, &address, sizeof address);
    if (name == "open") return ::syscall(SYS_open, kReadable, O_RDONLY);
    if (name == "openat") return ::syscall(SYS_openat, AT_FDCWD, kReadable, O_RDONLY);
    if (name == "openat2") return ::syscall(SYS_openat2, AT_FDCWD, kReadable, &how, sizeof how);
    if (name == "stat") return ::syscall(SYS_stat, kReadable, buffer.data());
    if (name == "statx") return ::syscall(SYS_statx, AT_FDCWD, kReadable, 0, 0, buffer.data());
    if (name == "newfstatat") {
        return ::syscall(SYS_newfstatat, AT_FDCWD, kReadable, buffer.data(), AT_EMPTY_PATH);
    }
    if (name == "unlink") return ::syscall(SYS_unlink, "/tmp/gatehouse-none");
    if (name == "execve") return ::syscall(SYS_execve, "/bin/true", kArguments.data(), nullptr);
    if (name == "execveat") {
        return ::syscall(SYS_execveat, AT_FDCWD, "/bin/true", kArguments.data(), nullptr, 0);
    }
    if (name == "ptrace") return ::syscall(SYS_ptrace, PTRACE_ATTACH, argument, 0, 0);
    if (name == "io_uring_setup") return ::syscall(SYS_io_uring_setup, 1, buffer.data());
    if (name == "bpf") return ::syscall(SYS_bpf, 0, buffer.data(), 32);
    if (name == "unshare") return ::syscall(SYS_unshare, CLONE_NEWUSER);
    if (name == "process_vm_readv") return ::syscall(SYS_process_vm_readv, argument, &io, 1, &io, 1, 0);
    if (name == "kill") return ::syscall(SYS_kill, argument, SIGUSR1);
    if (name == "tgkill") return ::syscall(SYS_tgkill, argument, argument, SIGUSR1);
    if (name == "pidfd_open") return ::syscall(SYS_pidfd_open, argument, 0);
    if (name == "fork") return ::syscall(SYS_fork);
    if (name == "executable_memory") {
        return ::syscall(SYS_mmap, nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    throw std::runtime_error("an unknown probe");
}

[[gnu::noinline]] void crash() {
    std::atomic<int*> nowhere{nullptr};
    *nowhere.load() = 1;
}

void hang() {
    for (std::atomic<std::uint64_t> turns{0};; ++turns) {
    }
}

void eat_memory() {
    std::vector<std::string> eaten;
    while (true) eaten.emplace_back(std::size_t{16} << 20, 'x');
}

/// Whether the text stands anywhere in the heap; the argument is written with its letters shifted by one, so
/// that asking does not answer.
bool heap_holds(std::string_view shifted) {
    const auto* end = static_cast<const char*>(::sbrk(0));
    for (const char* at = heap_start; at + shifted.size() < end; ++at) {
        std::size_t same = 0;
        while (same < shifted.size() && at[same] == shifted[same] - 1) ++same;
        if (same == shifted.size()) return true;
    }
    return false;
}

Finding result(std::string key, std::string value) {
    Finding finding;
    finding.evidence.push_back(inspect::detect::make_evidence(kResult, "", std::string(kResult.help)));
    finding.evidence.back().facts = {{std::move(key), std::move(value)}};
    return finding;
}

Finding inspect_message(const Object& /*object*/, const MessageFacts& facts, base::Budget& /*budget*/,
                        const inspect::engine::Settings& /*settings*/) {
    const auto headers = facts.structure.headers();
    const std::string probe = headers.text("X-Probe");
    const std::string argument = headers.text("X-Probe-Argument");
    if (probe.empty()) return {};
    if (probe == "crash") crash();
    if (probe == "hang") hang();
    if (probe == "memory") eat_memory();
    if (probe == "abort") std::abort();
    if (probe == "exit") ::_exit(0);
    if (probe == "throw") throw std::runtime_error("a detector that throws");
    if (probe == "search") return result("found", heap_holds(argument) ? "yes" : "no");
    if (probe == "fstat") {
        struct stat status{};
        return result("errno", std::to_string(::fstat(0, &status) == 0 ? 0 : errno));
    }
    const auto number = static_cast<long>(base::parse_unsigned(argument).value_or(0));
    errno = 0;
    const long done = make_call(probe, number);
    return result("errno", std::to_string(done < 0 ? errno : 0));
}

}  // namespace

void note_heap_start() {
    heap_start = static_cast<char*>(::sbrk(0));
}

std::vector<inspect::engine::Detector> catalogue_with_probes() {
    const auto all = inspect::engine::catalogue();
    std::vector<inspect::engine::Detector> out(all.begin(), all.end());
    out.push_back({&kInfo, inspect_message});
    return out;
}

}  // namespace gatehouse::e2e
