#include "hops.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <map>
#include <optional>

#include "base/text.h"

namespace gatehouse::cases {

using base::Fault;
using base::Result;
using test::SinkMessage;
namespace json = boost::json;

namespace {

constexpr std::string_view kNoticeMark = "Content-Type: message/delivery-status\r\n\r\n";

/// Of the gateway itself; a case may send mail from <> of its own.
bool is_notice(const SinkMessage& message) {
    const auto content = message.content();
    return message.sender.empty() && content.contains("From: \"Mail gateway gateway.test\"") &&
           content.contains(kNoticeMark);
}

bool was_taken(const SinkMessage& message) {
    return message.code / 100 == 2;
}

json::array addresses(const SinkMessage& message) {
    json::array out;
    for (const auto& one : message.recipients) out.push_back(json::value(one.address));
    return out;
}

/// "ADDRESS PARAMETERS" as the hop heard it.
json::value heard(const std::string& address, const std::string& parameters) {
    return json::value(parameters.empty() ? fmt::format("<{}>", address)
                                          : fmt::format("<{}> {}", address, parameters));
}

std::map<std::string, std::string> fields_of(std::string_view group) {
    std::map<std::string, std::string> out;
    for (const auto line : base::split(group, '\n')) {
        const auto colon = line.find(": ");
        if (colon == std::string_view::npos) continue;
        out[base::lower(line.substr(0, colon))] = std::string(base::trim(line.substr(colon + 2)));
    }
    return out;
}

std::string without_type(const std::string& typed) {
    return typed.substr(std::min(typed.size(), typed.find("; ") + 2));
}

json::object notice_json(const SinkMessage& message, std::size_t hop) {
    const auto content = message.content();
    const auto begin = content.find(kNoticeMark) + kNoticeMark.size();
    const auto status = content.substr(begin, content.find("\r\n--", begin) - begin);
    json::array about;
    for (std::size_t at = 0; at < status.size();) {
        const auto end = std::min(status.find("\r\n\r\n", at), status.size());
        auto fields = fields_of(std::string_view(status).substr(at, end - at));
        at = end + 4;
        if (!fields.contains("final-recipient")) continue;
        const auto line = fmt::format("{} {} {}", without_type(fields["final-recipient"]), fields["action"],
                                      fields["status"]);
        about.push_back(json::value(line));
    }
    return {{"hop", hop},
            {"to", addresses(message)},
            {"about", std::move(about)},
            {"status", status},
            {"raw", content}};
}

struct Line {
    std::size_t hop = 0;
    std::string rest;  ///< "RCPT 2", "offer"; empty for the hop itself
};

std::optional<Line> line_of(const Script& script) {
    auto words = base::split(script.subject, ' ');
    if (words.size() < 2 || words[0] != "hop") return std::nullopt;
    const auto number = base::parse_unsigned(words[1]);
    if (!number || *number == 0 || *number > kHops) return std::nullopt;
    const auto begin = script.subject.find(words[1]) + words[1].size();
    return Line{*number, std::string(base::trim(std::string_view(script.subject).substr(begin)))};
}

}  // namespace

Result<Hops> Hops::start() {
    Hops out;
    for (auto& hop : out.hops_) {
        GATEHOUSE_TRY(hop.sink, test::Sink::start({}));
        hop.endpoint = hop.sink->endpoint();
    }
    return out;
}

std::vector<SinkMessage> Hops::Hop::messages() const {
    auto out = earlier;
    if (sink == nullptr) return out;
    for (auto& message : sink->messages()) out.push_back(std::move(message));
    return out;
}

/// The port stays ours: somebody else's sink there would take our mail.
Result<void> Hops::Hop::go_down() {
    if (sink == nullptr) return {};
    earlier = messages();
    sink.reset();
    kept = base::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int one = 1;
    ::setsockopt(kept.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(kept.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return {};
    return base::fail(Fault::unavailable, "the port of a hop that is down could not be kept");
}

Result<void> Hops::Hop::come_up(test::Script script) {
    if (sink != nullptr) {
        sink->set_script(std::move(script));
        return {};
    }
    kept = base::Fd();
    test::SinkOptions options;
    options.listen = endpoint.to_string();
    GATEHOUSE_TRY(sink, test::Sink::start(std::move(options), std::move(script)));
    return {};
}

Result<void> Hops::script(const CaseFile& file, const std::vector<Script>& lines) {
    std::map<std::size_t, std::optional<test::Script>> told;  // nothing = it is down
    for (const auto& one : lines) {
        const auto wrong = [&](std::string_view what) {
            return base::fail(Fault::usage, "{}:{}: {}", file.path, one.line, what);
        };
        const auto line = line_of(one);
        if (!line) return wrong(fmt::format("\"{}\": hops are `hop 1` to `hop {}`", one.subject, kHops));
        if (line->rest.empty() && one.value != "down" && one.value != "up")
            return wrong("a hop is up or down, or answers at a stage: `hop 1 RCPT 2 = 450 4.2.1 full`");
        const bool is_first = !told.contains(line->hop);
        auto& script = told[line->hop];
        if (is_first && one.value != "down") script.emplace();
        if (line->rest.empty()) {
            if (!is_first) return wrong("a hop that is up or down has no other line here");
            continue;
        }
        if (!script) return wrong("a hop that is down answers nothing");
        const bool is_nothing = line->rest == "offer" && one.value == "nothing";
        const auto added = script->add_line(fmt::format("{} = {}", line->rest, is_nothing ? "" : one.value));
        if (!added) return wrong(added.error().sentence);
    }
    for (auto& [number, script] : told) {
        auto& hop = hops_.at(number - 1);
        GATEHOUSE_CHECK(script ? hop.come_up(std::move(*script)) : hop.go_down());
    }
    return {};
}

std::vector<std::string> Hops::domains() {
    std::vector<std::string> out;
    for (std::size_t number = 1; number <= kHops; ++number)
        out.push_back(fmt::format("hop{}.example", number));
    return out;
}

std::string Hops::tables(const std::string& settings) const {
    std::string out;
    for (std::size_t number = 2; number <= kHops; ++number) {
        const auto domain = fmt::format("\"hop{}.example\"", number);
        if (settings.contains(domain)) continue;
        out += fmt::format("\n[[next_hop]]\ndomain = {}\naddress = \"{}\"\n", domain, address(number));
    }
    return out;
}

std::string Hops::address(std::size_t number) const {
    return hops_.at(number - 1).endpoint.to_string();
}

std::string Hops::with_addresses(std::string text) const {
    for (std::size_t number = 1; number <= kHops; ++number) {
        const auto mark = fmt::format("{{hop{}}}", number);
        for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark))
            text.replace(at, mark.size(), address(number));
    }
    return text;
}

json::object Hops::arrived(std::size_t number, const CaseFile& file) const {
    json::array raws;
    json::array to;
    json::array copies;
    json::array mail;
    json::array rcpt;
    bool unchanged = true;
    std::size_t dots = 0;
    for (const auto& message : hops_.at(number - 1).messages()) {
        if (is_notice(message)) continue;
        ++dots;
        if (!was_taken(message)) continue;
        const auto content = message.content();
        unchanged = unchanged && content.ends_with(file.message);
        raws.push_back(json::value(content));
        mail.push_back(heard(message.sender, message.parameters));
        std::vector<std::string> together;
        for (const auto& one : message.recipients) {
            to.push_back(json::value(one.address));
            rcpt.push_back(heard(one.address, one.parameters));
            together.push_back(one.address);
        }
        copies.push_back(json::value(fmt::format("{}", fmt::join(together, " "))));
    }
    const auto delivered = raws.size();
    return {{"delivered", delivered},
            {"to", std::move(to)},
            {"copies", std::move(copies)},
            {"mail", std::move(mail)},
            {"rcpt", std::move(rcpt)},
            {"unchanged", unchanged && delivered > 0},
            {"dots", dots},
            {"raw", std::move(raws)}};
}

json::array Hops::notices() const {
    json::array out;
    for (std::size_t number = 1; number <= kHops; ++number) {
        for (const auto& message : hops_.at(number - 1).messages()) {
            if (was_taken(message) && is_notice(message)) out.push_back(notice_json(message, number));
        }
    }
    return out;
}

}  // namespace gatehouse::cases
