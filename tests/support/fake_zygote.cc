#include "support/fake_zygote.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <stdexcept>

#include "base/fd_passing.h"
#include "ipc/memfd.h"
#include "ipc/zygote.pb.h"

namespace gatehouse::test {

FakeWorker::FakeWorker(std::size_t number, base::Fd socket)
    : number_(number), socket_(socket.get()), channel_(std::move(socket), base::kInspectorFrameLimit) {
    (void)channel_.send(pb::WorkerHello().SerializeAsString());
}

std::optional<pb::InspectorRequest> FakeWorker::request() {
    const auto frame = channel_.receive();
    pb::InspectorRequest request;
    auto file = channel_.take_fd();
    if (!frame || !file || !request.ParseFromString(*frame)) return std::nullopt;
    message_ = std::move(*file);
    return request;
}

std::string FakeWorker::message() const {
    const auto mapped = ipc::Mapping::map(message_.get(), 1ULL << 32);
    return mapped ? std::string(mapped->bytes()) : "not sealed";
}

void FakeWorker::send(const pb::InspectorAnswer& answer, const std::vector<base::Fd>& files) {
    send_frame(answer.SerializeAsString(), files);
}

void FakeWorker::send_frame(const std::string& payload, const std::vector<base::Fd>& files) {
    std::vector<int> fds;
    for (const auto& file : files) fds.push_back(file.get());
    (void)channel_.send(payload, fds);
}

void FakeWorker::send_bytes(const std::string& bytes) {
    (void)base::send_with_fds(socket_, bytes, {}, {});
}

bool FakeWorker::is_wanted() {
    pollfd end{socket_, POLLRDHUP, 0};
    return ::poll(&end, 1, 0) == 0;
}

void FakeWorker::hang() {
    pollfd end{socket_, POLLRDHUP, 0};
    while (::poll(&end, 1, -1) < 0) {
    }
}

void FakeWorker::serve(const std::function<void(const pb::InspectorRequest&)>& answer) {
    while (const auto next = request()) answer(*next);
}

FakeZygote::FakeZygote(Script script) : script_(std::move(script)) {}

FakeZygote::~FakeZygote() {
    {
        const std::lock_guard lock(mutex_);
        for (const auto& end : ends_) ::shutdown(end.get(), SHUT_RDWR);
    }
    threads_.clear();
    for (auto& child : children_) ::shutdown(child.end.get(), SHUT_RDWR);
    children_.clear();
}

base::Fd FakeZygote::connect() {
    auto [front, zygote] = base::make_socket_pair().value();
    const std::lock_guard lock(mutex_);
    for (const auto& end : ends_) ::shutdown(end.get(), SHUT_RDWR);
    ends_.push_back(zygote.duplicate().value());
    threads_.emplace_back([this, socket = std::move(zygote)]() mutable { run(std::move(socket)); });
    return std::move(front);
}

void FakeZygote::run(base::Fd socket) {
    ipc::Channel channel(std::move(socket), base::kControlFrameLimit);
    while (const auto frame = channel.receive()) {
        pb::ZygoteRequest request;
        if (!request.ParseFromString(*frame)) return;
        if (request.has_start()) {
            pb::ZygoteReport report;
            if (refusal_.empty()) {
                report.mutable_ready();
            } else {
                report.set_refused(refusal_);
            }
            (void)channel.send(report.SerializeAsString());
        } else if (request.has_spawn()) {
            spawn(channel, request.spawn());
        } else if (request.has_kill()) {
            ++killed_;
            end_worker(request.kill());
        }
    }
}

void FakeZygote::spawn(ipc::Channel& channel, std::uint64_t id) {
    pb::ZygoteReport report;
    report.mutable_spawned()->set_worker(id);
    if (is_barren_) {
        (void)channel.send(report.SerializeAsString());
        return;
    }
    auto [front, worker] = base::make_socket_pair().value();
    report.mutable_spawned()->set_pid(1'000'000);  // nobody's
    const std::size_t number = ++spawned_;
    const std::lock_guard lock(mutex_);
    auto end = worker.duplicate().value();
    children_.push_back({id, std::move(end), std::jthread([this, number, mine = std::move(worker)]() mutable {
                             FakeWorker self(number, std::move(mine));
                             script_(self);
                             ::shutdown(self.socket(), SHUT_RDWR);  // its other descriptor lives on
                         })});
    before_handing_();
    (void)channel.send(report.SerializeAsString(), std::array{front.get()});
}

void FakeZygote::end_worker(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    for (const auto& child : children_) {
        if (child.id == id) ::shutdown(child.end.get(), SHUT_RDWR);
    }
}

base::Fd sealed(const std::string& bytes) {
    auto file = ipc::Memfd::make("test");
    if (!file || !file->append(bytes)) throw std::runtime_error("no memory file");
    return std::move(*file).seal().value();
}

pb::InspectorAnswer honest_facts(const pb::InspectorRequest& request) {
    pb::InspectorAnswer answer;
    answer.set_id(request.id());
    answer.mutable_facts()->set_size(request.inspect().envelope().size());
    return answer;
}

pb::InspectorAnswer parts_frame(const pb::InspectorRequest& request,
                                const std::vector<std::pair<std::string, std::uint64_t>>& parts) {
    pb::InspectorAnswer answer;
    answer.set_id(request.id());
    answer.mutable_parts();
    for (const auto& [path, size] : parts) {
        auto* part = answer.mutable_parts()->add_parts();
        part->set_path(path);
        part->set_size(size);
    }
    return answer;
}

}  // namespace gatehouse::test
