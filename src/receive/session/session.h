// One SMTP connection: bytes between the socket and the machine (receive/smtp), the machine's questions to
// the walk, and everything that needs a clock: time-outs, the greeting delay, the drain. Made and run by the
// server, on its loop.
//
// An idle session holds no buffer. A fault, an exception or a stalled peer ends this session alone; a
// transaction that was open is told to the walk as aborted, or as unfinished at the end of the process.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "net/stream.h"
#include "receive/session/intake.h"
#include "receive/session/loop.h"
#include "receive/smtp/machine.h"

namespace gatehouse::receive::session {

class Session {
  public:
    Session(Loop& loop, net::Stream stream, smtp::Client client, ConnectionLimits::Place place);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// To the end of the connection; never throws. The session must outlive it.
    net::Task<void> run();
    /// The gateway stops: 421 as soon as no transaction is open.
    void drain();
    /// The patience of the drain is over: 421 as soon as the walk is not being asked.
    void cut();
    /// The process ends now: what the walk still works on is recorded as far as it got.
    void note_unfinished();

  private:
    enum class Stopping : std::uint8_t { no, drain, cut };
    enum class Waiting : std::uint8_t { nothing, to_read, to_write };  // for the client

    // session.cc: the connection
    net::Task<void> run_unguarded();
    net::Task<bool> take_proxy_header();
    net::Task<bool> admit();
    net::Task<void> talk();
    net::Task<void> idle();
    net::Task<bool> flush();
    net::Task<void> read_more();
    net::Task<void> end(smtp::CloseReason why);
    net::Task<base::Result<std::size_t>> read(std::size_t size, base::SteadyTime deadline);
    net::Task<bool> write(const std::string& output, base::SteadyTime deadline);
    void note_time_out();
    bool should_stop() const;
    base::SteadyTime read_deadline();
    void hold_input();
    void clean_up(const std::string& failure);
    net::Task<void> apologise();

    // session_events.cc: what the machine asks
    net::Task<void> on(smtp::Connect event);
    net::Task<void> on(smtp::Mail event);
    net::Task<void> on(smtp::Rcpt event);
    net::Task<void> on(smtp::BodyBegin event);
    net::Task<void> on(smtp::MessageEnd event);
    net::Task<void> on(smtp::Aborted event);
    net::Task<void> on(smtp::Refused event);
    net::Task<void> on(smtp::StartTls event);
    net::Task<void> handle(smtp::Event& event);
    void take_content(std::span<const char> bytes);
    std::unique_ptr<Transaction> make_transaction(const smtp::Mail& mail);
    Reply reserve_for(const smtp::Mail& mail);
    message::Client describe_client() const;
    message::Envelope connection_envelope() const;
    void answer(const Reply& reply);
    void note_refusal(const std::string& step, const std::string& argument, const Reply& reply);
    void add_step(const char* name, const Reply& reply);
    void forget_transaction();

    Loop& loop_;
    const std::shared_ptr<const SessionSettings>
        settings_;  // those it began with, though the server may have newer
    net::Stream stream_;
    smtp::Client client_;
    ConnectionLimits::Place place_;
    base::SteadyTime ends_at_;
    base::Reference reference_;
    std::optional<smtp::Machine> machine_;

    std::span<char> input_;  // not yet taken by the machine; in the loop's scratch, or in held_ across a wait
    std::string held_;

    std::unique_ptr<Transaction> transaction_;
    std::optional<Intake> intake_;
    std::optional<base::SteadyTime> command_until_;
    std::optional<base::SteadyTime> message_until_;
    std::optional<base::SteadyTime> discard_until_;
    Reply refusal_;  // of the message that is being discarded
    unsigned reads_ = 0;
    Stopping stopping_ = Stopping::no;
    Waiting waiting_ = Waiting::nothing;
};

}  // namespace gatehouse::receive::session
