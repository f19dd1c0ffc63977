#include "inspect/worker/sandbox.h"

#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "inspect/worker/capabilities.h"
#include "inspect/worker/landlock.h"

namespace gatehouse::inspect::worker {

using base::Fault;
using base::Result;

void SandboxReport::applied(std::string_view name, std::string note) {
    steps.push_back({std::string(name), true, std::move(note)});
}

void SandboxReport::missing(std::string_view name, std::string note) {
    steps.push_back({std::string(name), false, std::move(note)});
}

bool SandboxReport::is_complete() const {
    return std::ranges::all_of(steps, &SandboxStep::applied);
}

std::string SandboxReport::missing_steps() const {
    std::string out;
    for (const auto& step : steps) {
        if (step.applied) continue;
        if (!out.empty()) out += ", ";
        out += fmt::format("{} ({})", step.name, step.note);
    }
    return out;
}

namespace {

std::string reason(int error_number) {
    return base::fail_errno(Fault::internal, "", error_number).error().sentence.substr(2);
}

void record(SandboxReport& report, std::string_view name, bool done) {
    if (done) return report.applied(name);
    report.missing(name, reason(errno));
}

Result<unsigned> parse_id(std::string_view text) {
    const auto value = base::parse_unsigned(text);
    if (!value || *value >= 0xffff'ffffU) return base::fail(Fault::usage, "{} is no user or group id", text);
    return static_cast<unsigned>(*value);
}

// Without root the other namespaces belong to a user namespace of our own, which also makes the capabilities
// that are dropped later mean nothing outside.
void enter_namespaces(SandboxReport& report) {
    if (::geteuid() != 0) record(report, "namespace.user", ::unshare(CLONE_NEWUSER) == 0);
    record(report, "namespace.net", ::unshare(CLONE_NEWNET) == 0);
    record(report, "namespace.ipc", ::unshare(CLONE_NEWIPC) == 0);
    record(report, "namespace.uts", ::unshare(CLONE_NEWUTS) == 0);
    record(report, "namespace.mount",
           ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
}

void become(SandboxReport& report, const std::optional<RoleIds>& ids) {
    if (!ids) {
        if (::geteuid() == 0) report.missing("uid", "started as root and no user was named");
        return;
    }
    if (::geteuid() != 0) {
        if (::geteuid() == ids->uid) return report.applied("uid", fmt::format("{}", ids->uid));
        return report.missing("uid", "only root can change it");
    }
    const bool done = ::setgroups(0, nullptr) == 0 && ::setresgid(ids->gid, ids->gid, ids->gid) == 0 &&
                      ::setresuid(ids->uid, ids->uid, ids->uid) == 0;
    if (!done) return report.missing("uid", reason(errno));
    report.applied("uid", fmt::format("{}:{}", ids->uid, ids->gid));
}

void limit(SandboxReport& report, std::string_view name, __rlimit_resource resource, std::uint64_t value) {
    const rlimit both{value, value};
    if (::setrlimit(resource, &both) != 0) return report.missing(name, reason(errno));
    report.applied(name, fmt::format("{}", value));
}

void limit_resources(SandboxReport& report, const SandboxPlan& plan) {
    limit(report, "rlimit.core", RLIMIT_CORE, 0);
    limit(report, "rlimit.fsize", RLIMIT_FSIZE, plan.max_file);
    limit(report, "rlimit.nofile", RLIMIT_NOFILE, plan.max_fds);
#ifdef GATEHOUSE_SANITIZED
    report.applied("rlimit.data",
                   "left out: named allowance of sanitizer builds, whose shadow memory is data");
#else
    limit(report, "rlimit.data", RLIMIT_DATA, plan.max_data);
#endif
}

}  // namespace

Result<RoleIds> parse_role_ids(std::string_view text) {
    if (!text.empty() && base::is_digit(text.front())) {
        const auto colon = text.find(':');
        GATEHOUSE_TRY(const unsigned uid, parse_id(text.substr(0, colon)));
        if (colon == std::string_view::npos) return RoleIds{uid, uid};
        GATEHOUSE_TRY(const unsigned gid, parse_id(text.substr(colon + 1)));
        return RoleIds{uid, gid};
    }
    std::array<char, 4096> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    const std::string name(text);
    ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found == nullptr) return base::fail(Fault::usage, "there is no user {}", base::printable(text));
    return RoleIds{found->pw_uid, found->pw_gid};
}

SandboxReport confine_process(const SandboxPlan& plan) {
    SandboxReport report;
    enter_namespaces(report);
    // The bounding set needs CAP_SETPCAP, which the change of user takes away.
    if (const auto done = drop_bounding_set(); done) {
        report.applied("capabilities.bounding");
    } else {
        report.missing("capabilities.bounding", done.error().sentence);
    }
    become(report, plan.ids);
    if (const auto done = drop_capabilities(); done) {
        report.applied("capabilities");
    } else {
        report.missing("capabilities", done.error().sentence);
    }
    record(report, "no_new_privs", ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    if (const auto abi = landlock_deny_all(); abi) {
        report.applied("landlock", fmt::format("ABI {}", *abi));
    } else {
        report.missing("landlock", abi.error().sentence);
    }
    limit_resources(report, plan);
    return report;
}

Result<void> drop_descriptors(unsigned first) {
    if (::close_range(first, ~0U, 0) == 0) return {};
    return base::fail_errno(Fault::unavailable, "inherited descriptors could not be closed", errno);
}

}  // namespace gatehouse::inspect::worker
