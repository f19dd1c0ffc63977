// gatehouse track, explain, quarantine, queue: questions to the desk.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <functional>

#include "apps/gatehouse/commands.h"
#include "apps/gatehouse/local_desk.h"
#include "apps/gatehouse/print.h"
#include "apps/gatehouse/report.h"
#include "base/ip_address.h"
#include "base/text.h"

namespace gatehouse::apps {

namespace json = boost::json;

namespace {

struct Asked {
    pb::ControlEnd end;
    std::vector<std::string> rows;
};

using RowSink = std::function<void(std::string_view row)>;

base::Result<pb::ControlEnd> ask(const Globals& globals, const pb::ControlRequest& request,
                                 const RowSink& row) {
    GATEHOUSE_TRY(const auto config, load_places(find_config(globals.config)));
    return ask_desk(config, request, {row, [](std::string_view bytes) {
                                          std::fwrite(bytes.data(), 1, bytes.size(), stdout);
                                      }});
}

base::Result<Asked> ask(const Globals& globals, const pb::ControlRequest& request) {
    Asked asked;
    GATEHOUSE_TRY(asked.end,
                  ask(globals, request, [&](std::string_view row) { asked.rows.emplace_back(row); }));
    return asked;
}

/// What is empty in the data and says something to people.
json::object for_people(json::object row) {
    const auto is_empty = [&](std::string_view key) {
        const auto* value = row.if_contains(key);
        return value != nullptr && value->is_string() && value->get_string().empty();
    };
    const auto* to = row.if_contains("to");
    const bool has_recipient = to != nullptr && !cell(*to).empty();
    if (has_recipient && is_empty("from")) row["from"] = "<>";
    if (const auto* attempt = row.if_contains("attempt"); attempt != nullptr) {
        const std::string number = cell(*attempt);
        row["attempt"] = number == "0" ? "" : "release " + number;
    }
    return row;
}

/// JSON lines, or a table (another one every so often: a million rows fit nowhere); then what the desk said.
int show(const Globals& globals, const pb::ControlRequest& request, const std::vector<Column>& columns) {
    constexpr std::size_t kMostInTable = 10'000;
    std::vector<json::object> objects;
    const auto print_row = [&](std::string_view row) {
        if (globals.json) {
            fmt::print("{}\n", row);
            return;
        }
        objects.push_back(for_people(parse_row(row)));
        if (objects.size() < kMostInTable) return;
        print_table(columns, objects);
        objects.clear();
    };
    const auto end = ask(globals, request, print_row);
    print_table(columns, objects);
    if (!end) return report(globals, end.error());
    if (globals.json && end->exit_class() == 0) return 0;
    // Nothing found is an answer: no row.
    return end->exit_class() == 1 ? report_end(*end) : report_end(globals, *end);
}

/// What the user is called; whoever writes it down adds the uid that the kernel tells.
std::string who() {
    const char* user = std::getenv("SUDO_USER");
    if (user == nullptr) user = std::getenv("USER");
    return user == nullptr ? "" : user;
}

base::Result<std::int64_t> moment(const std::string& text) {
    if (text.empty()) return 0;
    const auto time = parse_since(text);
    if (time) return *time;
    return base::fail(base::Fault::usage,
                      "\"{}\" is no time; write 2h, 30d, 2026-06-01 or 2026-06-01T00:00:00Z",
                      base::printable(text, 60));
}

/// What was said of each; the worst of the exit classes.
template <typename AskOne>
int for_each(const Globals& globals, const std::vector<std::string>& ids, const AskOne& ask_one) {
    int worst = 0;
    for (const auto& id : ids) {
        const base::Result<Asked> asked = ask_one(id);
        if (!asked) {
            worst = std::max(worst, report(globals, asked.error()));
            continue;
        }
        for (const auto& row : asked->rows) {
            if (globals.json) {
                fmt::print("{}\n", row);
            } else {
                print_object(parse_row(row));
            }
        }
        worst = std::max(worst, report_end(globals, asked->end));
    }
    return worst;
}

}  // namespace

int command_track(const Globals& globals, const TrackWords& words) {
    pb::ControlRequest request;
    auto& track = *request.mutable_track();
    track.set_from(words.from);
    track.set_to(words.to);
    track.set_subject(words.subject);
    const auto since = moment(words.since);
    if (!since) return report(globals, since.error());
    const auto until = moment(words.until);
    if (!until) return report(globals, until.error());
    track.set_since_us(*since);
    track.set_until_us(*until);
    track.set_verdict(words.verdict);
    track.set_outcome(words.outcome);
    track.set_limit(words.limit);
    track.set_reference(words.reference);
    if (!words.client.empty()) {
        const auto client = base::IpAddress::parse(words.client);
        if (!client) return report_usage(globals, "--client: " + client.error().sentence);
        track.set_client(client->to_string());
    }
    return show(globals, request,
                {{"received", "received", 20},
                 {"reference", "reference", 19},
                 {"attempt", "attempt", 11, true},
                 {"from", "from", 32},
                 {"to", "to", 32},
                 {"verdict", "verdict", 11},
                 {"outcome", "outcome", 11},
                 {"reply", "reply", 48},
                 {"subject", "subject", 40}});
}

int command_explain(const Globals& globals, const std::string& reference) {
    pb::ControlRequest request;
    request.mutable_explain()->set_reference(reference);
    const auto asked = ask(globals, request);
    if (!asked) return report(globals, asked.error());
    for (const auto& row : asked->rows) {
        const auto object = parse_row(row);
        const auto* text = object.if_contains("words");
        if (globals.json || text == nullptr) {
            fmt::print("{}\n", row);
        } else {
            fmt::print("{}\n", cell(*text));
        }
    }
    return asked->rows.empty() ? report_end(globals, asked->end) : static_cast<int>(asked->end.exit_class());
}

int command_quarantine(const Globals& globals, const QuarantineWords& words) {
    pb::ControlRequest request;
    auto& quarantine = *request.mutable_quarantine();
    quarantine.set_who(who());
    quarantine.set_why(words.why);
    quarantine.set_raw(words.raw);
    quarantine.set_limit(words.limit);
    if (words.verb == "list") {
        return show(globals, request,
                    {{"id", "id", 24},
                     {"created", "created", 20},
                     {"state", "state", 8},
                     {"verdict", "verdict", 11},
                     {"rule", "rule", 28},
                     {"from", "from", 30},
                     {"to", "to", 30},
                     {"subject", "subject", 40}});
    }
    quarantine.set_verb(words.verb == "show"      ? pb::QuarantineRequest::SHOW
                        : words.verb == "release" ? pb::QuarantineRequest::RELEASE
                                                  : pb::QuarantineRequest::DELETE);
    return for_each(globals, words.ids, [&](const std::string& id) {
        quarantine.set_id(id);
        return ask(globals, request);
    });
}

int command_queue(const Globals& globals, const QueueWords& words) {
    pb::ControlRequest request;
    auto& queue = *request.mutable_queue();
    queue.set_who(who());
    queue.set_lane(words.lane);
    queue.set_from(words.from);
    queue.set_to(words.to);
    queue.set_held(words.held);
    queue.set_raw(words.raw);
    queue.set_notify(words.notify);
    queue.set_limit(words.limit);
    if (words.verb == "list") {
        return show(globals, request,
                    {{"id", "id", 24},
                     {"state", "state", 9},
                     {"next_hop", "next hop", 24},
                     {"queued", "queued", 20},
                     {"due", "due", 20},
                     {"attempts", "attempts", 8},
                     {"from", "from", 30},
                     {"to", "to", 30},
                     {"last", "last", 48}});
    }
    if (words.verb == "flush") {
        queue.set_verb(pb::QueueRequest::FLUSH);
        const auto asked = ask(globals, request);
        return asked ? report_end(globals, asked->end) : report(globals, asked.error());
    }
    queue.set_verb(words.verb == "show"      ? pb::QueueRequest::SHOW
                   : words.verb == "hold"    ? pb::QueueRequest::HOLD
                   : words.verb == "release" ? pb::QueueRequest::RELEASE
                                             : pb::QueueRequest::DELETE);
    return for_each(globals, words.ids, [&](const std::string& id) {
        queue.set_id(id);
        return ask(globals, request);
    });
}

}  // namespace gatehouse::apps
