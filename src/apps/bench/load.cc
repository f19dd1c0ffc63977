#include "apps/bench/load.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "apps/bench/mail.h"
#include "apps/bench/reply_reader.h"
#include "base/fd.h"
#include "base/text.h"

namespace gatehouse::apps {

using base::Fault;
using base::Result;

namespace {

constexpr int kPatienceMs = 60'000;
constexpr std::size_t kRefusalsAllowed = 100;
constexpr unsigned kPauseAfterRefusalUs = 5'000;

enum class Step { greeting, hello, mail, rcpt, data, content, quit };

struct Session {
    base::Fd socket;
    Step step = Step::greeting;
    ReplyReader replies;
    std::string mail;  // with the final dot
    std::size_t content_sent = 0;
    std::size_t sent_here = 0;  // messages of this connection
    std::int64_t mail_at_ns = 0;
};

class Generator {
  public:
    Generator(const Load& load, const Shared<LoadBoard>& board)
        : load_(load), board_(board), left_(load.messages), sessions_(load.sessions) {}

    Result<void> run() {
        poll_ = base::Fd(::epoll_create1(EPOLL_CLOEXEC));
        board_->began_at_ns = now_ns();
        for (auto& session : sessions_) {
            session.mail = make_mail(load_.bytes) + ".\r\n";
            begin(session);
        }
        while (board_->accepted < load_.messages) GATEHOUSE_CHECK(turn());
        board_->ended_at_ns = now_ns();
        return {};
    }

  private:
    Result<void> turn() {
        std::array<epoll_event, 64> events{};
        const int count = ::epoll_wait(poll_.get(), events.data(), events.size(), kPatienceMs);
        if (count < 0 && errno == EINTR) return {};
        if (count <= 0) return base::fail(Fault::timed_out, "no answer of {} for a minute", where());
        for (const auto& event : std::span(events).first(static_cast<std::size_t>(count))) {
            auto& session = sessions_[event.data.u32];
            if ((event.events & EPOLLOUT) != 0) send_content(session);
            if ((event.events & ~static_cast<unsigned>(EPOLLOUT)) != 0) hear(session);
        }
        if (board_->refused <= kRefusalsAllowed) return {};
        return base::fail(Fault::refused, "{} refuses the mail: {}", where(), board_->why.data());
    }

    std::string where() const { return load_.to.to_string(); }

    /// A connection for the next message, if there is one to send.
    void begin(Session& session) {
        session.socket.reset();
        if (left_ == 0) return;
        --left_;
        session.step = Step::greeting;
        session.replies.clear();
        session.sent_here = 0;
        session.socket = base::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(load_.to.port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::connect(session.socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to));
        const int yes = 1;
        ::setsockopt(session.socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
        watch(session, EPOLL_CTL_ADD, EPOLLIN);
    }

    void watch(Session& session, int what, unsigned events) {
        epoll_event event{};
        event.events = events;
        event.data.u32 = static_cast<std::uint32_t>(&session - sessions_.data());
        ::epoll_ctl(poll_.get(), what, session.socket.get(), &event);
    }

    void hear(Session& session) {
        std::array<char, 4096> buffer;
        const auto got = ::recv(session.socket.get(), buffer.data(), buffer.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got <= 0) {
            if (session.step == Step::quit) return begin(session);
            return refuse(session, got == 0 ? "the connection was closed" : "no connection");
        }
        session.replies.feed({buffer.data(), static_cast<std::size_t>(got)});
        while (session.socket) {
            const auto reply = session.replies.next();
            if (!reply) return;
            answer(session, *reply);
        }
    }

    void answer(Session& session, const ReadReply& reply) {
        const int wanted = session.step == Step::data ? 3 : 2;
        if (reply.code / 100 != wanted) return refuse(session, fmt::format("{} {}", reply.code, reply.text));
        switch (session.step) {
            case Step::greeting:
                session.step = Step::hello;
                return say(session, "EHLO client.example\r\n");
            case Step::hello:
                if (reply.text.find("PIPELINING") == std::string::npos)
                    return refuse(session, "PIPELINING is not offered");
                return begin_message(session);
            case Step::mail:
                session.step = Step::rcpt;
                return;
            case Step::rcpt:
                session.step = Step::data;
                return;
            case Step::data:
                session.step = Step::content;
                session.content_sent = 0;
                return send_content(session);
            case Step::content:
                return taken(session);
            case Step::quit:
                return begin(session);
        }
    }

    void begin_message(Session& session) {
        stamp_mail(session.mail, load_.first_number + next_number_++);
        session.step = Step::mail;
        session.mail_at_ns = now_ns();
        say(session,
            fmt::format("MAIL FROM:<sender@client.example>\r\nRCPT TO:<{}>\r\nDATA\r\n", load_.recipient));
    }

    void taken(Session& session) {
        const auto number = board_->accepted.fetch_add(1);
        board_.numbers()[number] = static_cast<std::uint32_t>((now_ns() - session.mail_at_ns) / 1000);
        ++session.sent_here;
        if (session.sent_here < load_.per_connection && left_ > 0) {
            --left_;
            return begin_message(session);
        }
        session.step = Step::quit;
        say(session, "QUIT\r\n");
    }

    /// Commands are short: a socket that has just been answered takes them whole.
    void say(Session& session, std::string_view words) {
        const auto sent = ::send(session.socket.get(), words.data(), words.size(), MSG_NOSIGNAL);
        if (sent != static_cast<ssize_t>(words.size())) refuse(session, "the connection takes no command");
    }

    void send_content(Session& session) {
        if (session.step != Step::content) return watch(session, EPOLL_CTL_MOD, EPOLLIN);
        const auto rest = std::string_view(session.mail).substr(session.content_sent);
        const auto sent = ::send(session.socket.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return;  // the next read tells
        const bool had_to_wait = session.content_sent > 0;
        session.content_sent += sent < 0 ? 0 : static_cast<std::size_t>(sent);
        const bool is_done = session.content_sent == session.mail.size();
        if (!is_done || had_to_wait) watch(session, EPOLL_CTL_MOD, is_done ? EPOLLIN : EPOLLIN | EPOLLOUT);
    }

    void refuse(Session& session, const std::string& why) {
        if (board_->refused.fetch_add(1) == 0) {
            const auto text = base::printable(why, board_->why.size() - 8);
            std::copy_n(text.begin(), std::min(text.size(), board_->why.size() - 1), board_->why.begin());
        }
        ++left_;
        ::usleep(kPauseAfterRefusalUs);
        begin(session);
    }

    const Load& load_;
    const Shared<LoadBoard>& board_;
    base::Fd poll_;
    std::size_t left_;  // not yet begun
    std::uint64_t next_number_ = 0;
    std::vector<Session> sessions_;
};

}  // namespace

Result<void> send_load(const Load& load, const Shared<LoadBoard>& board) {
    return Generator(load, board).run();
}

}  // namespace gatehouse::apps
