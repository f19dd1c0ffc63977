#include "apps/common/check_machine.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "base/fd.h"
#include "base/text.h"
#include "consult/engines/clamd_process.h"
#include "consult/engines/database_folder.h"
#include "net/tls.h"

namespace gatehouse::apps {

using base::Fault;
using base::Result;
using consult::engines::ClamdMode;
using settings::text::File;

namespace {

namespace fs = std::filesystem;

constexpr const char* kZones = "/usr/share/zoneinfo";

/// The names that tzdata.zi defines ("Z Europe/Berlin ...", "L Europe/Berlin Arctic/Longyearbyen").
std::vector<std::string> zone_names(const std::string& folder) {
    constexpr std::size_t kLargest = 4U << 20;
    std::vector<std::string> out;
    const auto text = base::read_file(folder + "/tzdata.zi", kLargest);
    if (!text) return out;
    for (const auto line : base::split(*text, '\n')) {
        const auto words = base::split(line, ' ');
        if (words.size() >= 2 && words[0] == "Z") out.emplace_back(words[1]);
        if (words.size() >= 3 && words[0] == "L") out.emplace_back(words[2]);
    }
    return out;
}

Result<void> check_zone(const Config& config) {
    const auto* zone = base::find_path(config.trees.settings, "general.time_zone");
    if (zone == nullptr || zone->text() == nullptr) return {};
    if (const auto known = check_zone_exists(kZones, *zone->text()); !known) {
        return base::fail(Fault::usage, "{}general.time_zone: {}",
                          config.at(File::settings, "general.time_zone"), known.error().sentence);
    }
    return {};
}

/// Files that this user may not open are not checked, which is said; `run` opens them as root.
bool is_closed_to_us(const std::string& path) {
    return ::access(path.c_str(), R_OK) != 0 && errno == EACCES;
}

Result<void> check_certificate(Config& config) {
    const auto& smtp = config.smtp;
    if (smtp.tls_certificate.empty() || smtp.tls_certificate == "none") return {};
    const std::string certificate = path_beside(config.texts.folder, smtp.tls_certificate);
    const std::string key = path_beside(config.texts.folder, smtp.tls_key);
    for (const auto& [name, path] : {std::pair("smtp.tls_certificate", certificate), {"smtp.tls_key", key}}) {
        if (is_closed_to_us(path)) {
            config.warnings.push_back(
                fmt::format("{}{}: {} cannot be read by this user, so certificate and key were not checked",
                            config.at(File::gatehouse, name), name, path));
            return {};
        }
        if (const auto text = base::read_file(path, 1U << 20); !text) {
            return base::fail(Fault::usage, "{}{}: {}", config.at(File::gatehouse, name), name,
                              text.error().sentence);
        }
    }
    if (const auto pair = net::read_pem(certificate, key); !pair) {
        return base::fail(Fault::usage, "{}smtp.tls_certificate, smtp.tls_key: {}",
                          config.at(File::gatehouse, "smtp.tls_certificate"), pair.error().sentence);
    }
    return {};
}

Result<void> check_engine(Config& config) {
    GATEHOUSE_TRY(const auto mode, consult::engines::parse_clamd_mode(config.antivirus.clamd));
    const auto note = [&](std::string_view key, const std::string& what) {
        config.warnings.push_back(fmt::format("{}{}: {}", config.at(File::gatehouse, key), key, what));
    };
    if (mode.kind == ClamdMode::Kind::external) {
        std::error_code error;
        if (!fs::exists(mode.socket, error) && !error)
            note("antivirus.clamd", fmt::format("there is no socket {} now", mode.socket));
        return {};
    }
    if (mode.kind == ClamdMode::Kind::off) return {};
    constexpr std::string_view kOnlyEicar =
        "the malware engine would know the EICAR test file and nothing else";
    if (config.antivirus.database.empty()) {
        note("antivirus.database", fmt::format("no folder of virus databases is named: {}", kOnlyEicar));
        return {};
    }
    const std::string folder = path_beside(config.texts.folder, config.antivirus.database);
    std::error_code error;
    if (!fs::is_directory(folder, error) && (!error || error == std::errc::no_such_file_or_directory)) {
        return base::fail(Fault::usage, "{}antivirus.database: the folder {} does not exist",
                          config.at(File::gatehouse, "antivirus.database"), folder);
    }
    const auto set = consult::engines::survey_database(folder);
    if (!set.problem.empty()) {
        config.warnings.push_back(fmt::format("{}{}{}{}", config.at(File::gatehouse, "antivirus.database"),
                                              set.problem, set.files.empty() ? ": " : "",
                                              set.files.empty() ? kOnlyEicar : ""));
    } else if (set.files.empty()) {
        note("antivirus.database", fmt::format("{} holds no virus database: {}", folder, kOnlyEicar));
    }
    return {};
}

/// The addresses of this machine.
std::vector<base::IpAddress> own_addresses() {
    std::vector<base::IpAddress> out;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return out;
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
    for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr) continue;
        const int family = at->ifa_addr->sa_family;
        std::array<std::uint8_t, 16> bytes{};
        std::size_t length = 0;
        if (family == AF_INET) {
            sockaddr_in address{};
            std::memcpy(&address, at->ifa_addr, sizeof address);
            std::memcpy(bytes.data(), &address.sin_addr, length = 4);
        } else if (family == AF_INET6) {
            sockaddr_in6 address{};
            std::memcpy(&address, at->ifa_addr, sizeof address);
            std::memcpy(bytes.data(), &address.sin6_addr, length = 16);
        }
        if (const auto one = base::IpAddress::from_bytes(std::span(bytes).first(length)); one)
            out.push_back(*one);
    }
    return out;
}

