// A visitor that notes everything, for tests of openers.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "inspect/open/open.h"

namespace gatehouse::inspect::open {

class Seen final : public Visitor {
  public:
    explicit Seen(std::size_t room = 1 << 20, std::size_t most = 100) : room_(room), most_(most) {}
    std::size_t room() const override { return room_; }
    std::size_t max_members() const override { return most_; }
    bool on_member(const Member& member) override {
        members.emplace_back(member.name, member.bytes);
        return members.size() < stop_after;
    }
    void on_gap(std::string_view member, message::GapReason reason, std::string_view) override {
        gaps.emplace_back(member, reason);
    }
    void on_evidence(const base::EvidenceInfo& info, std::string_view, std::string) override {
        evidence.emplace_back(info.id);
    }
    void on_link(std::string_view url, std::string_view) override { links.emplace_back(url); }
    std::span<const std::string> passwords() override { return words; }

    std::vector<std::pair<std::string, std::string>> members;
    std::vector<std::pair<std::string, message::GapReason>> gaps;
    std::vector<std::string> evidence;
    std::vector<std::string> links;
    std::vector<std::string> words;
    std::size_t stop_after = 1000;

  private:
    std::size_t room_;
    std::size_t most_;
};

inline void open_bytes(std::string_view bytes, Seen& seen) {
    const Item item{"", bytes, &format::true_type(bytes)};
    ASSERT_TRUE(is_container(item)) << item.type->name;
    open(item, seen);
}

}  // namespace gatehouse::inspect::open
