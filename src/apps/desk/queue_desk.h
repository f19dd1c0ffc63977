// The operator's questions over the queue: list, show, flush, hold, release, delete. Used by the front behind
// its control socket and, while no gateway runs, by the command line on a queue it opened exclusively.
// Blocks; never runs on an event loop. What an operator takes out is noted in tracking, with who did it.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <string>
#include <vector>

#include "act/queue/queue.h"
#include "apps/desk/desk.h"
#include "base/clock.h"
#include "ipc/control.pb.h"
#include "pipeline/notices.h"
#include "record/recorder.h"

namespace gatehouse::apps {

class QueueDesk {
  public:
    /// The notices that tell the sender that an item was deleted.
    using Notices =
        std::function<base::Result<std::vector<pipeline::OwnMessage>>(const act::queue::QueueItem& item)>;

    QueueDesk(act::queue::Queue& queue, record::Recorder& recorder, const base::Clock& clock)
        : queue_(queue), recorder_(recorder), clock_(clock) {}
    /// Without it, delete --notify says that a running gateway is needed.
    void set_notices(Notices notices) { notices_ = std::move(notices); }

    /// Called before anything is tried at an operator's wish: what is known of hops that are down is void.
    void set_forget_down(std::function<void()> forget_down) { forget_down_ = std::move(forget_down); }

    DeskEnd answer(const pb::QueueRequest& request, const DeskSinks& sinks);

  private:
    std::function<void()> working_of(const DeskSinks& sinks) const;
    DeskEnd list(const pb::QueueRequest& request, const DeskSinks& sinks);
    DeskEnd show(const pb::QueueRequest& request, const DeskSinks& sinks);
    DeskEnd flush(const pb::QueueRequest& request, const DeskSinks& sinks);
    DeskEnd hold(const pb::QueueRequest& request);
    DeskEnd release(const pb::QueueRequest& request);
    DeskEnd remove(const pb::QueueRequest& request);
    void note(const message::Record& record);

    act::queue::Queue& queue_;
    record::Recorder& recorder_;
    const base::Clock& clock_;
    Notices notices_;
    std::function<void()> forget_down_ = [] {};
};

/// How many wait where, for status.
boost::json::array queue_counts_json(const act::queue::Queue& queue);

}  // namespace gatehouse::apps
