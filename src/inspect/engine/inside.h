// Whatever is inside a part: the engine's side of inspect/open. Counts members and bytes of one container
// against its limits, gives members their paths, and hands each to the engine. Used by engine.cc only; one
// object per container, for the time of one call of open().
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/budget.h"
#include "inspect/open/open.h"
#include "inspect/open/settings.h"
#include "message/facts.h"

namespace gatehouse::inspect::engine {

/// What containers of one message share.
struct Opening {
    const open::Settings& settings;
    base::Budget& budget;
    message::Facts& facts;
    std::uint64_t held = 0;  ///< bytes of the members that are open now, one within the other
    std::function<std::span<const std::string>()> passwords;
    std::function<void(std::string_view url, std::string_view where)> link;
};

class Inside final : public open::Visitor {
  public:
    using Look = std::function<void(message::Part row, const open::Member& member)>;
    /// `row` is the container's.
    Inside(Opening& opening, const message::Part& row, std::size_t size, Look look);

    std::size_t room() const override;
    std::size_t max_members() const override;
    bool on_member(const open::Member& member) override;
    void on_gap(std::string_view member, message::GapReason reason, std::string_view text) override;
    void on_evidence(const base::EvidenceInfo& info, std::string_view where, std::string text) override;
    void on_link(std::string_view url, std::string_view where) override;
    std::span<const std::string> passwords() override { return opening_.passwords(); }

  private:
    std::string path_of(std::string_view member) const;
    bool is_bomb() const;

    Opening& opening_;
    const std::string path_;
    const std::string type_;
    std::uint64_t size_;
    bool is_document_;
    Look look_;
    std::uint64_t produced_ = 0;
    std::uint64_t gaps_ = 0;
};

}  // namespace gatehouse::inspect::engine
