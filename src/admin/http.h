// A small HTTP/1.1 server side over net::Stream: GET and HEAD, keep-alive, bounded headers, no bodies taken.
// Enough for health, metrics and the status page; the REST API and the console grow on the same face. Runs on
// one event loop; a connection that stays silent is closed by its deadline.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "net/asio.h"
#include "net/stream.h"

namespace gatehouse::admin {

struct HttpRequest {
    std::string method;
    std::string target;  ///< as sent, without interpretation
};

struct HttpResponse {
    unsigned status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
};

using HttpHandler = std::function<net::Task<HttpResponse>(HttpRequest)>;

struct HttpLimits {
    std::size_t header_bytes = 16 * 1024;
    std::chrono::seconds idle{30};
    std::uint32_t requests_per_connection = 1000;
};

/// Serves requests until the peer ends, misbehaves or is idle too long.
net::Task<void> serve_http(net::Stream stream, const HttpHandler& handler, HttpLimits limits);

}  // namespace gatehouse::admin
