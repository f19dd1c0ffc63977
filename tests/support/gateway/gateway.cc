#include "support/gateway/gateway.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

namespace gatehouse::testing {

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

std::string slurp(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

int port_of(const json::object& row, std::string_view key) {
    const auto* list = row.if_contains(key);
    if (list == nullptr || !list->is_array() || list->get_array().empty()) return 0;
    const std::string address(list->get_array().front().as_string());
    return std::atoi(address.substr(address.rfind(':') + 1).c_str());
}

}  // namespace

Gateway::Gateway(GatewayPlan plan)
    : plan_(std::move(plan)), state_(folder_.path() + "/state"), config_(folder_.path() + "/gatehouse.toml") {
    write_files();
}

Gateway::~Gateway() {
    if (pid_ > 0 && !stop()) kill_all();
}

void Gateway::write_files() const {
    std::ofstream(config_) << fmt::format(
        "[smtp]\nlisten = [\"127.0.0.1:0\"]\nhostname = \"gateway.test\"\nrelay_domains = [\"{}\"]\n"
        "{}\n\n[admin]\nlisten = \"127.0.0.1:0\"\n\n[paths]\nstate = \"state\"\n\n[antivirus]\nclamd = "
        "\"{}\"\n\n{}\n",
        fmt::join(plan_.relay_domains, "\", \""), plan_.smtp, plan_.clamd, plan_.gatehouse);
    if (!plan_.next_hops.empty()) {
        std::ofstream(config_, std::ios::app) << fmt::format(
            "\n[[next_hop]]\ndomain = \"*\"\naddress = [\"{}\"]\n", fmt::join(plan_.next_hops, "\", \""));
    }
    if (!plan_.settings.empty()) std::ofstream(folder_.path() + "/settings.toml") << plan_.settings;
    if (!plan_.policy.empty()) std::ofstream(folder_.path() + "/policy.toml") << plan_.policy;
}

bool Gateway::start() {
    const std::string program = plan_.programs + "/gatehouse";
    const std::string log_path = folder_.path() + "/log";
    pid_ = ::fork();
    if (pid_ == 0) {
        const int log_fd = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
        ::dup2(log_fd, 1);
        ::dup2(log_fd, 2);
        ::setenv("GATEHOUSE_TESTING", "1", 1);
        for (auto& setting : plan_.environment) ::putenv(setting.data());
        ::execl(program.c_str(), program.c_str(), "run", "--config", config_.c_str(), nullptr);
        ::_exit(127);
    }
    if (wait_ready(60)) return true;
    why_ = "the gateway did not become ready:\n" + log();
    return false;
}

bool Gateway::wait_ready(int seconds) {
    const auto by = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (std::chrono::steady_clock::now() < by) {
        int exit_status = 0;
        if (::waitpid(pid_, &exit_status, WNOHANG) == pid_) {
            pid_ = -1;
            return false;
        }
        for (const auto& value : status()) {
            const auto& row = value.as_object();
            if (row.at("role") == "supervisor") {
                smtp_port_ = port_of(row, "listen");
                admin_port_ = port_of(row, "admin");
            }
            const auto* ready = row.if_contains("ready");
            if (row.at("role") == "front" && ready != nullptr && ready->is_bool() && ready->get_bool())
                return true;
        }
        std::this_thread::sleep_for(50ms);
    }
    return false;
}

bool Gateway::wait_engine(int seconds) {
    const auto by = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (std::chrono::steady_clock::now() < by) {
        const auto front = role_status("front");
        const auto* engine = front.if_contains("engine");
        const auto* condition = engine != nullptr && engine->is_object()
                                    ? engine->get_object().if_contains("condition")
                                    : nullptr;
        if (condition != nullptr && condition->is_string() && condition->get_string() == "up") return true;
        std::this_thread::sleep_for(50ms);
    }
    return false;
}

bool Gateway::stop() {
    if (pid_ <= 0) return true;
    ::kill(pid_, SIGTERM);
    for (int i = 0; i < 2000; ++i) {
        int exit_status = 0;
        if (::waitpid(pid_, &exit_status, WNOHANG) == pid_) {
            pid_ = -1;
            return WIFEXITED(exit_status) && WEXITSTATUS(exit_status) == 0;
        }
        std::this_thread::sleep_for(10ms);
    }
    return false;
}

void Gateway::kill_all() {
    if (pid_ <= 0) return;
    const auto all = processes();
    for (const pid_t pid : all) ::kill(pid, SIGSTOP);  // nobody restarts anybody meanwhile
    for (const pid_t pid : all) ::kill(pid, SIGKILL);
    int exit_status = 0;
    ::waitpid(pid_, &exit_status, 0);
    pid_ = -1;
    std::this_thread::sleep_for(20ms);
}

std::vector<pid_t> Gateway::processes() const {
    std::multimap<pid_t, pid_t> children;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const pid_t pid = std::atoi(entry.path().filename().c_str());
        if (pid <= 0) continue;
        const std::string stat = slurp(entry.path() / "stat");
        const auto end = stat.rfind(')');
        if (end == std::string::npos || end + 4 > stat.size()) continue;
        children.emplace(std::atoi(stat.c_str() + end + 4), pid);
    }
    std::vector<pid_t> out{pid_};
    for (std::size_t i = 0; i < out.size(); ++i) {
        const auto [first, last] = children.equal_range(out[i]);
        for (auto at = first; at != last; ++at) out.push_back(at->second);
    }
    return out;
}

