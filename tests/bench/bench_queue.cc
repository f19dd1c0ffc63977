// A queue with very many items: how fast they come in, how long a restart, a list and a turn take, and how
// much memory the process has. Prints JSON; exit 1 when the memory is above the bound.
//   bench_queue [items] [bytes of each] [folder] [MiB allowed]
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <fstream>

#include "act/queue/queue.h"
#include "store/testing.h"

namespace {

using namespace gatehouse;  // NOLINT: a measurement is one file
using act::queue::NewItem;
using act::queue::Queue;
using act::queue::QueueItem;
using Steady = std::chrono::steady_clock;

double seconds_since(Steady::time_point begin) {
    return std::chrono::duration<double>(Steady::now() - begin).count();
}

std::uint64_t pss_kib() {
    std::ifstream file("/proc/self/smaps_rollup");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("Pss:")) return std::strtoull(line.c_str() + 4, nullptr, 10);
    }
    return 0;
}

QueueItem make_item(std::uint32_t number, base::WallTime now) {
    QueueItem item;
    item.id = {base::Reference::make(now, 1, number), 1};
    item.lane = number % 10 == 0 ? "example.com" : "*";
    item.story.envelope.reference = item.id.reference;
    item.story.envelope.sender = fmt::format("sender{}@example.org", number);
    item.story.envelope.recipients = {{fmt::format("user{}@example.com", number), 0, ""}};
    item.story.facts.header.subject = "a subject of the usual length";
    item.queued = item.due = now;
    item.expires = now + std::chrono::hours(120);
    return item;
}

net::Task<void> fill(Queue& queue, net::Io& io, std::uint32_t& next, std::uint32_t most,
                     const std::string& content, base::WallTime now) {
    while (next < most) {
        std::vector<NewItem> items;
        items.push_back({make_item(next++, now), {content}});
        auto done = co_await queue.put(io, std::move(items), base::SteadyTime::max());
        if (!done) {
            fmt::print(stderr, "{}\n", done.error().sentence);
            std::exit(3);
        }
        done->publish();
    }
}

net::Task<void> send(Queue& queue, net::Io& io, base::WallTime now, int& left) {
    while (left-- > 0) {
        auto item = queue.take(now);
        if (!item) co_return;
        (void)queue.content(item->id);
        act::queue::Work gone;
        gone.removed.push_back(item->id);
        gone.durable = false;
        const auto done = co_await queue.commit(io, std::move(gone));
        if (!done) std::exit(3);
    }
}

std::unique_ptr<Queue> open(const std::string& folder, const base::Clock& clock) {
    auto queue = Queue::open({.folder = folder, .settings = {.reserve = 0}}, clock);
    if (!queue) {
        fmt::print(stderr, "{}\n", queue.error().sentence);
        std::exit(3);
    }
    return std::move(*queue);
}

}  // namespace

int main(int count, char** words) {
    const auto items = static_cast<std::uint32_t>(count > 1 ? std::atoi(words[1]) : 1'000'000);
    const std::size_t bytes = count > 2 ? std::strtoull(words[2], nullptr, 10) : 1000;
    const store::TemporaryFolder own;
    const std::string folder = count > 3 && *words[3] != 0 ? words[3] : own / "queue";
    const std::uint64_t allowed_mib = count > 4 ? std::strtoull(words[4], nullptr, 10) : 0;
    const base::Clock clock;
    net::Io io{1};
    const std::string content(bytes, 'x');
    const auto now = clock.wall();

    auto queue = open(folder, clock);
    auto begin = Steady::now();
    std::uint32_t next = 0;
    for (int i = 0; i < 64; ++i)
        net::asio::co_spawn(io, fill(*queue, io, next, items, content, now), net::asio::detached);
    io.run();
    io.restart();
    const double filling = seconds_since(begin);
    const auto commits = queue->commits();
    const auto pss_full = pss_kib();

    begin = Steady::now();
    queue.reset();
    queue = open(folder, clock);
    const double restart = seconds_since(begin);
    const auto pss_started = pss_kib();

    begin = Steady::now();
    const auto listed = queue->list({}).value().size();
    const double list = seconds_since(begin);

    begin = Steady::now();
    constexpr int kSent = 20'000;
    int left = kSent;
    for (int i = 0; i < 20; ++i) net::asio::co_spawn(io, send(*queue, io, now, left), net::asio::detached);
    io.run();
    const double sending = seconds_since(begin);
    std::uint64_t waiting = 0;
    for (const auto& lane : queue->counts()) waiting += lane.waiting;
    const auto pss_sent = pss_kib();

    fmt::print(
        "{{\"bench\":\"queue\",\"items\":{},\"bytes\":{},\"puts_per_second\":{:.0f},\"puts_per_write\":{:.1f}"
        ","
        "\"restart_s\":{:.2f},\"list_100_s\":{:.4f},\"listed\":{},\"takes_per_second\":{:.0f},\"waiting\":{},"
        "\"pss_full_mib\":{},\"pss_restarted_mib\":{},\"pss_sending_mib\":{}}}\n",
        items, bytes, items / filling,
        static_cast<double>(commits.batches) / static_cast<double>(commits.writes), restart, list, listed,
        kSent / sending, waiting, pss_full / 1024, pss_started / 1024, pss_sent / 1024);
    const auto most = std::max({pss_full, pss_started, pss_sent}) / 1024;
    return allowed_mib != 0 && most > allowed_mib ? 1 : 0;
}
