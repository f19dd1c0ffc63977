// One event loop of the front with everything that belongs to it: pools, walk, SMTP server. Internal to the
// front.
#pragma once

#include "apps/front/front.h"
#include "pipeline/deliverer.h"

namespace gatehouse::apps {

/// The engine as a Judge sees it.
class EngineOfLoop final : public pipeline::EngineView {
  public:
    EngineOfLoop(net::Io& io, const base::Clock& clock, consult::engines::ClamdEngine& engine)
        : clock_(clock), engine_(engine), asker_(io, clock, engine) {}
    consult::Asker& asker() override { return asker_; }
    bool is_expected_back(std::chrono::seconds grace) const override {
        return engine_.state.is_expected_back(grace, clock_.steady());
    }

  private:
    const base::Clock& clock_;
    consult::engines::ClamdEngine& engine_;
    consult::engines::ClamdAsker asker_;
};

struct StrandParts {
    net::Io& io;
    const base::Clock& clock;
    const Config& config;
    inspect::pool::ZygoteClient& zygote;
    consult::engines::ClamdEngine* engine;  ///< null = off
    const act::delivery::HopTls& hop_tls;
    act::quarantine::Quarantine& quarantine;
    act::queue::Queue& queue;
    record::Recorder& recorder;
    const pipeline::PolicyHolder& policy;
    boost::asio::thread_pool& storage;
    const receive::session::Shared& shared;
    std::shared_ptr<const receive::session::SessionSettings> settings;
};

struct Front::Strand {
    static base::Result<std::unique_ptr<Strand>> make(const StrandParts& parts);
    Strand(const StrandParts& parts, act::delivery::HopPool hop_pool);

    net::Io& io;
    inspect::pool::Pool inspectors;
    act::delivery::HopPool hops;
    std::optional<EngineOfLoop> engine;
    pipeline::Judge judge;
    pipeline::Life life;
    pipeline::Deliverer deliverer;
    receive::session::Server server;
};

}  // namespace gatehouse::apps
