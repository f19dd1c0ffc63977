#include "consult/engines/clamd_control.h"

#include <poll.h>

#include <array>
#include <cerrno>
#include <deque>
#include <optional>

#include "base/digest.h"
#include "base/fd_passing.h"
#include "base/time.h"
#include "consult/engines/clamd_reply.h"
#include "ipc/channel.h"
#include "ipc/memfd.h"

namespace gatehouse::consult::engines {

using base::Fault;
using base::Result;

namespace {

using Time = std::chrono::steady_clock::time_point;

int milliseconds_until(Time end) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

Result<void> wait_readable(int socket, Time end) {
    while (true) {
        pollfd wanted{.fd = socket, .events = POLLIN, .revents = 0};
        const int ready = ::poll(&wanted, 1, milliseconds_until(end));
        if (ready > 0) return {};
        if (ready == 0) return base::fail(Fault::timed_out, "the engine did not answer in time");
        if (errno != EINTR)
            return base::fail_errno(Fault::unavailable, "waiting for the engine failed", errno);
    }
}

Result<std::string> read_reply(int socket, Time end) {
    ReplyBuffer buffer;
    std::deque<base::Fd> unwanted;
    while (true) {
        GATEHOUSE_TRY(auto reply, buffer.next());
        if (reply) return std::move(*reply);
        GATEHOUSE_CHECK(wait_readable(socket, end));
        std::array<char, kMaxReply> block;
        GATEHOUSE_TRY(const std::size_t got, base::receive_with_fds(socket, block, unwanted));
        if (got == 0) return base::fail(Fault::unavailable, "the engine closed the connection");
        buffer.append(std::string_view(block.data(), got));
    }
}

Result<std::string> exchange(const std::string& socket, std::string_view command, int fd, Time end) {
    GATEHOUSE_TRY(const base::Fd connection, ipc::connect_unix_now(socket));
    GATEHOUSE_CHECK(send_command(connection.get(), command, fd));
    return read_reply(connection.get(), end);
}

}  // namespace

Result<void> send_command(int connection, std::string_view command, int fd) {
    std::string words = "z" + std::string(command) + '\0';
    const std::array<int, 1> fds{fd};
    std::span<const int> passed;
    if (fd >= 0) {
        words.push_back('\0');  // the byte that clamd expects the descriptor with
        passed = fds;
    }
    GATEHOUSE_TRY(const std::size_t sent, base::send_with_fds(connection, words, {}, passed));
    if (sent != words.size()) return base::fail(Fault::unavailable, "the engine does not read");
    return {};
}

Result<std::string> ask_clamd(const std::string& socket, std::string_view command,
                              std::chrono::milliseconds patience) {
    return exchange(socket, command, -1, std::chrono::steady_clock::now() + patience);
}

Result<base::Fd> make_probe_file() {
    GATEHOUSE_TRY(auto file, ipc::Memfd::make("engine-probe"));
    GATEHOUSE_CHECK(file.append(generation_probe()));
    return std::move(file).seal();
}

Result<std::uint64_t> generation_from_probe(std::string_view reply, std::string_view version) {
    const auto parsed = parse_reply(reply);
    if (parsed.kind == Reply::Kind::found) {
        if (const auto generation = generation_of(parsed.text)) return *generation;
    }
    if (parsed.kind != Reply::Kind::ok && parsed.kind != Reply::Kind::found) {
        return base::fail(Fault::unavailable, "the engine does not scan: {}", parsed.text);
    }
    return base::checksum64(version) | 1;  // without our signatures; never 0
}

Result<ClamdProbe> probe_clamd(const std::string& socket, std::chrono::milliseconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    ClamdProbe out;
    GATEHOUSE_TRY(out.version, exchange(socket, "VERSION", -1, end));
    out.version = parse_reply(out.version).text;
    GATEHOUSE_TRY(const base::Fd file, make_probe_file());
    GATEHOUSE_TRY(const std::string reply, exchange(socket, "FILDES", file.get(), end));
    GATEHOUSE_TRY(out.generation, generation_from_probe(reply, out.version));
    return out;
}

}  // namespace gatehouse::consult::engines
