// What the admin role serves before the console exists: /healthz, /readyz, /metrics and one status page. It
// opens no store and no content: everything comes from the owners' control sockets through AdminSources.
#pragma once

#include <string>
#include <vector>

#include "admin/http.h"
#include "base/result.h"
#include "net/asio.h"

namespace gatehouse::admin {

/// Asks the other roles. apps implements it over the control sockets; each answer is a list of JSON objects.
class AdminSources {
  public:
    virtual ~AdminSources() = default;
    virtual net::Task<base::Result<std::vector<std::string>>> status() = 0;
    virtual net::Task<base::Result<std::vector<std::string>>> metrics() = 0;
};

/// /healthz answers 200 while this process runs; /readyz 200 only when the front takes mail.
HttpHandler make_pages(AdminSources& sources);

/// The status rows as a page a person reads; every value is escaped.
std::string render_status_page(const std::vector<std::string>& json_rows);

}  // namespace gatehouse::admin
