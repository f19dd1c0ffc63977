#include "act/delivery/hop_connection.h"

#include "act/delivery/dot_stuffing.h"

namespace gatehouse::act::delivery {

using base::fail;
using base::Fault;
using base::Result;
using base::SteadyTime;
using Next = ClientMachine::Next;

std::string HopInfo::to_string() const {
    std::string out = address;
    if (!tls_version.empty()) out += tls_verified ? " tls verified" : " tls";
    if (tls_fallback) out += " clear after failed tls";
    return out;
}

net::Task<Result<void>> HopConnection::greet(net::TlsContext& tls, const std::string& name,
                                             SteadyTime deadline) {
    for (Next next = machine_.next(); next != Next::ready; next = machine_.next()) {
        if (next == Next::failed) co_return std::unexpected(machine_.failure());
        if (next == Next::send) {
            const auto sent = co_await flush(deadline);
            GATEHOUSE_CO_CHECK(sent);
        } else if (next == Next::receive) {
            const auto read = co_await read_more(deadline);
            GATEHOUSE_CO_CHECK(read);
        } else {
            const auto secured = co_await stream_.connect_tls(tls, name, deadline);
            tls_failed_ = !secured;
            GATEHOUSE_CO_CHECK(secured);
            machine_.secured();
        }
    }
    if (const auto session = stream_.tls()) {
        info_.tls_version = session->version;
        info_.tls_cipher = session->cipher;
        info_.tls_verified = session->verified;
    }
    co_return Result<void>{};
}

net::Task<Result<void>> HopConnection::flush(SteadyTime deadline) {
    if (machine_.output().empty()) co_return Result<void>{};
    const auto sent = co_await stream_.write_all(machine_.output(), deadline);
    GATEHOUSE_CO_CHECK(sent);
    machine_.sent();
    co_return Result<void>{};
}

net::Task<Result<void>> HopConnection::read_more(SteadyTime deadline) {
    const auto got = co_await stream_.read_some(scratch_, deadline);
    GATEHOUSE_CO_TRY(const std::size_t bytes, got);
    if (bytes == 0) co_return fail(Fault::unavailable, "the next hop closed the connection");
    co_return machine_.receive({scratch_.data(), bytes});
}

net::Task<Result<Reply>> HopConnection::answer(SteadyTime deadline) {
    const auto flushed = co_await flush(deadline);
    GATEHOUSE_CO_CHECK(flushed);
    while (true) {
        if (auto reply = machine_.take_reply()) co_return std::move(*reply);
        if (machine_.next() == Next::failed) co_return std::unexpected(machine_.failure());
        const auto read = co_await read_more(deadline);
        // A good reply may stand in front of what broke the rules: it counts, the error comes next.
        if (auto reply = machine_.take_reply()) co_return std::move(*reply);
        GATEHOUSE_CO_CHECK(read);
    }
}

net::Task<Result<bool>> HopConnection::send_content(std::string_view head, std::string_view content,
                                                    SendTime time) {
    DotStuffer stuffer(head, content);
    for (auto pieces = stuffer.pieces(); !pieces.empty(); pieces = stuffer.pieces()) {
        if (!machine_.is_in_content()) co_return false;
        const auto written = co_await stream_.write_some(pieces, time.next());
        if (written && *written > 0) {
            stuffer.written(*written);
            continue;
        }
        // The hop has something to say, or is gone and may have said why: that is read, but not waited for.
        const auto read = co_await read_more(SteadyTime{});
        if (!machine_.is_in_content()) co_return false;
        GATEHOUSE_CO_CHECK(written);
        if (!read && read.error().fault != Fault::timed_out) co_return std::unexpected(read.error());
    }
    if (!machine_.is_in_content()) co_return false;
    machine_.content_sent();
    co_return true;
}

net::Task<void> HopConnection::say_goodbye(SteadyTime deadline) {
    machine_.quit();
    const auto answered = co_await answer(deadline);
    (void)answered;  // what matters is that it was asked
    stream_.close();
}

}  // namespace gatehouse::act::delivery
