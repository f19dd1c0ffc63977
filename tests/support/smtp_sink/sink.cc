#include "support/smtp_sink/sink.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "base/text.h"
#include "net/certificate.h"
#include "net/listen.h"
#include "net/stream.h"
#include "net/tls.h"

namespace gatehouse::test {

using base::Result;
using base::SteadyTime;

namespace {

constexpr std::size_t kReadSize = 64 * 1024;

/// "MAIL FROM:<a@b> SIZE=1": the path without brackets and what follows it.
struct Path {
    std::string address;
    std::string parameters;
};
Path parse_path(std::string_view line) {
    const auto open = line.find('<');
    if (open == std::string_view::npos) return {};
    auto close = open;
    for (bool quoted = false; close < line.size() && (quoted || line[close] != '>'); ++close) {
        if (line[close] == '\\')
            ++close;
        else if (line[close] == '"')
            quoted = !quoted;
    }
    close = std::min(close, line.size());
    return {std::string(line.substr(open + 1, close - open - 1)),
            std::string(base::trim(line.substr(std::min(close + 1, line.size()))))};
}

}  // namespace

std::string SinkMessage::content() const {
    std::string out;
    out.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) {
        const bool line_start = i == 0 || (i > 1 && raw[i - 1] == '\n' && raw[i - 2] == '\r');
        if (!(line_start && raw[i] == '.')) out += raw[i];
    }
    return out;
}

class Sink::Impl {
  public:
    Impl(SinkOptions options, Script script) : options_(std::move(options)), script_(std::move(script)) {}
    ~Impl();
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Result<void> start();

    class Connection;
    net::Task<void> accept_loop();

    /// The scripted action for a stage that is reached now; counts the visit.
    Action act(Stage stage, std::size_t number_in_transaction = 0);
    std::optional<Rule> body_rule() const;
    std::string ehlo_answer(bool secured) const;

    SinkOptions options_;
    mutable std::mutex mutex_;  // guards all down to commands_
    mutable std::condition_variable arrived_;
    Script script_;
    std::map<Stage, std::size_t> visits_;
    std::vector<SinkMessage> messages_;
    std::size_t message_count_ = 0;
    std::size_t connections_ = 0;
    std::size_t open_ = 0;
    std::vector<std::string> commands_;

    std::array<char, kReadSize>
        scratch_;  // shared by all connections: read_some touches it only as it returns
    net::Io io_{net::kLoopHint};
    std::unique_ptr<net::TlsContext> tls_;
    std::optional<net::Acceptor> acceptor_;
    std::thread thread_;
};

/// One client. Lives in its coroutine.
class Sink::Impl::Connection {
  public:
    Connection(Impl& sink, net::Stream stream, std::size_t number)
        : sink_(sink), stream_(std::move(stream)), number_(number) {
        message_.connection = number;
    }

    net::Task<void> run();

  private:
    net::Task<bool> read_more();
    net::Task<bool> handle(std::string line);
    net::Task<bool> reply(Stage stage, std::string_view usual, std::size_t number = 0);
    net::Task<bool> perform(const Action& action, std::string_view usual);
    net::Task<bool> babble(bool endless);
    net::Task<void> stall();
    net::Task<bool> greet(Stage stage, const std::string& line);
    net::Task<bool> start_tls();
    net::Task<bool> recipient(const std::string& line);
    net::Task<bool> content();
    void keep();
    void reset_peer();

    Impl& sink_;
    net::Stream stream_;
    std::size_t number_;
    std::string input_;
    SinkMessage message_;
    std::size_t recipients_ = 0;  // RCPT commands of this transaction
    int last_code_ = 0;
};

Sink::Impl::~Impl() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
}

