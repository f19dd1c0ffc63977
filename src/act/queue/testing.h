// For the tests of the queue: items, and a queue in a temporary folder.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "act/queue/queue.h"
#include "net/test_support.h"
#include "store/testing.h"

namespace gatehouse::act::queue::testing {

inline base::WallTime at(std::int64_t seconds) {
    return base::WallTime(std::chrono::seconds(seconds));
}

inline QueueItem item(std::uint32_t number, const std::string& lane = "*", std::uint32_t group = 1) {
    QueueItem out;
    out.id = {base::Reference::make(at(1'700'000'000 + number), 1, number), group};
    out.lane = lane;
    out.story.envelope.reference = out.id.reference;
    out.story.envelope.sender = "sender" + std::to_string(number) + "@example.org";
    out.story.envelope.recipients = {{"user@gw.test", 0, ""}};
    out.story.facts.header.subject = "subject";
    out.queued = out.due = at(1'700'000'000);
    out.expires = at(1'700'500'000);
    out.head_bytes = 5;
    return out;
}

class QueueTest : public ::testing::Test {
  protected:
    QueueTest() { open(); }
    void open(QueueSettings settings = {}) {
        queue_.reset();
        auto made = Queue::open({.folder = folder_ / "queue", .settings = settings}, clock_);
        if (!made) throw std::runtime_error(made.error().sentence);
        queue_ = std::move(*made);
    }
    base::Result<void> put(std::vector<QueueItem> items, const std::string& body = "a message",
                           base::SteadyTime give_up = base::SteadyTime::max()) {
        std::vector<NewItem> added;
        for (auto& one : items) added.push_back({std::move(one), {"head:", body}});
        base::Result<void> result = base::fail(base::Fault::internal, "never came back");
        const auto body_of = [&]() -> net::Task<void> {
            auto stored = co_await queue_->put(io_, std::move(added), give_up);
            if (stored) stored->publish();
            result = stored ? base::Result<void>() : std::unexpected(stored.error());
        };
        gatehouse::net::testing::run(io_, body_of());
        return result;
    }
    base::Result<void> commit(Work work) {
        base::Result<void> result = base::fail(base::Fault::internal, "never came back");
        const auto body_of = [&]() -> net::Task<void> {
            result = co_await queue_->commit(io_, std::move(work));
        };
        gatehouse::net::testing::run(io_, body_of());
        return result;
    }
    LaneCount counts() { return queue_->counts().empty() ? LaneCount() : queue_->counts().front(); }
    bool is_in_files(const std::string& text) const {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "queue")) {
            if (!entry.is_regular_file()) continue;
            std::ifstream file(entry.path(), std::ios::binary);
            const std::string all((std::istreambuf_iterator<char>(file)), {});
            if (all.contains(text)) return true;
        }
        return false;
    }

    store::TemporaryFolder folder_;
    base::Clock clock_{at(1'700'000'100)};
    net::Io io_{1};
    std::unique_ptr<Queue> queue_;
};

}  // namespace gatehouse::act::queue::testing
