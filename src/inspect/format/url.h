// URLs as browsers read them: the parser and serialiser of https://url.spec.whatwg.org (2025), for UTF-8
// documents. Used by inspect/find for everything that navigates. Pure, thread-safe, total; linear in the
// input but for names in Unicode (idna.h limits them).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/format/url_host.h"

namespace gatehouse::inspect::format {

struct Url {
    std::string scheme;  ///< lower case, without ':'
    std::string username;
    std::string password;
    UrlHost host;
    std::optional<std::uint16_t> port;  ///< nothing: the scheme's own
    std::vector<std::string> path;      ///< segments; one whole text when has_opaque_path
    bool has_opaque_path = false;       ///< as of mailto: and data:
    std::optional<std::string> query;
    std::optional<std::string> fragment;

    bool is_special() const;  ///< http, https, ftp, ws, wss, file
    std::string path_text() const;
    std::string href() const;
    /// The canonical form that records and policies use: href without username and password.
    std::string canonical() const;
};

/// Nothing when browsers refuse it. `base`: what relative references count from; null = none.
std::optional<Url> parse_url(std::string_view text, const Url* base = nullptr);

}  // namespace gatehouse::inspect::format
