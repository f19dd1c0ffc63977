// The operator's questions over the front's stores: track, explain, quarantine. One implementation, used by
// the front behind its control socket and, while no gateway runs, by the command line itself on stores it
// opened exclusively. Thread-safe as far as the stores are; every call may block on a disk, so it never runs
// on an event loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "act/quarantine/quarantine.h"
#include "base/clock.h"
#include "base/result.h"
#include "ipc/control.pb.h"
#include "record/recorder.h"

namespace gatehouse::apps {

/// Where the rows of an answer go.
struct DeskSinks {
    std::function<void(std::string json)> row;
    std::function<void(std::string_view bytes)> raw;
};

/// Exit class and sentence of a finished request.
struct DeskEnd {
    unsigned exit_class = 0;
    std::string sentence;
};

class Desk {
  public:
    /// Sends a held message to its next hops; the sentence says what they answered.
    using Release = std::function<base::Result<std::string>(const act::quarantine::Item& item)>;

    Desk(record::Recorder& recorder, act::quarantine::Quarantine& quarantine, const base::Clock& clock)
        : recorder_(recorder), quarantine_(quarantine), clock_(clock) {}

    /// Without one, release says that a running gateway is needed.
    void set_release(Release release) { release_ = std::move(release); }

    /// track, explain and quarantine requests; anything else is exit class 2.
    DeskEnd answer(const pb::ControlRequest& request, const DeskSinks& sinks);

  private:
    DeskEnd track(const pb::TrackRequest& request, const DeskSinks& sinks);
    DeskEnd explain(const pb::ExplainRequest& request, const DeskSinks& sinks);
    DeskEnd list(const pb::QuarantineRequest& request, const DeskSinks& sinks);
    DeskEnd show(const pb::QuarantineRequest& request, const DeskSinks& sinks);
    DeskEnd release(const pb::QuarantineRequest& request);
    DeskEnd remove(const pb::QuarantineRequest& request);

    record::Recorder& recorder_;
    act::quarantine::Quarantine& quarantine_;
    const base::Clock& clock_;
    Release release_;
};

}  // namespace gatehouse::apps
