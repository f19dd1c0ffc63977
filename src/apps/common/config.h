// The configuration of one start: the three files found, parsed, checked as a whole against every module's
// field table, and filled into the modules' structs. A Config that exists is good; anything wrong is one
// sentence with file, line, key and what is allowed. Roles do not open files: the supervisor hands them the
// texts (write_start / read).
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "act/delivery/next_hop.h"
#include "act/queue/settings.h"
#include "admin/settings.h"
#include "apps/common/settings.h"
#include "base/evidence_id.h"
#include "base/result.h"
#include "consult/engines/clamd_config.h"
#include "consult/engines/settings.h"
#include "inspect/engine/settings.h"
#include "inspect/pool/settings.h"
#include "message/revision.h"
#include "receive/smtp/settings.h"
#include "record/settings.h"
#include "settings/text/catalogue.h"

namespace gatehouse::pb {
class RoleStart;
}

namespace gatehouse::apps {

/// Where the engine's socket is; empty = no engine.
base::Result<std::string> engine_socket(const class Config& config);

/// A path of a configuration file, which counts from its folder.
std::string path_beside(const std::string& folder, const std::string& path);

/// Every table of this version, each with its file: `config reference` prints this list.
const settings::text::Catalogue& catalogue();

struct ConfigTexts {
    std::string path;          ///< of gatehouse.toml as named; empty = built-in defaults
    std::string folder = ".";  ///< what relative paths count from
    std::string gatehouse;
    std::string settings;  ///< built-in text where the file does not exist
    std::string policy;
    bool settings_is_built_in = false;
    bool policy_is_built_in = false;
};

class Config {
  public:
    /// `known`: see decide::make_policy; roles take what the supervisor has checked without it.
    static base::Result<Config> read(ConfigTexts texts, std::span<const base::EvidenceInfo> known = {});
    /// Of gatehouse.toml alone, and of it [paths], [store] and [admin]; everything else has its default.
    static base::Result<Config> read_places(ConfigTexts texts);

    receive::smtp::SmtpSettings smtp;
    receive::smtp::LimitSettings limits;
    act::delivery::DeliverySettings delivery;
    act::delivery::NextHops next_hops;
    act::queue::QueueSettings queue;
    admin::AdminSettings admin;
    consult::engines::AntivirusSettings antivirus;
    inspect::pool::InspectSettings inspect;
    inspect::engine::Settings inspector;  ///< what a zygote is told
    PathSettings paths;
    StoreSettings store;
    ProcessSettings process;
    record::RetentionSettings retention;
    TestingSettings testing;
    message::Revision revision;
    settings::text::Trees trees;
    ConfigTexts texts;
    bool roles_stay_root = false;    ///< the state folder cannot be reached by another user
    std::vector<std::string> notes;  ///< what could not be applied, for start and `status`
    /// What is allowed and hardly meant, for `config check`, the log and `status`; begins with file and line.
    std::vector<std::string> warnings;

    /// "gatehouse.toml:12: " for the beginning of a sentence about a key; "" when it is not written anywhere.
    std::string at(settings::text::File file, std::string_view dotted_key) const;
    std::string state_path(const std::string& below) const;
    std::string database_path() const;
    std::string origin_name() const { return texts.path.empty() ? "built-in defaults" : texts.path; }
    std::size_t front_threads() const;
    std::string hostname() const;
    /// general.time_zone
    std::string time_zone() const;
    consult::engines::ClamdLimits engine_limits() const;
    std::chrono::seconds engine_time() const;  ///< for one answer, waiting for a turn included
    bool is_testing() const;
    std::string demo_sink_address() const;

    /// Lower rights of a role when started as root: by name (gatehouse-front ...) or fixed numbers; 0 = stay.
    unsigned role_uid(const std::string& role) const;
    unsigned group_id() const;
    /// The engine's own: it shares no file with the roles but its socket.
    unsigned engine_group() const;

    void write_start(pb::RoleStart& start) const;
    static base::Result<Config> from_start(const pb::RoleStart& start);

    /// Whether a running gateway can take `fresh` without a full stop (ports, state folder and store stay).
    base::Result<void> check_exchange(const Config& fresh) const;
};

/// --config FILE, else $GATEHOUSE_CONFIG, ./gatehouse.toml, ./var/gatehouse.toml,
/// /etc/gatehouse/gatehouse.toml, else empty (built-in defaults).
std::string find_config(const std::string& named);
/// Checked against the machine, too (check_machine.h).
base::Result<Config> load_config(const std::string& path);
/// Where the state folder, its sockets and stores are, for commands that ask: they must work while other
/// parts of the configuration are broken.
base::Result<Config> load_places(const std::string& path);

}  // namespace gatehouse::apps