/// The listener of ours that a next hop names, or "".
std::string own_listener(const Config& config, const base::Endpoint& hop) {
    for (const auto& text : config.smtp.listen) {
        const auto listener = base::Endpoint::parse(text);
        if (!listener || listener->port != hop.port || hop.port == 0) continue;
        if (listener->address == hop.address) return text;
        if (!listener->address.is_wildcard()) continue;
        const auto ours = own_addresses();
        const bool is_ours =
            hop.address.is_loopback() || std::find(ours.begin(), ours.end(), hop.address) != ours.end();
        if (is_ours) return text;
    }
    return "";
}

void note_next_hops(Config& config) {
    const auto& hops = config.next_hops.all();
    if (hops.empty()) {
        config.warnings.emplace_back(
            "there is no [[next_hop]]: no mail can be passed on, every recipient is answered 451 4.4.4");
        return;
    }
    for (const auto& entry : config.smtp.relay_domains) {
        if (config.next_hops.pick(entry.starts_with("*.") ? entry.substr(2) : entry) != nullptr) continue;
        config.warnings.push_back(fmt::format("{}smtp.relay_domains: no [[next_hop]] takes mail for {}",
                                              config.at(File::gatehouse, "smtp.relay_domains"), entry));
    }
    const auto* written = base::find_path(config.trees.gatehouse, "next_hop");
    for (std::size_t i = 0; i < hops.size(); ++i) {
        for (const auto& address : hops[i].addresses) {
            const std::string listener = own_listener(config, address);
            if (listener.empty()) continue;
            config.warnings.push_back(fmt::format(
                "{}: next_hop {}: {} is our own smtp.listen {}: mail would go round in a loop",
                written->array()->at(i).place().to_string(), hops[i].domain, address.to_string(), listener));
        }
    }
}

void note_hand_off(Config& config, const base::Value& action) {
    const auto* host = action.table() == nullptr ? nullptr : action.find("host");
    if (host == nullptr || host->text() == nullptr) return;
    const auto endpoint = base::Endpoint::parse(*host->text());
    const std::string listener = endpoint ? own_listener(config, *endpoint) : "";
    if (listener.empty()) return;
    config.warnings.push_back(
        fmt::format("{}: hand_off to {} is our own smtp.listen {}: mail would go round in a loop",
                    host->place().to_string(), *host->text(), listener));
}

/// What rules name in place of a next hop.
void note_hand_offs(Config& config) {
    const auto* rules = base::find_path(config.trees.policy, "rule");
    if (rules == nullptr || rules->array() == nullptr) return;
    for (const auto& rule : *rules->array()) {
        const auto* then = rule.find("then");
        if (then == nullptr) continue;
        if (then->array() == nullptr) note_hand_off(config, *then);
        if (then->array() == nullptr) continue;
        for (const auto& action : *then->array()) note_hand_off(config, action);
    }
}

void note_relaying(Config& config) {
    if (!config.smtp.relay_domains.empty()) return;
    const bool has_permitted = !config.smtp.permitted_senders.empty();
    config.warnings.push_back(
        fmt::format("{}smtp.relay_domains is empty: {}", config.at(File::gatehouse, "smtp.relay_domains"),
                    has_permitted ? "only smtp.permitted_senders can send mail through this gateway"
                                  : "this gateway accepts mail for nobody (550 5.7.1)"));
}

}  // namespace

Result<void> check_zone_exists(const std::string& folder, const std::string& name) {
    std::error_code error;
    if (name == "UTC" || !fs::is_directory(folder, error)) return {};
    const auto known = zone_names(folder);
    if (std::find(known.begin(), known.end(), name) != known.end()) return {};
    if (known.empty() && fs::is_regular_file(fs::path(folder) / name, error)) return {};
    const auto near = base::nearest(name, known);
    return base::fail(Fault::usage, "no time zone is called \"{}\"{}", base::printable(name, 80),
                      near ? fmt::format("; did you mean {}?", *near) : std::string());
}

Result<void> check_machine(Config& config) {
    if (config.smtp.listen.empty()) {
        return base::fail(Fault::usage, "{}smtp.listen is empty: there must be an address to accept mail on",
                          config.at(File::gatehouse, "smtp.listen"));
    }
    GATEHOUSE_CHECK(check_zone(config));
    GATEHOUSE_CHECK(check_certificate(config));
    GATEHOUSE_CHECK(check_engine(config));
    note_next_hops(config);
    note_hand_offs(config);
    note_relaying(config);
    return {};
}

}  // namespace gatehouse::apps
