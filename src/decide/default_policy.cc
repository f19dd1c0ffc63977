#include "decide/default_policy.h"

namespace gatehouse::decide {

std::string_view default_policy_text() {
    return R"(# The rules of Gatehouse. Enabled rules run in the order written, until one whose action ends the
# evaluation (reject, defer, delete, quarantine) matches; after the last rule the message is delivered.
# `gatehouse config reference` lists everything a rule may say, `gatehouse config check` tries this file, and
# docs/policy.md explains it with examples such as:
#
#   [[rule]]
#   name = "Encrypted files for the board"
#   route = { direction = "incoming", recipients = ["board@example.com"] }
#   when = { any = ["gap.encrypted"], none = ["antivirus.match"] }
#   then = [{ action = "tag_subject", text = "[encrypted] " }]

[[rule]]
name = "Global antivirus rule"
kind = "antivirus"
notes = "The scanning exceptions of settings.toml act only while a rule of kind antivirus is enabled."
when = { any = ["antivirus.match"] }
then = ["quarantine"]

[[rule]]
name = "Default spam rule"
notes = "Matches from the score of [antispam] on. Nothing in this version gives a score yet."
route = { direction = "incoming" }
when = { any = ["spam"] }
then = ["quarantine"]
)";
}

std::string_view default_settings_text() {
    return R"(# What the rules refer to, and the features. Everything here has these defaults; `gatehouse config
# reference` explains each key.

[general]
# Our own domains decide what is incoming and outgoing: ["example.com", "*@*.example.com"].
internal_addresses = []
time_zone = "UTC"

[antivirus]
# While a malware engine is away mail is answered 451 for this long, then the exception below applies.
grace = "10 min"

# What cannot be scanned. do_not_intercept, quarantine, delete, reject or defer.
[antivirus.exceptions]
message_size = "30 MiB"
recipients = 1000
limits = "quarantine"
malformed = "quarantine"
encrypted = "do_not_intercept"
unscannable = "quarantine"
engine_unavailable = "quarantine"
)";
}

}  // namespace gatehouse::decide
