// The supervisor's control socket: status, restart, reload.
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/ranges.h>

#include <boost/json.hpp>

#include "apps/gatehouse/engine_keeper.h"
#include "apps/gatehouse/expression_keeper.h"
#include "apps/gatehouse/state_folder.h"
#include "apps/gatehouse/supervisor.h"
#include "base/fault_point.h"
#include "base/log.h"
#include "inspect/engine/settings.h"
#include "net/listen.h"
#include "settings/text/changes.h"

namespace gatehouse::apps {

using base::Fault;
using base::Fd;
using base::Result;
namespace json = boost::json;

namespace {

void send_reply(ipc::Channel& client, const pb::ControlReply& reply) {
    (void)client.send(reply.SerializeAsString(), {}, 1000);  // it has other things to do than to wait
}

void send_end(ipc::Channel& client, std::uint64_t id, std::uint32_t exit_class, const std::string& sentence) {
    pb::ControlReply reply;
    reply.set_id(id);
    reply.mutable_end()->set_exit_class(exit_class);
    reply.mutable_end()->set_sentence(sentence);
    send_reply(client, reply);
}

json::array bound_addresses(const std::vector<Fd>& listeners) {
    json::array out;
    std::string last;
    for (const auto& listener : listeners) {
        const auto bound = net::bound_to(listener.get());
        const std::string name = bound ? bound->to_string() : "?";
        if (name != last) out.push_back(json::value(name));
        last = name;
    }
    return out;
}

}  // namespace

void Supervisor::on_control() {
    Fd connection(::accept4(control_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) return;
    const auto peer = ipc::peer_of(connection.get());
    if (!peer) return;
    const auto rights = ipc::rights_of(*peer, config_.group_id());
    const bool may_change = rights == ipc::PeerRights::change;
    ipc::Channel client(std::move(connection), base::kControlFrameLimit);
    const auto frame = client.receive(1000);
    pb::ControlRequest request;
    if (!frame || !request.ParseFromString(*frame)) return;
    if (rights == ipc::PeerRights::none)
        return send_end(client, request.id(), 3, "only root and the group gatehouse may ask");
    answer(client, request, may_change);
}

void Supervisor::answer(ipc::Channel& client, const pb::ControlRequest& request, bool may_change) {
    if (request.has_status()) {
        pb::ControlReply reply;
        reply.set_id(request.id());
        reply.set_row(status_row());
        send_reply(client, reply);
        return send_end(client, request.id(), 0, "");
    }
    if (!request.has_restart() && !request.has_reload()) {
        return send_end(client, request.id(), 2, "the supervisor knows status, restart and reload");
    }
    if (!may_change) return send_end(client, request.id(), 3, "only root may restart or reload");
    const auto done = request.has_reload() ? reload() : restart(request.restart().role());
    if (!done) {
        const std::uint32_t exit_class = done.error().fault == Fault::usage ? 2 : 3;
        return send_end(client, request.id(), exit_class, done.error().sentence);
    }
    send_end(client, request.id(), 0, *done);
}

std::string Supervisor::status_row() const {
    json::object row{
        {"role", "supervisor"},
        {"version", GATEHOUSE_VERSION},
        {"pid", ::getpid()},
        {"config", config_.origin_name()},
        {"state", config_.state_path("")},
        {"demo", options_.demo_sink},
        {"up_seconds", std::chrono::duration_cast<std::chrono::seconds>(Steady::now() - began_).count()},
        {"stopping", stopping_}};
    row["listen"] = bound_addresses(smtp_listeners_);
    row["admin"] = bound_addresses(admin_listeners_);
    json::array roles;
    for (const auto& role : roles_) {
        json::object one{{"name", role.name},
                         {"pid", role.pid > 0 ? json::value(role.pid) : json::value()},
                         {"ready", role.ready},
                         {"restarts", role.restarts},
                         {"uid", role.uid == 0 ? ::geteuid() : role.uid}};
        boost::system::error_code error;
        const auto report = json::parse(role.report, error);
        if (!error) one["report"] = report;
        if (!role.problem.empty()) one["problem"] = role.problem;
        roles.push_back(std::move(one));
    }
    row["roles"] = std::move(roles);
    row["engine"] = engine_->status();
    row["expressions"] = expressions_->number() == 0 ? json::value() : json::value(expressions_->number());
    json::array notes;
    for (const auto* list : {&config_.notes, &config_.warnings}) {
        for (const auto& note : *list) notes.push_back(json::value(note));
    }
    row["notes"] = std::move(notes);
    json::array points;
    if (config_.is_testing()) {
        for (const auto name : base::kFaultPointNames) points.push_back(json::value(name));
        row["fault_points"] = std::move(points);
    }
    return json::serialize(row);
}

Result<void> Supervisor::reread_config() {
    GATEHOUSE_TRY(Config fresh, load_config(options_.config_path));
    for (const auto& warning : fresh.warnings) base::log(base::LogLevel::warning, "{}", warning);
    GATEHOUSE_CHECK(config_.check_exchange(fresh));
    GATEHOUSE_TRY(auto certificate, read_certificate(fresh));
    fresh.roles_stay_root = config_.roles_stay_root;  // found out when the state folder was prepared
    GATEHOUSE_CHECK(expressions_->use(fresh, clock_));
    if (certificate.certificate != certificate_.certificate) {
        if (Role* admin = find("admin"); admin != nullptr) end_role(*admin, SIGTERM);
    }
    certificate_ = std::move(certificate);
    fresh.notes = std::move(config_.notes);
    config_ = std::move(fresh);
    return {};
}

void Supervisor::send_settings_to_front() {
    Role* front = find("front");
    settings_due_ = front != nullptr && !front->ready;
    if (front == nullptr || !front->ready) return;
    pb::SupervisorWord word;
    config_.write_start(*word.mutable_start());
    word.mutable_start()->set_tls_certificate(certificate_.certificate);
    word.mutable_start()->set_tls_key(certificate_.key);
    (void)front->channel->send(word.SerializeAsString());
    told_trees_ = config_.trees;
}

Result<std::string> Supervisor::reload() {
    const auto before = told_trees_;
    const std::string inspector_before = inspect::engine::encode_settings(config_.inspector);
    const std::string expressions_before = expressions_->digest();
    GATEHOUSE_CHECK(reread_config());  // and with it the status page's certificate
    const bool inspector_differs = inspect::engine::encode_settings(config_.inspector) != inspector_before ||
                                   expressions_->digest() != expressions_before;
    // The front first: it hands the next zygote its settings.
    send_settings_to_front();
    if (Role* inspector = find("inspector"); inspector_differs && inspector != nullptr) {
        end_role(*inspector, SIGTERM);
    }
    std::vector<std::string> applied;
    for (const auto& change : settings::text::changes(catalogue(), before, config_.trees)) {
        if (change.reload == base::Reload::live) applied.push_back(change.key);
    }
    const std::string said = applied.empty()
                                 ? "certificates read again; no key that a reload applies has changed"
                                 : fmt::format("applied: {}", fmt::join(applied, ", "));
    return said + keys_for_restart_all();
}

/// What the running front was started with and cannot change.
std::string Supervisor::keys_for_restart_all() const {
    std::vector<std::string> keys;
    for (const auto& change : settings::text::changes(catalogue(), front_trees_, config_.trees)) {
        if (change.reload != base::Reload::live) keys.push_back(change.key);
    }
    if (keys.empty()) return "";
    return fmt::format("; `gatehouse restart all` is needed for: {}", fmt::join(keys, ", "));
}

Result<std::string> Supervisor::restart(const std::string& what) {
    if (what != "scan" && what != "admin" && what != "all") {
        return base::fail(Fault::usage, "restart takes scan, admin or all (door: not in this version)");
    }
    GATEHOUSE_CHECK(reread_config());
    if (what == "admin") {
        if (Role* admin = find("admin"); admin != nullptr) end_role(*admin, SIGTERM);
        return "admin is being restarted";
    }
    if (what == "all") {
        restart_engine_ = true;  // when the open transactions need it no more
        drain_front();
        if (Role* admin = find("admin"); admin != nullptr) end_role(*admin, SIGTERM);
        return "draining the front; listening sockets stay bound";
    }
    // A front that drives another engine than the one now configured goes on with the one it has.
    if (config_.antivirus.clamd == engine_->mode()) engine_->restart(config_);
    send_settings_to_front();
    if (Role* inspector = find("inspector"); inspector != nullptr) end_role(*inspector, SIGTERM);
    return "the scan service is being restarted with the settings as they are now" + keys_for_restart_all();
}

}  // namespace gatehouse::apps
