// gatehouse-admin: health, readiness, metrics and the status page over HTTPS. Opens no store and no content;
// asks the owners over their control sockets.
#include <boost/asio/thread_pool.hpp>
#include <boost/json.hpp>
#include <csignal>
#include <cstdio>

#include "admin/pages.h"
#include "apps/common/config.h"
#include "apps/common/control_client.h"
#include "apps/common/control_server.h"
#include "apps/common/words.h"
#include "base/log.h"
#include "net/frame_channel.h"
#include "net/listen.h"
#include "net/started.h"
#include "net/tls.h"

namespace gatehouse::apps {
namespace {

using base::Fault;
using base::LogLevel;
using base::Result;

/// Rows of one role; a role that does not answer gives a row that says so.
std::vector<std::string> rows_of(const Config& config, const std::string& role,
                                 const pb::ControlRequest& request) {
    std::vector<std::string> rows;
    const auto end =
        ask_role(config, role, request, {[&](std::string_view row) { rows.emplace_back(row); }, {}});
    if (!end && request.has_status()) {
        rows.push_back(boost::json::serialize(boost::json::object{
            {"role", role == "gatehouse" ? "supervisor" : role}, {"error", end.error().sentence}}));
    }
    return rows;
}

class SocketSources final : public admin::AdminSources {
  public:
    SocketSources(net::Io& io, const Config& config) : io_(io), config_(config) {}
    ~SocketSources() override { threads_.join(); }

    net::Task<Result<std::vector<std::string>>> status() override {
        pb::ControlRequest request;
        request.mutable_status();
        return ask_all(std::move(request));
    }
    net::Task<Result<std::vector<std::string>>> metrics() override { return metrics_of_front(); }

  private:
    /// The front owns every figure: without it there is no answer, not an empty one.
    net::Task<Result<std::vector<std::string>>> metrics_of_front() {
        auto ask = [this]() -> Result<std::vector<std::string>> {
            pb::ControlRequest request;
            request.mutable_metrics();
            std::vector<std::string> rows;
            GATEHOUSE_CHECK(ask_role(config_, "front", request,
                                     {[&](std::string_view row) { rows.emplace_back(row); }, {}}));
            return rows;
        };
        co_return co_await net::offload(io_, threads_, std::move(ask));
    }
    net::Task<Result<std::vector<std::string>>> ask_all(pb::ControlRequest request) {
        auto ask = [this, request = std::move(request)] {
            auto rows = rows_of(config_, "gatehouse", request);
            for (auto& row : rows_of(config_, "front", request)) rows.push_back(std::move(row));
            return rows;
        };
        auto rows = co_await net::offload(io_, threads_, std::move(ask));
        co_return rows;
    }

    net::Io& io_;
    const Config& config_;
    boost::asio::thread_pool threads_{2};
};

constexpr std::size_t kMaxConnections = 64;

net::Task<void> serve_one(net::Io& io, net::Accepted accepted, net::TlsContext& tls,
                          const admin::HttpHandler& pages, std::size_t& open) {
    auto socket = net::adopt_socket(io, std::move(accepted.socket));
    if (socket) {
        net::Stream stream(io, std::move(*socket));
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        const auto secured = co_await stream.accept_tls(tls, deadline);
        if (secured) co_await admin::serve_http(std::move(stream), pages, {});
    }
    --open;
}

net::Task<void> accept_all(net::Io& io, net::Acceptor acceptor, net::TlsContext& tls,
                           const admin::HttpHandler& pages) {
    std::size_t open = 0;
    while (true) {
        auto accepted = co_await acceptor.accept();
        if (!accepted) co_return;
        if (open >= kMaxConnections) continue;
        ++open;
        net::asio::co_spawn(io, serve_one(io, std::move(*accepted), tls, pages, open), net::asio::detached);
    }
}

/// The supervisor says nothing more; its end is ours.
net::Task<void> end_with_supervisor(net::Io& io, net::FrameChannel channel) {
    while (true) {
        const auto word = co_await channel.receive(base::SteadyTime::max());
        if (!word) break;
    }
    io.stop();
}

Result<int> serve(RoleBeginning& beginning) {
    GATEHOUSE_TRY(const auto config, Config::from_start(beginning.start));
    base::log_start("admin", beginning.start.mark(), LogLevel::info);
    net::Io io(1);
    GATEHOUSE_TRY(auto tls, net::TlsContext::make_server(certificate_of(beginning.start)));
    SocketSources sources(io, config);
    const auto pages = admin::make_pages(sources);
    while (beginning.fds.contains("https")) {
        GATEHOUSE_TRY(auto fd, take_fd(beginning, "https"));
        GATEHOUSE_TRY(auto acceptor, net::Acceptor::adopt(io, std::move(fd)));
        net::asio::co_spawn(io, accept_all(io, std::move(acceptor), *tls, pages), net::asio::detached);
    }
    GATEHOUSE_TRY(auto control, take_fd(beginning, "control"));
    GATEHOUSE_CHECK(become_user(beginning.start.uid(), beginning.start.gid()));
    const ControlServer server(
        std::move(control), config.group_id(), [](const auto& request, ControlReplies& replies) {
            if (!request.has_status()) return replies.end(2, "admin answers status only");
            replies.row(boost::json::serialize(boost::json::object{{"role", "admin"}, {"ready", true}}));
            replies.end(0, "");
        });
    GATEHOUSE_CHECK(say_ready(beginning.channel, "{}"));
    GATEHOUSE_TRY(auto channel,
                  net::FrameChannel::adopt(io, beginning.channel.release(), base::kControlFrameLimit));
    net::asio::co_spawn(io, end_with_supervisor(io, std::move(channel)), net::asio::detached);
    io.run();
    return 0;
}

}  // namespace
}  // namespace gatehouse::apps

int main() {
    std::signal(SIGPIPE, SIG_IGN);
    auto beginning = gatehouse::apps::begin_role();
    if (!beginning) {
        gatehouse::base::log(gatehouse::base::LogLevel::error, "{}", beginning.error().sentence);
        return 2;
    }
    const auto done = gatehouse::apps::serve(*beginning);
    if (done) return *done;
    gatehouse::apps::say_failed(beginning->channel, done.error().sentence);
    gatehouse::base::log(gatehouse::base::LogLevel::error, "{}", done.error().sentence);
    return 3;
}
