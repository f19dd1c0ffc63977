// The scripted next hops of a case at level = walk: hop 1 takes what has no next hop of its own, hop N takes
// hopN.example. Each is a sink of its own (tests/support/smtp_sink) at an address that stays the same while
// it is down and comes up again; what arrived is kept over that.
#pragma once

#include <array>
#include <boost/json.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "case_file.h"
#include "support/smtp_sink/sink.h"

namespace gatehouse::cases {

inline constexpr std::size_t kHops = 4;

class Hops {
  public:
    static base::Result<Hops> start();

    /// Lines "hop N ..." of `answers` or of one `then`: a hop that they name forgets what it was told before.
    base::Result<void> script(const CaseFile& file, const std::vector<Script>& lines);
    /// The domains of hops 2 to 4.
    static std::vector<std::string> domains();
    /// [[next_hop]] tables of all but hop 1, without those that `settings` has itself.
    std::string tables(const std::string& settings) const;
    std::string address(std::size_t number) const;
    /// {hop1} to {hop4} are replaced by addresses.
    std::string with_addresses(std::string text) const;

    /// What arrived at one, notices left out.
    boost::json::object arrived(std::size_t number, const CaseFile& file) const;
    /// The delivery status notifications of the gateway that arrived at any.
    boost::json::array notices() const;

  private:
    struct Hop {
        base::Endpoint endpoint;
        std::unique_ptr<test::Sink> sink;  ///< null while it is down
        base::Fd kept;                     ///< holds the port then, and refuses connections
        std::vector<test::SinkMessage> earlier;

        std::vector<test::SinkMessage> messages() const;
        base::Result<void> go_down();
        base::Result<void> come_up(test::Script script);
    };

    std::array<Hop, kHops> hops_;
};

}  // namespace gatehouse::cases
