// The one file that knows Boost.JSON's values; the text is written here, because the library prints 0.97 as
// 9.7E-1.
#include "message/json.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cmath>

#include "base/digest.h"
#include "base/text.h"

namespace gatehouse::message {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxText = std::size_t{64} * 1024;

json::string text(std::string_view bytes) {
    const std::string clean = base::printable(bytes, kMaxText);
    return json::string(clean.data(), clean.size());
}

double finite(double number) {
    return std::isfinite(number) ? number : 0.0;
}

json::array texts(const std::vector<std::string>& list) {
    json::array out;
    for (const auto& item : list) out.push_back(text(item));
    return out;
}

json::object coverage(std::span<const Gap> gaps) {
    json::array list;
    for (const auto& gap : gaps) {
        list.push_back(json::object{{"part", text(gap.part)}, {"reason", text(to_string(gap.reason))}});
    }
    return {{"complete", gaps.empty()}, {"gaps", std::move(list)}};
}

json::array evidence(std::span<const Evidence> items) {
    json::array out;
    for (const auto& item : items) {
        json::object facts;
        for (const auto& [key, value] : item.facts) facts[text(key)] = text(value);
        out.push_back(json::object{{"feature", text(item.feature)},
                                   {"id", text(item.id)},
                                   {"where", text(item.where)},
                                   {"confidence", finite(item.confidence)},
                                   {"text", text(item.text)},
                                   {"facts", std::move(facts)},
                                   {"source", text(item.source)}});
    }
    return out;
}

json::array urls(const Facts& facts) {
    json::array out;
    for (const auto& url : facts.urls) {
        out.push_back(json::object{{"url", text(url.url)},
                                   {"canonical", text(url.canonical)},
                                   {"host", text(url.host)},
                                   {"where", text(url.where)},
                                   {"score", url.score < 0 ? json::value() : json::value(url.score)},
                                   {"categories", texts(url.categories)},
                                   {"source", text(url.source)},
                                   {"flags", texts(url.flags)}});
    }
    return out;
}

json::array parts(const Facts& facts) {
    json::array out;
    for (const auto& part : facts.parts) {
        json::object one{{"path", text(part.path)}, {"claimed_type", text(part.claimed_type)},
                         {"type", text(part.type)}, {"name", text(part.name)},
                         {"size", part.size},       {"sha256", base::to_hex(part.sha256)}};
        if (!part.similarity.empty()) one["similarity"] = text(part.similarity);
        out.push_back(std::move(one));
    }
    return out;
}

json::array groups(const Decision& decision) {
    json::array out;
    for (const auto& group : decision.groups) {
        json::array actions;
        for (const auto& action : group.actions) actions.push_back(text(to_string(action.kind)));
        out.push_back(json::object{{"recipients", texts(group.recipients)},
                                   {"rule", text(group.rule)},
                                   {"actions", std::move(actions)},
                                   {"because", texts(group.because)}});
    }
    return out;
}

json::object micros(const Micros& from) {
    return {{"parse", from.parse}, {"open", from.open}, {"detect", from.detect}, {"total", from.total}};
}

std::string decimal(double number) {
    std::string out = fmt::format("{}", number);
    if (out.find_first_of(".e") == std::string::npos) out += ".0";
    return out;
}

void write(const json::value& value, std::string& out);

void write(const json::object& object, std::string& out) {
    out += '{';
    bool is_first = true;
    for (const auto& member : object) {
        if (!is_first) out += ", ";
        is_first = false;
        out += json::serialize(json::string_view(member.key()));
        out += ": ";
        write(member.value(), out);
    }
    out += '}';
}

void write(const json::array& array, std::string& out) {
    out += '[';
    bool is_first = true;
    for (const auto& member : array) {
        if (!is_first) out += ", ";
        is_first = false;
        write(member, out);
    }
    out += ']';
}

/// Recursion is as deep as the shape above, whatever the message was.
void write(const json::value& value, std::string& out) {
    if (value.is_object()) return write(value.get_object(), out);
    if (value.is_array()) return write(value.get_array(), out);
    out += value.is_double() ? decimal(value.get_double()) : json::serialize(value);
}

}  // namespace

std::string scan_json(const ScanResult& result) {
    const auto& facts = result.facts;
    const auto& decision = result.decision;
    json::object line;
    line["file"] = text(result.file);
    line["message_id"] = text(facts.header.message_id);
    line["sha256"] = base::to_hex(facts.sha256);
    line["verdict"] = text(to_string(decision.verdict));
    line["spam_score"] = finite(decision.spam_score);
    line["spam_threshold"] = finite(decision.spam_threshold);
    line["coverage"] = coverage(result.gaps);
    line["evidence"] = evidence(result.evidence);
    line["urls"] = urls(facts);
    line["parts"] = parts(facts);
    // null = not checked, which is not the result "none".
    line["auth"] =
        json::object{{"spf", nullptr}, {"dkim", json::array()}, {"dmarc", nullptr}, {"arc", nullptr}};
    if (!facts.fingerprint.empty()) line["fingerprint"] = base::to_hex(facts.fingerprint);
    line["decision"] = groups(decision);
    line["micros"] = micros(facts.micros);
    std::string out;
    write(line, out);
    return out;
}

}  // namespace gatehouse::message
