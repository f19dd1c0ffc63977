#include "admin/http.h"

#include <fmt/format.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>

namespace gatehouse::admin {

namespace http = boost::beast::http;
using Parser = http::request_parser<http::empty_body>;

namespace {

base::SteadyTime deadline_after(std::chrono::seconds time) {
    return std::chrono::steady_clock::now() + time;
}

/// Reads until the parser has a whole request head; false = close the connection.
net::Task<bool> read_head(net::Stream& stream, Parser& parser, std::string& pending,
                          const HttpLimits& limits) {
    std::array<char, 4096> block;
    while (true) {
        boost::system::error_code error;
        if (!pending.empty()) {
            const std::size_t used = parser.put(boost::asio::buffer(pending), error);
            pending.erase(0, used);
        }
        if (parser.is_done()) co_return true;
        if (error && error != http::error::need_more) co_return false;
        if (pending.size() > limits.header_bytes) co_return false;
        const auto got = co_await stream.read_some(block, deadline_after(limits.idle));
        if (!got || *got == 0) co_return false;
        pending.append(block.data(), *got);
    }
}

std::string render(const HttpResponse& response, bool head_only, bool keep_alive) {
    const auto reason = http::obsolete_reason(static_cast<http::status>(response.status));
    std::string out = fmt::format(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: {}\r\n"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n"
        "Referrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'; style-src "
        "'unsafe-inline'\r\n"
        "Strict-Transport-Security: max-age=31536000\r\n\r\n",
        response.status, std::string_view(reason.data(), reason.size()), response.content_type,
        response.body.size(), keep_alive ? "keep-alive" : "close");
    if (!head_only) out += response.body;
    return out;
}

net::Task<HttpResponse> answer(const HttpHandler& handler, const HttpRequest& request) {
    if (request.method != "GET" && request.method != "HEAD") {
        co_return HttpResponse{405, "text/plain; charset=utf-8", "only GET and HEAD are served here\n"};
    }
    co_return co_await handler(request);
}

}  // namespace

net::Task<void> serve_http(net::Stream stream, const HttpHandler& handler, HttpLimits limits) {
    std::string pending;
    for (std::uint32_t served = 0; served < limits.requests_per_connection; ++served) {
        Parser parser;
        parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
        parser.body_limit(0);
        parser.eager(true);
        const bool whole = co_await read_head(stream, parser, pending, limits);
        if (!whole) break;
        const auto method = parser.get().method_string();
        const auto target = parser.get().target();
        const HttpRequest request{std::string(method), std::string(target)};
        const HttpResponse response = co_await answer(handler, request);
        const bool keep_alive = parser.get().keep_alive();
        const std::string text = render(response, request.method == "HEAD", keep_alive);
        const auto written = co_await stream.write_all(text, deadline_after(limits.idle));
        if (!written || !keep_alive) break;
    }
    stream.close();
}

}  // namespace gatehouse::admin
