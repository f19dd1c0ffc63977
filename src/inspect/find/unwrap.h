// Links within links: what protection services, counters and redirectors wrapped, and URLs that stand in the
// query or path of others. Used by url_list.cc, which asks again for what comes out. Sources: the observed
// forms of each service; see docs/inspection.md. Pure, total, thread-safe, linear in the URL.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "inspect/format/url.h"

namespace gatehouse::inspect::find {

struct Inner {
    std::string url;           ///< as text, to be parsed
    std::string_view wrapper;  ///< the service's name; empty: found in the query, path or fragment
};

/// One layer: nothing for most URLs. At most 16.
std::vector<Inner> unwrap(const format::Url& url);

}  // namespace gatehouse::inspect::find
