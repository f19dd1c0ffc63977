#include "apps/gatehouse/private_postfix.h"

#include <fmt/format.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <thread>

#include "base/fd.h"
#include "base/text.h"
#include "net/listen.h"

namespace gatehouse::apps {

using base::Endpoint;
using base::Fault;
using base::Result;

namespace {

constexpr std::string_view kPostconf = "/usr/sbin/postconf";
constexpr unsigned kFileMode = 0644;
constexpr auto kStartTime = std::chrono::seconds(20);

/// What this Postfix was built with.
struct Built {
    std::string version;
    std::string daemons;
    std::string owner;
    std::string group;
};

Result<Built> ask_postconf(const std::string& folder) {
    const std::string out = folder + "/postconf";
    GATEHOUSE_TRY(auto asked, Process::start({std::string(kPostconf), "-d", "-h", "mail_version",
                                              "daemon_directory", "mail_owner", "setgid_group"},
                                             out));
    while (asked.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    GATEHOUSE_TRY(const auto text, base::read_file(out, 4096));
    const auto lines = base::split(base::trim(text), '\n');
    if (asked.exit_code() != 0 || lines.size() != 4)
        return base::fail(Fault::unavailable, "{} says: {}", kPostconf, base::printable(text));
    return Built{std::string(lines[0]), std::string(lines[1]), std::string(lines[2]), std::string(lines[3])};
}

/// As a plain relay: defaults but for what would ask the world (DNS) or bind the machine (aliases, its log).
/// Without in_flow_delay it takes mail as fast as it can, which is to its advantage here.
std::string main_cf(const std::string& folder, const Built& built, const Endpoint& next_hop) {
    return fmt::format(
        "compatibility_level = 3.6\nqueue_directory = {0}/queue\ndata_directory = {0}/data\n"
        "daemon_directory = {1}\nmail_owner = {2}\nsetgid_group = {3}\nmyhostname = postfix.example\n"
        "mydestination =\nmynetworks = 127.0.0.0/8\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n"
        "relayhost = [{4}]:{5}\nalias_maps =\nalias_database =\nlocal_recipient_maps =\n"
        "disable_dns_lookups = yes\nsmtp_host_lookup = native\nsmtpd_peername_lookup = no\n"
        "in_flow_delay = 0\nmaillog_file = {0}/log\nmaillog_file_prefixes = {0}\n",
        folder, built.daemons, built.owner, built.group, next_hop.address.to_string(), next_hop.port);
}

/// The services of Postfix's own master.cf that a relay uses, none in a chroot.
std::string master_cf(const Endpoint& listen) {
    return listen.to_string() +
           " inet n - n - - smtpd\n"
           "cleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n"
           "rewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\n"
           "defer unix - - n - 0 bounce\ntrace unix - - n - 0 bounce\nverify unix - - n - 1 verify\n"
           "flush unix n - n 1000? 0 flush\nproxymap unix - - n - - proxymap\n"
           "proxywrite unix - - n - 1 proxymap\nsmtp unix - - n - - smtp\nrelay unix - - n - - smtp\n"
           "error unix - - n - - error\nretry unix - - n - - error\ndiscard unix - - n - - discard\n"
           "tlsmgr unix - - n 1000? 1 tlsmgr\nanvil unix - - n - 1 anvil\nscache unix - - n - 1 scache\n"
           "postlog unix-dgram n - n - 1 postlogd\n";
}

struct Owners {
    uid_t user;
    gid_t group;
    gid_t setgid;
};

Result<Owners> owners_of(const Built& built) {
    const auto* user = ::getpwnam(built.owner.c_str());
    if (user == nullptr) return base::fail(Fault::not_found, "there is no user {}", built.owner);
    const Owners owners{user->pw_uid, user->pw_gid, 0};
    const auto* group = ::getgrnam(built.group.c_str());
    if (group == nullptr) return base::fail(Fault::not_found, "there is no group {}", built.group);
    return Owners{owners.user, owners.group, group->gr_gid};
}

Result<void> make_folder(const std::string& path, const Owners& owners, gid_t group, mode_t mode) {
    if (::mkdir(path.c_str(), mode) == 0 && ::chown(path.c_str(), owners.user, group) == 0 &&
        ::chmod(path.c_str(), mode) == 0)
        return {};
    return base::fail_errno(Fault::refused, "no folder " + path, errno);
}

/// The folders that `postfix check` makes, with its owners and modes.
Result<void> make_queue(const std::string& folder, const Owners& owners) {
    static constexpr std::array<const char*, 11> kOwn{"active",   "bounce", "corrupt", "defer",
                                                      "deferred", "flush",  "hold",    "incoming",
                                                      "private",  "saved",  "trace"};
    constexpr mode_t kPrivate = 0700;
    constexpr mode_t kPublic = 0710;
    constexpr mode_t kDrop = 0730;
    constexpr mode_t kRoot = 0755;
    const Owners root{0, 0, 0};
    GATEHOUSE_CHECK(make_folder(folder + "/queue", root, 0, kRoot));
    GATEHOUSE_CHECK(make_folder(folder + "/queue/pid", root, 0, kRoot));
    GATEHOUSE_CHECK(make_folder(folder + "/data", owners, owners.group, kPrivate));
    for (const auto* name : kOwn)
        GATEHOUSE_CHECK(make_folder(folder + "/queue/" + name, owners, 0, kPrivate));
    GATEHOUSE_CHECK(make_folder(folder + "/queue/public", owners, owners.setgid, kPublic));
    return make_folder(folder + "/queue/maildrop", owners, owners.setgid, kDrop);
}

/// A port that was free a moment ago; master binds it itself.
Result<Endpoint> free_port() {
    GATEHOUSE_TRY(const auto sockets, net::listen_on("127.0.0.1:0", 1));
    return net::bound_to(sockets.front().get());
}

bool is_listening(const Endpoint& endpoint) {
    const base::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(endpoint.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
}

std::string log_of(const std::string& folder) {
    std::string out;
    for (const auto* name : {"/log", "/master"}) {
        const auto text = base::read_file(folder + name, 1 << 20);
        if (text) out += base::printable(base::trim(*text).substr(0, 300), 300);
    }
    return out;
}

}  // namespace

Result<PrivatePostfix> PrivatePostfix::start(const std::string& folder, const Endpoint& next_hop) {
    std::error_code error;
    if (!std::filesystem::exists(kPostconf, error)) {
        return base::fail(
            Fault::not_found,
            "Postfix is not installed, so nothing was measured beside us; install it with: apt-get install "
            "--no-install-recommends postfix");
    }
    if (::geteuid() != 0) return base::fail(Fault::refused, "only root can start a Postfix");
    GATEHOUSE_TRY(auto built, ask_postconf(folder));
    GATEHOUSE_TRY(const auto owners, owners_of(built));
    GATEHOUSE_TRY(const auto endpoint, free_port());
    GATEHOUSE_CHECK(make_queue(folder, owners));
    GATEHOUSE_CHECK(base::replace_file(folder + "/main.cf", main_cf(folder, built, next_hop), kFileMode));
    GATEHOUSE_CHECK(base::replace_file(folder + "/master.cf", master_cf(endpoint), kFileMode));
    // -d: it stays our child instead of leaving for the background.
    GATEHOUSE_TRY(auto process,
                  Process::start({built.daemons + "/master", "-c", folder, "-d"}, folder + "/master"));
    const auto by = std::chrono::steady_clock::now() + kStartTime;
    while (std::chrono::steady_clock::now() < by && process.is_running()) {
        if (is_listening(endpoint)) return PrivatePostfix(std::move(process), endpoint, built.version);
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return base::fail(Fault::unavailable, "Postfix did not start: {}", log_of(folder));
}

}  // namespace gatehouse::apps
