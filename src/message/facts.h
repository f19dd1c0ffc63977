// What inspection found: a pure function of the message's bytes, the databases and the inspection settings.
// Facts never hold time or load; `Micros` are filled by a Stopwatch that is null in tests and replay.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "message/evidence.h"

namespace gatehouse::message {

struct Part {
    std::string path;          ///< "2:a.zip/b.exe": section number, then name (or type), then members
    std::string claimed_type;  ///< Content-Type as declared, "text/plain" when absent
    std::string type;          ///< by content; empty until known
    std::string name;          ///< decoded file name, UTF-8; may be empty
    std::uint64_t size = 0;    ///< decoded octets
    std::string sha256;        ///< 32 raw bytes of the decoded content
    bool attachment = false;
    std::string similarity = {};  ///< TLSH, "T1..." (inspect/find/similarity.h); may be empty
    bool operator==(const Part&) const = default;
};

struct Url {
    std::string url;
    std::string canonical;
    std::string host;
    std::string where;
    std::int32_t score = -1;  ///< -1 = never looked up
    std::vector<std::string> categories;
    std::string source;
    std::vector<std::string> flags = {};  ///< what is odd about it: "userinfo", "ip", "idn", "mismatch" ...
    bool operator==(const Url&) const = default;
};

/// The few header values that tracking and people search for; decoded, cut to sane lengths.
struct HeaderSummary {
    std::string message_id;
    std::string subject;
    std::vector<std::string> from;
    std::vector<std::string> to;
    std::string date;
    std::uint32_t received_count = 0;
    bool from_list = false;              ///< List-Id, List-Post (RFC 2919, 2369) or Precedence: list
    std::string list_id;                 ///< of List-Id, without the angle brackets
    std::vector<std::string> list_post;  ///< addresses of List-Post
    bool operator==(const HeaderSummary&) const = default;
};

struct Micros {
    std::uint64_t parse = 0;
    std::uint64_t open = 0;
    std::uint64_t detect = 0;
    std::uint64_t total = 0;
    bool operator==(const Micros&) const = default;
};

struct Facts {
    std::string sha256;  ///< of the whole message as received, 32 raw bytes
    std::uint64_t size = 0;
    HeaderSummary header;
    std::vector<Part> parts;
    std::vector<Url> urls;
    std::vector<Evidence> evidence;
    Coverage coverage;
    bool header_is_8bit = false;     ///< raw bytes >= 0x80 in a header: needs SMTPUTF8 or luck downstream
    std::uint64_t header_bytes = 0;  ///< offset of the body; 0 = no header
    /// Names of top-level fields that may not pass: those that begin with X-Gatehouse- or X-Spam-. As
    /// written, each once. Empty = there is nothing to take out, and the message is not rewritten for it.
    std::vector<std::string> stripped_headers;
    /// The authserv-id of every top-level Authentication-Results, lower case, each once (RFC 8601 2.2). The
    /// inspector does not know our own name; decide compares.
    std::vector<std::string> authserv_ids;
    /// Which keyword lists were looked for (digest_of, 32 raw bytes); empty = none.
    std::string expressions = {};
    /// 64 min-hash slots over the text that people read (inspect/find/min_hash.h), 256 raw bytes; empty when
    /// there is too little.
    std::string fingerprint = {};
    Micros micros;
    bool operator==(const Facts&) const = default;
};

}  // namespace gatehouse::message