Finished Gateway::command(std::vector<std::string> words, const std::string& input) {
    words.insert(words.begin(), plan_.programs + "/gatehouse");
    words.insert(words.end(), {"--config", config_});
    ::setenv("GATEHOUSE_TESTING", "1", 1);
    return run_program(words, input);
}

std::vector<json::object> Gateway::rows(std::vector<std::string> words) {
    words.emplace_back("--json");
    std::istringstream lines(command(std::move(words)).out);
    std::vector<json::object> out;
    for (std::string line; std::getline(lines, line);) {
        boost::system::error_code error;
        const auto value = json::parse(line, error);
        if (!error && value.is_object()) out.push_back(value.as_object());
    }
    return out;
}

json::array Gateway::status() {
    json::array out;
    for (auto& row : rows({"status"})) out.emplace_back(std::move(row));
    return out;
}

json::object Gateway::role_status(const std::string& role) {
    for (const auto& value : status()) {
        if (std::string_view(value.as_object().at("role").as_string()) == role) return value.as_object();
    }
    return {};
}

pid_t Gateway::pid_of(const std::string& role) {
    const auto supervisor = role_status("supervisor");
    if (role == "clamd") {
        const auto* engine = supervisor.if_contains("engine");
        const auto* pid =
            engine != nullptr && engine->is_object() ? engine->get_object().if_contains("pid") : nullptr;
        return pid != nullptr && pid->is_int64() ? static_cast<pid_t>(pid->get_int64()) : -1;
    }
    const auto* roles = supervisor.if_contains("roles");
    if (roles == nullptr) return -1;
    for (const auto& one : roles->as_array()) {
        if (std::string_view(one.as_object().at("name").as_string()) != role) continue;
        const auto& pid = one.as_object().at("pid");
        return pid.is_null() ? -1 : pid.to_number<int>();
    }
    return -1;
}

std::uint64_t Gateway::memory_files() const {
    constexpr std::uint64_t kBlock = 512;  // of st_blocks
    std::map<ino_t, std::uint64_t> seen;
    for (const pid_t pid : processes()) {
        std::error_code error;
        for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/fd", pid), error)) {
            const auto target = fs::read_symlink(entry.path(), error);
            if (error || !target.string().starts_with("/memfd:")) continue;
            struct stat status{};
            if (::stat(entry.path().c_str(), &status) == 0)
                seen[status.st_ino] = static_cast<std::uint64_t>(status.st_blocks) * kBlock;
        }
    }
    std::uint64_t total = 0;
    for (const auto& [inode, bytes] : seen) total += bytes;
    return total;
}

std::uint64_t Gateway::pss() const {
    std::uint64_t total = 0;
    for (const pid_t pid : processes()) {
        std::istringstream lines(slurp(fmt::format("/proc/{}/smaps_rollup", pid)));
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with("Pss:")) total += std::strtoull(line.c_str() + 4, nullptr, 10) * 1024;
        }
    }
    return total;
}

std::string Gateway::log() const {
    return slurp(folder_.path() + "/log");
}

}  // namespace gatehouse::testing
