#include "support/fake_clamd.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "base/fd_passing.h"
#include "ipc/channel.h"

namespace gatehouse::testing {

struct FakeClamd::Session {
    int fd = -1;
    std::string bytes;
    std::deque<base::Fd> files;
    bool numbered = false;
    std::uint64_t number = 0;
    std::string postponed;

    std::string label() const { return numbered ? fmt::format("{}: ", number) : std::string(); }
    bool say(std::string_view text) const {
        return text.empty() || base::send_with_fds(fd, text, {}, {}).value_or(0) == text.size();
    }
    bool answer(std::string_view text) const { return say(label() + std::string(text) + '\0'); }
    /// Bytes and descriptors that have come in; false at the end.
    bool read_more() {
        std::array<char, 4096> block;
        const auto got = base::receive_with_fds(fd, block, files);
        if (!got || *got == 0) return false;
        bytes.append(block.data(), *got);
        return true;
    }
};

FakeClamd::FakeClamd(std::string socket_path, Script script)
    : path_(std::move(socket_path)), script_(std::move(script)) {
    auto listener = ipc::listen_unix(path_, 0600);
    if (!listener) throw std::runtime_error(listener.error().sentence);
    listener_ = std::move(*listener);
    acceptor_ = std::jthread([this] { accept_loop(); });
}

FakeClamd::~FakeClamd() {
    {
        const std::scoped_lock hold(lock_);
        ending_ = released_ = true;
        for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    changed_.notify_all();
    ::shutdown(listener_.get(), SHUT_RDWR);
    acceptor_.join();
    servers_.clear();
    ::unlink(path_.c_str());
}

void FakeClamd::set_version(std::string version) {
    const std::scoped_lock hold(lock_);
    version_ = std::move(version);
}

void FakeClamd::release() {
    {
        const std::scoped_lock hold(lock_);
        released_ = true;
    }
    changed_.notify_all();
}

void FakeClamd::drop_connections() {
    const std::scoped_lock hold(lock_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
}

void FakeClamd::wait_for_scans(std::uint64_t count) {
    std::unique_lock hold(lock_);
    changed_.wait(hold, [&] { return scans_ >= count; });
}

void FakeClamd::accept_loop() {
    while (true) {
        const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        ++connections_;
        const std::scoped_lock hold(lock_);
        if (ending_) {
            ::close(fd);
            return;
        }
        open_.push_back(fd);
        servers_.emplace_back([this, fd] { serve(fd); });
    }
}

void FakeClamd::serve(int fd) {
    Session session;
    session.fd = fd;
    bool going = true;
    while (going) {
        const auto end = session.bytes.find('\0');
        if (end == std::string::npos) {
            going = session.read_more();
            continue;
        }
        const std::string command = session.bytes.substr(0, end);
        session.bytes.erase(0, end + 1);
        going = handle(session, command) && session.numbered;  // else one command a connection
    }
    const std::scoped_lock hold(lock_);
    open_.remove(fd);
    ::close(fd);
}

bool FakeClamd::handle(Session& session, std::string_view command) {
    if (command == "zIDSESSION") {
        session.numbered = true;
        return true;
    }
    if (command == "zEND") return false;
    if (session.numbered) ++session.number;
    if (command == "zPING") return session.answer("PONG");
    if (command == "zRELOAD") return session.answer("RELOADING");
    if (command == "zVERSION") {
        const std::scoped_lock hold(lock_);
        return session.answer(version_);
    }
    if (command == "zFILDES") return scan(session);
    session.answer("UNKNOWN COMMAND");
    return false;
}

bool FakeClamd::scan(Session& session) {
    while (session.bytes.empty()) {
        if (!session.read_more()) return false;
    }
    session.bytes.erase(0, 1);  // the byte that accompanies the descriptor
    const std::string content = content_of(session);
    const auto now = ++at_once_;
    for (auto most = most_at_once_.load(); now > most && !most_at_once_.compare_exchange_weak(most, now);) {
    }
    {
        const std::scoped_lock hold(lock_);
        ++scans_;
    }
    changed_.notify_all();
    const FakeStep step = script_(content);
    if (step.kind == FakeStep::Kind::silence) wait_for_release();
    --at_once_;
    switch (step.kind) {
        case FakeStep::Kind::answer:
        case FakeStep::Kind::silence:
            if (!session.answer(step.text)) return false;
            return session.say(std::exchange(session.postponed, {}));
        case FakeStep::Kind::postpone:
            session.postponed = session.label() + step.text + '\0';
            return true;
        case FakeStep::Kind::raw:
            return session.say(step.text);
        case FakeStep::Kind::close:
            return false;
    }
    return false;
}

std::string FakeClamd::content_of(Session& session) {
    if (session.files.empty()) return "(no descriptor)";
    const base::Fd file = std::move(session.files.front());
    session.files.pop_front();
    std::string out(64 * 1024, '\0');
    const ssize_t got = ::pread(file.get(), out.data(), out.size(), 0);
    out.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return out;
}

void FakeClamd::wait_for_release() {
    std::unique_lock hold(lock_);
    changed_.wait(hold, [this] { return released_; });
}

}  // namespace gatehouse::testing
