// For tests of this module only: a pool on a loop of its own, with a zygote whose workers follow a script.
#pragma once

#include <string>
#include <vector>

#include "inspect/pool/pool.h"
#include "ipc/memfd.h"
#include "support/fake_zygote.h"

namespace gatehouse::inspect::pool {

using base::Fault;
using base::Fd;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::FakeWorker;
using test::honest_facts;
using test::parts_frame;
using test::sealed;

inline constexpr auto kNever = base::SteadyTime::max();
inline constexpr const char* kMail = "Subject: hello\r\n\r\nbody\r\n";

inline base::SteadyTime in(milliseconds time) {
    return std::chrono::steady_clock::now() + time;
}

inline std::vector<Fd> files(Fd one) {
    std::vector<Fd> out;
    out.push_back(std::move(one));
    return out;
}

/// One loop with its pool and a zygote whose workers follow a script.
class PoolWorld {
  public:
    using Script = test::FakeZygote::Script;

    explicit PoolWorld(Script script, InspectSettings settings = {}, std::uint64_t memory_limit = 64U << 20)
        : memory(memory_limit),
          zygote(std::move(script)),
          pool(io, clock, client,
               {.settings = std::move(settings),
                .base_workers = 1,
                .max_message = 1U << 20,
                .memory = memory}) {
        client.install(zygote.connect());
    }

    void play(net::Task<void> body) {
        std::exception_ptr failure;
        net::asio::co_spawn(io, std::move(body), [&](std::exception_ptr thrown) {
            failure = thrown;
            pool.close();
            client.close();
        });
        io.run();
        io.restart();
        if (failure) std::rethrow_exception(failure);
    }
    base::Result<Inspection> inspect(base::SteadyTime give_up = kNever) {
        base::Result<Inspection> out = base::fail(Fault::internal, "nothing came");
        play(inspect_into(out, give_up));
        return out;
    }
    net::Task<void> inspect_into(base::Result<Inspection>& out, base::SteadyTime give_up) {
        message::Envelope envelope;
        envelope.size = mail.size();
        const Fd file = sealed(mail);
        out = co_await pool.inspect(envelope, file.get(), give_up);
    }
    base::Result<Rewritten> rewrite(base::SteadyTime give_up = kNever) {
        base::Result<Rewritten> out = base::fail(Fault::internal, "nothing came");
        play([](PoolWorld& self, base::Result<Rewritten>& into, base::SteadyTime until) -> net::Task<void> {
            const Fd file = sealed(self.mail);
            const message::RewritePlan plan{{{message::HeaderEdit::Kind::append, "X-Test", "yes"}}};
            into = co_await self.pool.rewrite(file.get(), plan, until);
        }(*this, out, give_up));
        return out;
    }

    std::string mail = kMail;
    net::Io io{net::kLoopHint};
    base::Clock clock;
    base::MemoryBudget memory;
    test::FakeZygote zygote;
    ZygoteClient client{io, "settings"};
    Pool pool;
};

inline void serve_honestly(FakeWorker& worker) {
    worker.serve([&](const auto& request) { worker.send(honest_facts(request)); });
}

inline InspectSettings short_deadline() {
    InspectSettings settings;
    settings.deadline = 1;
    return settings;
}

inline std::string fault_of(const auto& result) {
    return result ? "none" : std::string(base::to_string(result.error().fault));
}

}  // namespace gatehouse::inspect::pool