Result<void> Sink::Impl::start() {
    if (options_.starttls) {
        net::PemPair pem{options_.tls_certificate, options_.tls_key};
        if (pem.certificate.empty()) {
            GATEHOUSE_TRY(pem, net::make_self_signed(options_.hostname, base::Clock().wall()));
        }
        GATEHOUSE_TRY(tls_, net::TlsContext::make_server(pem));
    }
    GATEHOUSE_TRY(auto sockets, net::listen_on(options_.listen, 1));
    GATEHOUSE_TRY(acceptor_, net::Acceptor::adopt(io_, std::move(sockets[0])));
    net::asio::co_spawn(io_.get_executor(), accept_loop(), net::asio::detached);
    thread_ = std::thread([this] { io_.run(); });
    return {};
}

net::Task<void> Sink::Impl::accept_loop() {
    const auto serve = [](Impl& sink, net::Stream stream, std::size_t number) -> net::Task<void> {
        Connection connection(sink, std::move(stream), number);
        co_await connection.run();
        const std::scoped_lock lock(sink.mutex_);
        --sink.open_;
    };
    while (true) {
        auto accepted = co_await acceptor_->accept();
        if (!accepted) co_return;
        auto socket = net::adopt_socket(io_, std::move(accepted->socket));
        if (!socket) continue;
        std::size_t number = 0;
        {
            const std::scoped_lock lock(mutex_);
            number = ++connections_;
            ++open_;
        }
        net::asio::co_spawn(io_.get_executor(), serve(*this, net::Stream(io_, std::move(*socket)), number),
                            net::asio::detached);
    }
}

Action Sink::Impl::act(Stage stage, std::size_t number_in_transaction) {
    const std::scoped_lock lock(mutex_);
    const auto visit = ++visits_[stage];
    const auto* action = script_.find(stage, stage == Stage::rcpt ? number_in_transaction : visit);
    return action == nullptr ? Action{} : *action;
}

std::optional<Rule> Sink::Impl::body_rule() const {
    const std::scoped_lock lock(mutex_);
    const auto at = std::find_if(script_.rules.begin(), script_.rules.end(),
                                 [](const Rule& rule) { return rule.stage == Stage::body; });
    return at == script_.rules.end() ? std::nullopt : std::optional(*at);
}

std::string Sink::Impl::ehlo_answer(bool secured) const {
    const std::scoped_lock lock(mutex_);
    auto offers = script_.offers;
    if (tls_ && !secured) offers.emplace_back("STARTTLS");
    std::string out = (offers.empty() ? "250 " : "250-") + options_.hostname + "\r\n";
    for (std::size_t i = 0; i < offers.size(); ++i) {
        out += (i + 1 < offers.size() ? "250-" : "250 ") + offers[i] + "\r\n";
    }
    return out;
}

net::Task<void> Sink::Impl::Connection::run() {
    const auto greeting = "220 " + sink_.options_.hostname + " ESMTP sink\r\n";
    bool going_on = co_await reply(Stage::connect, greeting);
    while (going_on) {
        const auto end = input_.find('\n');
        if (end == std::string::npos) {
            going_on = co_await read_more();
            continue;
        }
        std::string line = input_.substr(0, end);
        input_.erase(0, end + 1);
        if (line.ends_with('\r')) line.pop_back();
        going_on = co_await handle(std::move(line));
    }
    stream_.close();
}

net::Task<bool> Sink::Impl::Connection::read_more() {
    const auto got = co_await stream_.read_some(sink_.scratch_, SteadyTime::max());
    input_.append(sink_.scratch_.data(), got.value_or(0));
    co_return got.value_or(0) > 0;
}

