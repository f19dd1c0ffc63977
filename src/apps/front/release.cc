// Releasing a held message: the desk's thread waits while a loop delivers.
#include <future>

#include "apps/front/front.h"
#include "apps/front/strand.h"
#include "pipeline/release.h"

namespace gatehouse::apps {

base::Result<std::string> Front::release(const act::quarantine::Item& item) {
    GATEHOUSE_TRY(auto message, quarantine_->open_sealed(item.info.id));
    auto promise = std::make_shared<std::promise<base::Result<std::string>>>();  // shared with the loop
    auto waiting = promise->get_future();
    auto& strand = *strands_.front();
    const pipeline::ReleaseParts parts{*clock_, config_.hostname(), config_.next_hops, strand.hops,
                                       *recorder_};
    auto job = std::make_shared<pipeline::ReleaseJob>(pipeline::ReleaseJob{item, std::move(message)});
    net::asio::post(strand.io, [&io = strand.io, parts, job, promise] {
        net::asio::co_spawn(
            io,
            [](pipeline::ReleaseParts p, std::shared_ptr<pipeline::ReleaseJob> j,
               std::shared_ptr<std::promise<base::Result<std::string>>> done) -> net::Task<void> {
                auto result = co_await pipeline::release(std::move(p), std::move(*j));
                done->set_value(std::move(result));
            }(parts, job, promise),
            net::asio::detached);
    });
    if (waiting.wait_for(std::chrono::minutes(10)) != std::future_status::ready) {
        return base::fail(base::Fault::timed_out,
                          "the next hop did not answer; look at `track` before trying again");
    }
    return waiting.get();
}

}  // namespace gatehouse::apps
