// The operator's questions over the front's stores: track, explain, quarantine. One implementation, used by
// the front behind its control socket and, while no gateway runs, by the command line itself on stores it
// opened exclusively. Thread-safe as far as the stores are; every call may block on a disk, so it never runs
// on an event loop. One item is released or deleted by one request at a time; a second one is told so.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
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
    std::function<void()> working = [] {};  ///< called now and then by what takes long
};

/// Exit class and sentence of a finished request.
struct DeskEnd {
    unsigned exit_class = 0;
    std::string sentence;
};

/// The exit class of a fault: 1 = no such thing, 2 = wrong words, 3 = could not.
DeskEnd end_of(const base::Error& error);

/// What a release came to.
struct Released {
    std::string sentence;      ///< what the hops said
    bool to_everybody = true;  ///< false: `sentence` names who was refused for good, or is in doubt
};

class Desk {
  public:
    /// Sends a held message to its next hops; takes its time, and calls `working` meanwhile. Fault::refused:
    /// every recipient was refused for good.
    using Release = std::function<base::Result<Released>(const act::quarantine::Item& item,
                                                         const std::function<void()>& working)>;

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
    DeskEnd release(const pb::QuarantineRequest& request, const DeskSinks& sinks);
    DeskEnd release_claimed(const base::ItemId& item_id, const pb::QuarantineRequest& request,
                            const DeskSinks& sinks);
    DeskEnd remove(const pb::QuarantineRequest& request);

    record::Recorder& recorder_;
    act::quarantine::Quarantine& quarantine_;
    const base::Clock& clock_;
    Release release_;

    /// The items that somebody is releasing or deleting right now: one at a time.
    enum class Work { release, removal };
    class Claim;
    std::mutex work_mutex_;
    std::map<base::ItemId, Work> in_work_;
};

}  // namespace gatehouse::apps
