// Single questions to clamd by a blocking socket: readiness, version, RELOAD. Used by the supervisor, by
// `gatehouse scan` and by tests; the front asks by coroutines (clamd_client.h). Every call ends within its
// time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace gatehouse::consult::engines {

/// The reply to a plain command such as "PING", "VERSION" or "RELOAD".
base::Result<std::string> ask_clamd(const std::string& socket, std::string_view command,
                                    std::chrono::milliseconds patience);

struct ClamdProbe {
    std::string version;
    std::uint64_t generation = 0;  ///< loaded; for somebody else's clamd, made from its version
};
/// One real scan, which proves more than PING: threads that answer, and which databases are loaded.
base::Result<ClamdProbe> probe_clamd(const std::string& socket, std::chrono::milliseconds patience);

/// Puts a command to a fresh connection, with a descriptor when `fd` >= 0 (FILDES). A few bytes on an empty
/// socket: they go whole, without waiting, or the engine is not well.
base::Result<void> send_command(int connection, std::string_view command, int fd);

/// A sealed memory file with the probe's bytes.
base::Result<base::Fd> make_probe_file();
/// What a reply to a scan of the probe, and the engine's version, say about the generation.
base::Result<std::uint64_t> generation_from_probe(std::string_view reply, std::string_view version);

}  // namespace gatehouse::consult::engines