net::Task<bool> Sink::Impl::Connection::handle(std::string line) {
    if (sink_.options_.keep) {
        const std::scoped_lock lock(sink_.mutex_);
        sink_.commands_.push_back(std::to_string(number_) + ": " + line);
    }
    const auto verb = base::lower(std::string_view(line).substr(0, line.find(' ')));
    bool going_on = true;
    if (verb == "ehlo" || verb == "helo") {
        going_on = co_await greet(verb == "ehlo" ? Stage::ehlo : Stage::helo, line);
    } else if (verb == "starttls" && sink_.tls_ && !stream_.tls()) {
        going_on = co_await start_tls();
    } else if (verb == "mail") {
        auto path = parse_path(line);
        message_.sender = std::move(path.address);
        message_.parameters = std::move(path.parameters);
        message_.recipients.clear();
        recipients_ = 0;
        going_on = co_await reply(Stage::mail, "250 2.1.0 Ok\r\n");
    } else if (verb == "rcpt") {
        going_on = co_await recipient(line);
    } else if (verb == "data") {
        const bool none = message_.recipients.empty();
        going_on = co_await reply(Stage::data, none ? "554 5.5.1 No valid recipients\r\n" : "354 Go on\r\n");
        if (going_on && last_code_ == 354) going_on = co_await content();
    } else if (verb == "rset") {
        message_.recipients.clear();
        going_on = co_await reply(Stage::rset, "250 2.0.0 Ok\r\n");
    } else if (verb == "quit") {
        co_await reply(Stage::quit, "221 2.0.0 Bye\r\n");
        going_on = false;
    } else {
        const auto sent = co_await stream_.write_all("500 5.5.1 What\r\n", SteadyTime::max());
        going_on = sent.has_value();
    }
    co_return going_on;
}

net::Task<bool> Sink::Impl::Connection::greet(Stage stage, const std::string& line) {
    message_.helo = base::trim(std::string_view(line).substr(4));
    const auto usual = stage == Stage::ehlo ? sink_.ehlo_answer(stream_.tls().has_value())
                                            : "250 " + sink_.options_.hostname + "\r\n";
    const bool going_on = co_await reply(stage, usual);
    co_return going_on;
}

net::Task<bool> Sink::Impl::Connection::start_tls() {
    const bool said = co_await reply(Stage::starttls, "220 2.0.0 Go on\r\n");
    if (!said || last_code_ / 100 != 2) co_return said;
    input_.clear();
    const auto action = sink_.act(Stage::tls);
    if (action.say != Say::usual || action.then != Then::go_on) {
        const bool hello = co_await read_more();  // earlier bytes would stand in clear behind the 220
        if (!hello) co_return false;
        const bool going_on = co_await perform(action, {});
        co_return going_on;
    }
    const auto secured = co_await stream_.accept_tls(*sink_.tls_, SteadyTime::max());
    if (!secured) co_return false;
    message_.tls_version = stream_.tls()->version;
    co_return true;
}

net::Task<bool> Sink::Impl::Connection::recipient(const std::string& line) {
    auto path = parse_path(line);
    const bool going_on = co_await reply(Stage::rcpt, "250 2.1.5 Ok\r\n", ++recipients_);
    if (last_code_ / 100 == 2)
        message_.recipients.push_back({std::move(path.address), std::move(path.parameters)});
    co_return going_on;
}

/// Only CR LF dot CR LF ends content, also right at its beginning.
net::Task<bool> Sink::Impl::Connection::content() {
    static constexpr std::string_view kEnd = "\r\n.\r\n";
    auto rule = sink_.body_rule();
    std::size_t searched = 0;
    while (true) {
        if (rule && input_.size() >= rule->number.value_or(0)) {
            const auto action = std::exchange(rule, std::nullopt)->action;
            const bool going_on = co_await perform(action, {});
            if (!going_on) co_return false;
        }
        const bool empty = input_.starts_with(".\r\n");
        const auto end = empty ? 0 : input_.find(kEnd, searched);
        if (end != std::string::npos) {
            message_.raw = input_.substr(0, empty ? 0 : end + 2);
            input_.erase(0, empty ? 3 : end + kEnd.size());
            break;
        }
        searched = input_.size() < kEnd.size() ? 0 : input_.size() - kEnd.size() + 1;
        const bool more = co_await read_more();
        if (!more) co_return false;
    }
    last_code_ = 0;
    // Recorded before the answer leaves: whoever has seen the answer finds the message here.
    const auto action = sink_.act(Stage::dot);
    message_.code = action.say == Say::usual ? 250 : action.code;
    keep();
    const bool going_on = co_await perform(action, "250 2.0.0 Ok: taken\r\n");
    message_.recipients.clear();
    co_return going_on;
}

