#include "admin/pages.h"

#include <algorithm>
#include <boost/json.hpp>

#include "admin/metrics.h"

namespace gatehouse::admin {
namespace {

constexpr std::string_view kPageHead =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Gatehouse</title>"
    "<meta name=\"viewport\" content=\"width=device-width\"><style>"
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:2rem "
    "auto;max-width:60rem;padding:0 1rem}"
    "h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;vertical-align:top;padding:.25rem .75rem;border-bottom:1px solid #8884}"
    "th{width:14rem;font-weight:600}td table th{width:auto}.rows th{font-weight:400;opacity:.7}"
    ".good,.bad{padding:.5rem .75rem;border-left:.4rem solid}.good{border-color:#2a7}.bad{border-color:#c33}"
    "</style></head><body><h1>Gatehouse</h1>";

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '&':
                out += "&amp;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

std::string render_value(const boost::json::value& value, int depth);

bool is_list_of_objects(const boost::json::array& list) {
    return !list.empty() &&
           std::all_of(list.begin(), list.end(), [](const auto& one) { return one.is_object(); });
}

/// One row each; the columns are the keys in the order in which they first appear.
std::string render_rows(const boost::json::array& list, int depth) {
    std::vector<std::string_view> columns;
    for (const auto& one : list) {
        for (const auto& [key, member] : one.get_object()) {
            if (std::find(columns.begin(), columns.end(), key) == columns.end()) columns.push_back(key);
        }
    }
    std::string out = "<table class=\"rows\"><tr>";
    for (const auto column : columns) out += "<th>" + escaped(column) + "</th>";
    out += "</tr>";
    for (const auto& one : list) {
        out += "<tr>";
        for (const auto column : columns) {
            const auto* member = one.get_object().if_contains(column);
            out += "<td>" + (member == nullptr ? std::string() : render_value(*member, depth + 1)) + "</td>";
        }
        out += "</tr>";
    }
    return out + "</table>";
}

// Depth is that of our own status objects; the bound only guards against a damaged peer.
std::string render_value(const boost::json::value& value, int depth) {
    if (depth > 6) return "...";
    if (value.is_object()) {
        std::string out = "<table>";
        for (const auto& [key, member] : value.get_object()) {
            out += "<tr><th>" + escaped(key) + "</th><td>" + render_value(member, depth + 1) + "</td></tr>";
        }
        return out + "</table>";
    }
    if (value.is_array()) {
        if (is_list_of_objects(value.get_array())) return render_rows(value.get_array(), depth);
        std::string out;
        for (const auto& member : value.get_array()) {
            if (!out.empty()) out += ", ";
            out += render_value(member, depth + 1);
        }
        return out.empty() ? "none" : out;
    }
    if (value.is_bool()) return value.get_bool() ? "yes" : "no";
    if (value.is_string()) return escaped(std::string_view(value.get_string()));
    if (value.is_null()) return "unknown";
    return escaped(boost::json::serialize(value));
}

bool front_is_ready(const std::vector<std::string>& rows) {
    for (const auto& text : rows) {
        boost::system::error_code error;
        const auto value = boost::json::parse(text, error);
        if (error || !value.is_object()) continue;
        const auto* role = value.get_object().if_contains("role");
        const auto* ready = value.get_object().if_contains("ready");
        if (role != nullptr && role->is_string() && role->get_string() == "front" && ready != nullptr &&
            ready->is_bool() && ready->get_bool()) {
            return true;
        }
    }
    return false;
}

net::Task<HttpResponse> ready_page(AdminSources& sources) {
    const auto rows = co_await sources.status();
    if (rows && front_is_ready(*rows)) co_return HttpResponse{200, "text/plain; charset=utf-8", "ready\n"};
    const std::string why = rows ? "the front does not take mail yet" : rows.error().sentence;
    co_return HttpResponse{503, "text/plain; charset=utf-8", "not ready: " + why + "\n"};
}

net::Task<HttpResponse> metrics_page(AdminSources& sources) {
    const auto rows = co_await sources.metrics();
    if (!rows) co_return HttpResponse{503, "text/plain; charset=utf-8", rows.error().sentence + "\n"};
    const auto metrics = parse_metric_rows(*rows);
    co_return HttpResponse{200, "text/plain; version=0.0.4; charset=utf-8", render_metrics(metrics)};
}

net::Task<HttpResponse> status_page(AdminSources& sources) {
    const auto rows = co_await sources.status();
    if (!rows) co_return HttpResponse{503, "text/plain; charset=utf-8", rows.error().sentence + "\n"};
    co_return HttpResponse{200, "text/html; charset=utf-8", render_status_page(*rows)};
}

net::Task<HttpResponse> route(AdminSources& sources, HttpRequest request) {
    const auto path = request.target.substr(0, request.target.find('?'));
    if (path == "/healthz") co_return HttpResponse{200, "text/plain; charset=utf-8", "ok\n"};
    if (path == "/readyz") co_return co_await ready_page(sources);
    if (path == "/metrics") co_return co_await metrics_page(sources);
    if (path == "/" || path == "/status") co_return co_await status_page(sources);
    co_return HttpResponse{404, "text/plain; charset=utf-8", "there is nothing at this address\n"};
}

}  // namespace

std::string render_status_page(const std::vector<std::string>& json_rows) {
    std::string out(kPageHead);
    out += front_is_ready(json_rows) ? "<p class=\"good\">Taking mail.</p>"
                                     : "<p class=\"bad\">Not taking mail: the front is not ready.</p>";
    for (const auto& text : json_rows) {
        boost::system::error_code error;
        const auto value = boost::json::parse(text, error);
        if (error || !value.is_object()) continue;
        const auto* role = value.get_object().if_contains("role");
        const auto name =
            role != nullptr && role->is_string() ? std::string_view(role->get_string()) : "role";
        out += "<h2>" + escaped(name) + "</h2>" + render_value(value, 0);
    }
    return out + "</body></html>\n";
}

HttpHandler make_pages(AdminSources& sources) {
    return [&sources](HttpRequest request) { return route(sources, std::move(request)); };
}

}  // namespace gatehouse::admin
