// Transactions that hold a connection to a next hop while their client thinks. A hop's connections are few,
// and clients that go silent behind RCPT could hold them all; so whoever has been silent for a while, or has
// held on for long, gives way when others wait (HopPool::set_make_room) and begins at the hop again when its
// message is there. One per event loop, used on its thread only; a transaction that ends leaves by itself.
#pragma once

#include <boost/intrusive/list.hpp>
#include <chrono>
#include <optional>

#include "act/delivery/hop_session.h"
#include "act/delivery/next_hop.h"
#include "base/clock.h"

namespace gatehouse::pipeline {

/// What a transaction holds at its next hop.
struct HopHold
    : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    const act::delivery::NextHop* hop = nullptr;  ///< of the first accepted recipient
    std::optional<act::delivery::HopSession> session;
    base::SteadyTime began = {};  ///< of holding this session
    base::SteadyTime used = {};

    /// The session is in use, or over: nobody may take it.
    void leave() {
        if (is_linked()) unlink();
    }
};

class HopHolders {
  public:
    static constexpr std::chrono::seconds kSilent{3};
    static constexpr std::chrono::seconds kLong{60};

    /// The client's turn has come.
    void wait(HopHold& hold, base::SteadyTime now) {
        hold.leave();
        if (hold.session) holds_.push_back(hold);
        hold.used = now;
    }
    /// Takes the connection from the one that has been silent for longest, if for long enough.
    bool make_room(const act::delivery::NextHop& wanted, base::SteadyTime now) {
        for (auto& hold : holds_) {
            const bool may_wait = now - hold.used >= kSilent || now - hold.began >= kLong;
            if (!may_wait || hold.hop->key != wanted.key) continue;
            hold.leave();
            hold.session->abandon();
            hold.session.reset();
            return true;
        }
        return false;
    }

  private:
    boost::intrusive::list<HopHold, boost::intrusive::constant_time_size<false>>
        holds_;  // longest silent first
};

}  // namespace gatehouse::pipeline
