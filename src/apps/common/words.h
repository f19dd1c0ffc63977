// The supervisor's and the roles' first words to each other: one RoleStart frame with everything a role
// needs, so that no role opens a configuration file. Blocking; used before a role starts its event loop.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "ipc/channel.h"
#include "ipc/control.pb.h"
#include "net/tls.h"

namespace gatehouse::apps {

/// The descriptor every role finds its supervisor at.
inline constexpr int kSupervisorFd = 3;

struct RoleBeginning {
    pb::RoleStart start;
    std::multimap<std::string, base::Fd> fds;  ///< by the names in `start`
    ipc::Channel channel;                      ///< to the supervisor
};

/// What a role does first: reads its RoleStart.
base::Result<RoleBeginning> begin_role();

/// Takes the first descriptor of that name.
base::Result<base::Fd> take_fd(RoleBeginning& beginning, const std::string& name);

/// Lower rights for good: groups, then uid, no way back. uid 0 = stay.
base::Result<void> become_user(unsigned uid, unsigned gid);

/// The certificate that came with a start; what is missing is refused by who uses it.
net::PemPair certificate_of(const pb::RoleStart& start);

base::Result<void> say_ready(ipc::Channel& channel, const std::string& report_json);
void say_failed(ipc::Channel& channel, const std::string& sentence);

}  // namespace gatehouse::apps
