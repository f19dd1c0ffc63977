// Releasing a held message: the desk's thread waits while a loop delivers.
#include <future>

#include "apps/front/front.h"
#include "apps/front/strand.h"
#include "base/text.h"
#include "pipeline/notices.h"
#include "pipeline/release.h"

namespace gatehouse::apps {

namespace {

using base::Fault;
using base::Result;
using Answer = Result<pipeline::Released>;
using namespace std::chrono_literals;

/// No further hop is asked after that; the one that is being asked is bounded by its own time limits.
constexpr auto kLongest = 10min;
constexpr auto kSlice = 100ms;
constexpr auto kWordEvery = 10s;

/// Counts a release for the drain as long as it lives.
class Counted {
  public:
    explicit Counted(std::atomic<unsigned>& count) : count_(count) { ++count_; }
    ~Counted() { --count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

  private:
    std::atomic<unsigned>& count_;
};

std::future<Answer> start_release(net::Io& io, pipeline::ReleaseParts parts, pipeline::ReleaseJob job) {
    struct Begun {
        pipeline::ReleaseParts parts;
        pipeline::ReleaseJob job;
        std::promise<Answer> done;
    };
    const auto begun = std::make_shared<Begun>(std::move(parts), std::move(job));  // shared with the loop
    net::asio::post(io, [&io, begun] {
        net::asio::co_spawn(io, pipeline::release(begun->parts, std::move(begun->job)),
                            [begun](const std::exception_ptr& failure, Answer answer) {
                                if (failure) return begun->done.set_exception(failure);
                                begun->done.set_value(std::move(answer));
                            });
    });
    return begun->done.get_future();
}

}  // namespace

Result<Released> Front::release(const act::quarantine::Item& item, const std::function<void()>& working) {
    const Counted counted(releases_);
    if (is_draining_) {
        return base::fail(Fault::unavailable, "the gateway is being restarted; try again in a moment");
    }
    auto& strand = *strands_.front();
    const std::string hostname = config_.hostname();
    GATEHOUSE_TRY(auto job, pipeline::prepare_release(
                                {*quarantine_, *recorder_, memory_, base::lower(hostname)}, item));
    auto waiting = start_release(strand.io,
                                 {*clock_, hostname, config_.next_hops, strand.hops, strand.inspectors,
                                  *recorder_, clock_->steady() + kLongest},
                                 std::move(job));
    auto next_word = clock_->steady() + kWordEvery;
    while (waiting.wait_for(kSlice) != std::future_status::ready) {
        if (strand.io.stopped()) {
            return base::fail(Fault::unavailable,
                              "the gateway stopped meanwhile; look at the next hop before trying again");
        }
        if (clock_->steady() < next_word) continue;
        next_word = clock_->steady() + kWordEvery;
        working();
    }
    GATEHOUSE_TRY(auto released, waiting.get());
    return Released{std::move(released.sentence), released.to_everybody};
}

Result<std::vector<pipeline::OwnMessage>> Front::notices_of_deletion(const act::queue::QueueItem& item) {
    const std::string hostname = config_.hostname();
    const pipeline::NoticeParts parts{hostname, config_.next_hops, config_.delivery, *clock_,
                                      static_cast<std::uint8_t>(config_.process.node)};
    return pipeline::notices_of_deletion(parts, *queue_, item);
}

}  // namespace gatehouse::apps
