#include "apps/bench/sink.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>
#include <unordered_map>
#include <vector>

#include "apps/bench/sink_talk.h"

namespace gatehouse::apps {
namespace {

struct Guest {
    base::Fd socket;
    SinkTalk talk;
};

class Sink {
  public:
    Sink(base::Fd listening, const Shared<SinkBoard>& board)
        : listening_(std::move(listening)), board_(board), buffer_(kBlock) {}

    base::Result<void> serve() {
        poll_ = base::Fd(::epoll_create1(EPOLL_CLOEXEC));
        watch(listening_.get());
        std::array<epoll_event, 64> events{};
        while (true) {
            const int count = ::epoll_wait(poll_.get(), events.data(), events.size(), -1);
            if (count < 0 && errno != EINTR)
                return base::fail_errno(base::Fault::internal, "the sink of the bench", errno);
            for (int i = 0; i < count; ++i) {
                const int fd = events.at(static_cast<std::size_t>(i)).data.fd;
                if (fd == listening_.get()) {
                    welcome();
                } else {
                    hear(fd);
                }
            }
        }
    }

  private:
    static constexpr std::size_t kBlock = 256 << 10;

    void watch(int fd) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        ::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, fd, &event);
    }

    void welcome() {
        base::Fd socket(::accept4(listening_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!socket) return;
        const int fd = socket.get();
        ::send(fd, SinkTalk::kGreeting.data(), SinkTalk::kGreeting.size(), MSG_NOSIGNAL);
        watch(fd);
        guests_[fd].socket = std::move(socket);
    }

    void hear(int fd) {
        auto& guest = guests_[fd];
        const auto got = ::recv(fd, buffer_.data(), buffer_.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got <= 0) {
            guests_.erase(fd);
            return;
        }
        const auto before = guest.talk.messages();
        replies_.clear();
        guest.talk.feed({buffer_.data(), static_cast<std::size_t>(got)}, replies_);
        const auto taken = guest.talk.messages() - before;
        if (taken > 0) {
            board_->last_at_ns = now_ns();
            board_->messages += taken;
        }
        const bool is_over = guest.talk.is_over();
        if (!replies_.empty()) ::send(fd, replies_.data(), replies_.size(), MSG_NOSIGNAL);
        if (is_over) guests_.erase(fd);
    }

    base::Fd listening_;
    const Shared<SinkBoard>& board_;
    base::Fd poll_;
    std::vector<char> buffer_;
    std::string replies_;
    std::unordered_map<int, Guest> guests_;
};

}  // namespace

base::Result<void> serve_sink(base::Fd listening, const Shared<SinkBoard>& board) {
    return Sink(std::move(listening), board).serve();
}

}  // namespace gatehouse::apps
