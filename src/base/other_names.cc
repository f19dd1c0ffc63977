#include "base/other_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace gatehouse::base {
namespace {

struct OtherName {
    std::string_view table;
    std::string_view key;
    std::string_view ours;
};
constexpr std::array kOtherNames{
    OtherName{"smtp", "mynetworks", "smtp.permitted_senders"},
    OtherName{"smtp", "trusted_networks", "smtp.permitted_senders"},
    OtherName{"smtp", "relay_from_hosts", "smtp.permitted_senders"},
    OtherName{"smtp", "mydestination", "smtp.relay_domains"},
    OtherName{"smtp", "domains", "smtp.relay_domains"},
    OtherName{"smtp", "relay_to_domains", "smtp.relay_domains"},
    OtherName{"smtp", "myhostname", "smtp.hostname"},
    OtherName{"smtp", "helo", "smtp.hostname"},
    OtherName{"smtp", "banner", "smtp.hostname"},
    OtherName{"smtp", "bind", "smtp.listen"},
    OtherName{"smtp", "port", "smtp.listen"},
    OtherName{"smtp", "address", "smtp.listen"},
    OtherName{"smtp", "inet_interfaces", "smtp.listen"},
    OtherName{"smtp", "message_size_limit", "smtp.max_message_size"},
    OtherName{"smtp", "recipient_limit", "smtp.max_recipients"},
    OtherName{"smtp", "cert", "smtp.tls_certificate"},
    OtherName{"smtp", "tls_cert_file", "smtp.tls_certificate"},
    OtherName{"smtp", "tls_key_file", "smtp.tls_key"},
    OtherName{"smtp", "relayhost", "next_hop.address, in a table [[next_hop]]"},
    OtherName{"smtp", "haproxy", "smtp.proxy_hosts"},
    OtherName{"", "relayhost", "next_hop.address, in a table [[next_hop]]"},
    OtherName{"", "transport", "next_hop"},
    OtherName{"", "route", "next_hop"},
    OtherName{"", "clamav", "antivirus"},
    OtherName{"", "clamd", "antivirus"},
    OtherName{"", "rules", "rule"},
    OtherName{"", "policy", "rule"},
    OtherName{"next_hop", "host", "next_hop.address"},
    OtherName{"next_hop", "server", "next_hop.address"},
    OtherName{"next_hop", "relay", "next_hop.address"},
    OtherName{"next_hop", "port", "next_hop.address, as \"192.0.2.1:25\""},
    OtherName{"admin", "bind", "admin.listen"},
    OtherName{"admin", "port", "admin.listen"},
    OtherName{"admin", "address", "admin.listen"},
    OtherName{"paths", "data", "paths.state"},
    OtherName{"paths", "spool", "paths.state"},
    OtherName{"paths", "rules", "paths.policy"},
    OtherName{"store", "path", "store.url"},
    OtherName{"store", "file", "store.url"},
    OtherName{"store", "dsn", "store.url"},
    OtherName{"antivirus", "socket", "antivirus.clamd, as \"unix:PATH\""},
    OtherName{"antivirus", "servers", "antivirus.clamd, as \"unix:PATH\""},
    OtherName{"antivirus", "signatures", "antivirus.database"},
    OtherName{"antispam", "required_score", "antispam.threshold"},
    OtherName{"antispam", "reject_score", "antispam.threshold"},
    OtherName{"rule", "action", "rule.then"},
    OtherName{"rule", "actions", "rule.then"},
    OtherName{"rule", "do", "rule.then"},
    OtherName{"rule", "if", "rule.when"},
    OtherName{"rule", "condition", "rule.when"},
    OtherName{"rule", "conditions", "rule.when"},
    OtherName{"rule", "match", "rule.when"},
    OtherName{"rule", "from", "rule.route.senders"},
    OtherName{"rule", "to", "rule.route.recipients"},
    OtherName{"rule", "direction", "rule.route.direction"},
    OtherName{"rule", "active", "rule.enabled"},
    OtherName{"rule", "disabled", "rule.enabled"},
    OtherName{"rule", "comment", "rule.notes"},
    OtherName{"rule", "description", "rule.notes"},
    OtherName{"rule", "priority", "to move the rule? Rules run in the order they are written"},
    OtherName{"rule", "order", "to move the rule? Rules run in the order they are written"},
    OtherName{"rule.route", "from", "rule.route.senders"},
    OtherName{"rule.route", "to", "rule.route.recipients"},
    OtherName{"rule.route", "rcpt", "rule.route.recipients"},
    OtherName{"rule.route", "addresses", "rule.route.users"},
    OtherName{"rule.when", "or", "rule.when.any"},
    OtherName{"rule.when", "one", "rule.when.any"},
    OtherName{"rule.when", "and", "rule.when.all"},
    OtherName{"rule.when", "not", "rule.when.none"},
    OtherName{"rule.when", "unless", "rule.when.none"},
    OtherName{"rule.when", "except", "rule.when.none"},
    OtherName{"rule.then", "type", "rule.then.action"},
    OtherName{"rule.then", "do", "rule.then.action"},
    OtherName{"rule.then", "header", "rule.then.name"},
    OtherName{"rule.then", "value", "rule.then.text"},
    OtherName{"rule.then", "reply", "rule.then.text"},
    OtherName{"rule.then", "message", "rule.then.text"},
    OtherName{"rule.then", "tag", "rule.then.text"},
};

}  // namespace

std::string did_you_mean(std::string_view table, std::string_view key,
                         const std::vector<std::string>& known) {
    const auto at = std::find_if(kOtherNames.begin(), kOtherNames.end(),
                                 [&](const OtherName& one) { return one.table == table && one.key == key; });
    if (at != kOtherNames.end()) {
        return fmt::format("; did you mean {}{}", at->ours, at->ours.contains('?') ? "" : "?");
    }
    const auto near = nearest(key, known);
    return near ? fmt::format("; did you mean {}?", *near) : std::string();
}

}  // namespace gatehouse::base
