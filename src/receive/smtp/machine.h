// The SMTP server as a state machine: bytes in, events and reply bytes out. One per connection, driven by the
// shell in receive/session, by tests and by the fuzzer; no socket, no clock, no log. The shell's loop:
//
//   next(input, consumed) -> event; drop `consumed` bytes; act on it; for events marked (answer) in events.h
//   call accept() or answer(); on Idle write take_output(), and read more once the input is used up.
//
// Replies to pipelined commands gather in the output (RFC 2920) until it holds kFlushAt bytes, the input is
// used up or an answer is due. Memory: an idle machine holds no buffer; lines, output and content are bounded
// by the settings and the size of the caller's reads. One thread at a time. `settings` must outlive the
// machine. RFC 5321, 1870, 2034, 2920, 3030, 3207, 3461, 6152, 6531.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "receive/smtp/client.h"
#include "receive/smtp/content_reader.h"
#include "receive/smtp/events.h"
#include "receive/smtp/line_reader.h"
#include "receive/smtp/settings.h"

namespace gatehouse::receive::smtp {

/// What a client did that is worth keeping with its mail.
struct Observations {
    bool early_talker = false;             ///< spoke before the greeting
    bool unauthorised_pipelining = false;  ///< sent on where it had to wait for a reply
    std::size_t dropped_before_tls = 0;    ///< bytes sent in clear behind STARTTLS
};

class Machine {
  public:
    static constexpr std::size_t kFlushAt = 4096;

    Machine(const MachineSettings& settings, Client client);

    /// Content is compacted in place in `input`.
    Event next(std::span<char> input, std::size_t& consumed);

    /// Answers the event that waits, with the machine's own words.
    void accept();
    /// The same with the shell's; 421 closes. A positive answer to BDAT's BodyBegin is not sent.
    void answer(const Reply& reply);
    /// Between BodyBegin and MessageEnd: the message is void; the rest is swallowed, then this is the reply.
    void refuse_message(const Reply& reply);
    /// Bytes arrived while the answer to Connect or to BodyBegin of DATA was still due.
    void note_early_input();
    void end_of_input();
    /// Time-outs, stop of the gateway: the reply (421) goes out at once, whatever the state.
    void shut_down(const Reply& reply);
    /// The handshake that StartTls asked for is done; the session begins anew (RFC 3207 4.2).
    void tls_started();
    /// Put behind every refusal's text as "ref ..."; the connection's, later the message's.
    void set_reference(std::string_view reference) { reference_ = reference; }

    std::string take_output();

    bool is_receiving() const { return phase_ == Phase::data || phase_ == Phase::chunk; }
    /// A refused message is being read to its end; the shell limits the time.
    bool is_discarding() const { return is_receiving() && transaction_.stage != Stage::open; }
    /// A line has begun and not ended; the shell limits the time.
    bool is_inside_command() const { return lines_.has_part(); }
    bool is_in_transaction() const { return transaction_.stage == Stage::open; }
    const Client& client() const { return client_; }
    bool is_permitted() const { return is_permitted_; }
    /// The name the client gave; XCLIENT's before the session's own.
    const std::string& hello() const { return client_.helo.empty() ? hello_ : client_.helo; }
    bool is_esmtp() const { return is_esmtp_; }
    bool is_tls() const { return is_tls_; }
    const Observations& observations() const { return observations_; }

  private:
    enum class Phase : std::uint8_t { greeting, commands, turned_away, data, chunk, tls, closed };
    enum class Awaiting : std::uint8_t { nothing, connect, mail, rcpt, data, chunk, message, tls };
    enum class Stage : std::uint8_t {
        none,
        open,  // MAIL was accepted
        dead,  // aborted, but content is still to be swallowed
    };
    using Step = std::optional<Event>;  // nothing: go on

    struct Transaction {
        Stage stage = Stage::none;
        bool smtputf8 = false;
        bool is_chunked = false;
        std::size_t recipients = 0;
        std::uint64_t size = 0;
        Reply refusal;  // of a dead one
    };

    struct Verb;
    static const Verb* find_verb(std::string_view name);

    // machine.cc
    Step step(std::span<char> input, std::size_t& used);
    void send(Reply reply);
    Step refuse(Reply reply);
    void close(CloseReason why);
    void count_error();
    void count_refused_recipient(const Reply& reply);
    void drop_transaction(AbortReason why, Reply reply = {});
    void restart_session();
    void take_answer(Awaiting what, const Reply& reply);
    void answer_connect(const Reply& reply);
    void answer_mail(const Reply& reply);
    void answer_rcpt(const Reply& reply);
    void answer_data(const Reply& reply);
    void answer_chunk(const Reply& reply);
    void answer_message(const Reply& reply);

    // machine_commands.cc
    Step read_command(std::span<char> input, std::size_t& used);
    Step run_line(std::string_view line);
    Step run_verb(const Verb& verb, std::string_view arguments);
    Step refuse_mail(std::string_view argument, Reply reply, bool is_recipient = false);
    Step greet(std::string_view arguments, bool is_esmtp);
    Step run_helo(std::string_view arguments);
    Step run_ehlo(std::string_view arguments);
    Step run_mail(std::string_view arguments);
    Step run_rcpt(std::string_view arguments);
    Step run_data(std::string_view arguments);
    Step run_bdat(std::string_view arguments);
    Step run_rset(std::string_view arguments);
    Step run_noop(std::string_view arguments);
    Step run_vrfy(std::string_view arguments);
    Step run_help(std::string_view arguments);
    Step run_quit(std::string_view arguments);
    Step run_starttls(std::string_view arguments);
    Step run_xclient(std::string_view arguments);
    Step run_not_offered(std::string_view arguments);
    Step run_foreign(std::string_view arguments);
    std::optional<Reply> check_recipient(Path& path) const;
    std::string offers() const;

    // machine_content.cc
    Step read_data(std::span<char> input, std::size_t& used);
    Step read_chunk(std::span<char> input, std::size_t& used);
    Step take(const ContentReader::Piece& piece);
    Step end_of_data();
    Step end_of_chunk();
    Step end_of_message();
    std::span<char> within_limit(std::span<char> input) const;
    void check_discard();
    void kill(AbortReason why, Reply reply);

    const MachineSettings& settings_;
    Client client_;
    LineReader lines_;
    ContentReader content_;
    Transaction transaction_;
    Observations observations_;
    std::string output_;
    std::string hello_;
    std::string reference_;
    std::optional<Aborted> aborted_;  // to be told next
    std::uint64_t chunk_left_ = 0;
    std::uint64_t received_ = 0;  // octets of the message as they came
    std::size_t waiting_ = 0;     // input behind the command that is being run
    std::uint32_t errors_ = 0;
    std::uint32_t idle_commands_ = 0;
    std::uint32_t refused_recipients_ = 0;
    Phase phase_ = Phase::greeting;
    Awaiting awaiting_ = Awaiting::nothing;
    CloseReason close_reason_ = CloseReason::quit;
    bool is_chunk_last_ = false;
    bool is_chunk_flushed_ = false;  // the last chunk's content is complete
    bool is_content_done_ = false;   // the end of DATA was read
    bool is_permitted_ = false;
    bool may_xclient_ = false;
    bool is_esmtp_ = false;
    bool is_tls_ = false;
    bool is_early_ = false;
    bool by_xclient_ = false;
};

}  // namespace gatehouse::receive::smtp
