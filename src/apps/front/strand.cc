#include "apps/front/strand.h"

#include <algorithm>

#include "base/text.h"

namespace gatehouse::apps {
namespace {

inspect::pool::PoolOptions pool_options(const Config& config, base::MemoryBudget& memory) {
    const std::size_t loops = config.front_threads();
    const auto wanted = static_cast<std::size_t>(config.inspect.workers);
    const std::size_t in_all =
        wanted != 0 ? wanted : std::max<std::size_t>(1, std::thread::hardware_concurrency());
    return {.settings = config.inspect,
            .base_workers = std::max<std::size_t>(1, (in_all + loops - 1) / loops),
            .max_message = static_cast<std::uint64_t>(config.inspector.process.max_message),
            .memory = memory};
}

}  // namespace

base::Result<std::unique_ptr<Front::Strand>> Front::Strand::make(const StrandParts& parts) {
    GATEHOUSE_TRY(auto hops, act::delivery::HopPool::make(parts.io, parts.clock, parts.hop_tls,
                                                          {.helo_name = parts.config.hostname(),
                                                           .settings = parts.config.delivery,
                                                           .loops = parts.config.front_threads()}));
    return std::make_unique<Strand>(parts, std::move(hops));
}

Front::Strand::Strand(const StrandParts& parts, act::delivery::HopPool hop_pool)
    : io(parts.io),
      inspectors(parts.io, parts.clock, parts.zygote, pool_options(parts.config, parts.shared.memory)),
      hops(std::move(hop_pool)),
      engine(parts.engine == nullptr
                 ? std::nullopt
                 : std::optional<EngineOfLoop>(std::in_place, parts.io, parts.clock, *parts.engine)),
      judge({.io = parts.io,
             .clock = parts.clock,
             .pool = inspectors,
             .engine = engine ? &*engine : nullptr,
             .engine_name = std::string(consult::engines::kClamdName),
             .authserv_id = base::lower(parts.config.hostname()),
             .engine_time = parts.config.engine_time(),
             .threads = &parts.storage}),
      life({.io = parts.io,
            .clock = parts.clock,
            .hostname = parts.config.hostname(),
            .log_addresses = parts.config.process.log_addresses,
            .next_hops = parts.config.next_hops,
            .hops = hops,
            .inspectors = inspectors,
            .quarantine = parts.quarantine,
            .queue = parts.queue,
            .recorder = parts.recorder,
            .policy = parts.policy,
            .storage = parts.storage,
            .judge = judge,
            .node = static_cast<std::uint8_t>(parts.config.process.node)}),
      deliverer({.io = parts.io,
                 .clock = parts.clock,
                 .hostname = parts.config.hostname(),
                 .node = static_cast<std::uint8_t>(parts.config.process.node),
                 .next_hops = parts.config.next_hops,
                 .hops = hops,
                 .queue = parts.queue,
                 .recorder = parts.recorder,
                 .memory = parts.shared.memory,
                 .storage = parts.storage,
                 .retry = act::delivery::retry_times(parts.config.delivery).value()}),
      server(parts.io, life, parts.shared, parts.settings) {}

}  // namespace gatehouse::apps