void Sink::Impl::Connection::keep() {
    if (sink_.options_.on_message) sink_.options_.on_message(message_);
    {
        const std::scoped_lock lock(sink_.mutex_);
        ++sink_.message_count_;
        if (sink_.options_.keep) sink_.messages_.push_back(message_);
    }
    sink_.arrived_.notify_all();
}

net::Task<bool> Sink::Impl::Connection::reply(Stage stage, std::string_view usual, std::size_t number) {
    const auto action = sink_.act(stage, number);
    const bool going_on = co_await perform(action, usual);
    co_return going_on;
}

net::Task<bool> Sink::Impl::Connection::perform(const Action& action, std::string_view usual) {
    bool going_on = true;
    if (action.say == Say::usual || action.say == Say::bytes) {
        const auto bytes = action.say == Say::usual ? usual : std::string_view(action.bytes);
        last_code_ = static_cast<int>(base::parse_unsigned(bytes.substr(0, 3)).value_or(0));
        const auto sent = co_await stream_.write_all(bytes, SteadyTime::max());
        going_on = sent.has_value();
    } else if (action.say != Say::nothing) {
        last_code_ = 0;
        going_on = co_await babble(action.say == Say::endless);
    }
    if (action.then == Then::go_on || !going_on) co_return going_on;
    if (action.then == Then::reset) reset_peer();
    if (action.then == Then::stall) co_await stall();
    co_return false;
}

net::Task<bool> Sink::Impl::Connection::babble(bool endless) {
    std::string noise;
    std::uint32_t state = 1;
    while (noise.size() < kReadSize) {
        state = state * 1664525 + 1013904223;
        if (endless)
            noise += "250-and so on\r\n";
        else
            noise += static_cast<char>(state >> 24);
    }
    bool sent = true;
    do {
        const auto written = co_await stream_.write_all(noise, SteadyTime::max());
        sent = written.has_value();
    } while (endless && sent);
    co_return sent;
}

/// Neither reads nor writes until the sink ends.
net::Task<void> Sink::Impl::Connection::stall() {
    net::Timer timer(sink_.io_.get_executor());
    timer.expires_at(SteadyTime::max());
    co_await timer.async_wait(net::kTuple);
}

void Sink::Impl::Connection::reset_peer() {
    const linger at_once{1, 0};
    ::setsockopt(stream_.socket().native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

Sink::Sink(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Sink::~Sink() = default;

Result<std::unique_ptr<Sink>> Sink::start(SinkOptions options, Script script) {
    auto impl = std::make_unique<Impl>(std::move(options), std::move(script));
    GATEHOUSE_CHECK(impl->start());
    return std::unique_ptr<Sink>(new Sink(std::move(impl)));
}

const base::Endpoint& Sink::endpoint() const {
    return impl_->acceptor_->local();
}

void Sink::set_script(Script script) {
    const std::scoped_lock lock(impl_->mutex_);
    impl_->script_ = std::move(script);
}

std::vector<SinkMessage> Sink::messages() const {
    const std::scoped_lock lock(impl_->mutex_);
    return impl_->messages_;
}

std::size_t Sink::message_count() const {
    const std::scoped_lock lock(impl_->mutex_);
    return impl_->message_count_;
}

bool Sink::wait_for_messages(std::size_t count, std::chrono::milliseconds at_most) const {
    std::unique_lock lock(impl_->mutex_);
    return impl_->arrived_.wait_for(lock, at_most, [&] { return impl_->message_count_ >= count; });
}

std::size_t Sink::connection_count() const {
    const std::scoped_lock lock(impl_->mutex_);
    return impl_->connections_;
}

std::size_t Sink::open_count() const {
    const std::scoped_lock lock(impl_->mutex_);
    return impl_->open_;
}

std::vector<std::string> Sink::commands() const {
    const std::scoped_lock lock(impl_->mutex_);
    return impl_->commands_;
}

}  // namespace gatehouse::test
