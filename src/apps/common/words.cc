#include "apps/common/words.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

namespace gatehouse::apps {

using base::Fault;
using base::Result;

Result<RoleBeginning> begin_role() {
    if (::fcntl(kSupervisorFd, F_GETFD) < 0) {
        return base::fail(Fault::usage, "this program is started by `gatehouse run`, not by hand");
    }
    RoleBeginning beginning{{}, {}, ipc::Channel(base::Fd(kSupervisorFd), base::kInspectorFrameLimit)};
    GATEHOUSE_TRY(const std::string frame, beginning.channel.receive(10'000));
    pb::SupervisorWord word;
    if (!word.ParseFromString(frame) || !word.has_start()) {
        return base::fail(Fault::malformed, "the supervisor's first word is not a start");
    }
    beginning.start = word.start();
    for (const auto& name : beginning.start.fds()) {
        auto fd = beginning.channel.take_fd();
        if (!fd) return base::fail(Fault::malformed, "the descriptor {} did not come with the start", name);
        beginning.fds.emplace(name, std::move(*fd));
    }
    return beginning;
}

Result<base::Fd> take_fd(RoleBeginning& beginning, const std::string& name) {
    const auto at = beginning.fds.find(name);
    if (at == beginning.fds.end()) return base::fail(Fault::malformed, "the descriptor {} is missing", name);
    base::Fd fd = std::move(at->second);
    beginning.fds.erase(at);
    return fd;
}

Result<void> become_user(unsigned uid, unsigned gid) {
    if (uid == 0) return {};
    const pid_t parent = ::getppid();
    if (::setgroups(0, nullptr) != 0 || ::setresgid(gid, gid, gid) != 0 || ::setresuid(uid, uid, uid) != 0) {
        return base::fail_errno(Fault::refused, fmt::format("cannot become uid {}", uid), errno);
    }
    // A change of user clears the wish to die with the parent.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) {
        return base::fail(Fault::unavailable, "the supervisor is gone");
    }
    ::prctl(PR_SET_DUMPABLE, 1);  // so that the supervisor can still read /proc/PID of its roles
    if (::setuid(0) == 0) return base::fail(Fault::internal, "the way back to root is still open");
    return {};
}

net::PemPair certificate_of(const pb::RoleStart& start) {
    return {start.tls_certificate(), start.tls_key()};
}

Result<void> say_ready(ipc::Channel& channel, const std::string& report_json) {
    pb::RoleWord word;
    word.mutable_ready()->set_report_json(report_json);
    return channel.send(word.SerializeAsString());
}

void say_failed(ipc::Channel& channel, const std::string& sentence) {
    pb::RoleWord word;
    word.mutable_failed()->set_sentence(sentence);
    (void)channel.send(word.SerializeAsString());
}

}  // namespace gatehouse::apps
