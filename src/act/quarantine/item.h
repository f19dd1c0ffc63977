// What the quarantine knows of an item. Plain values; used by the walk (put), the control socket and the CLI.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/reference.h"
#include "message/decision.h"
#include "message/envelope.h"

namespace gatehouse::act::quarantine {

/// What is stored beside the bytes; all of it erased by removal but id, area and times.
struct ItemInfo {
    base::ItemId id;
    base::WallTime created{};
    message::Envelope envelope;  ///< recipients: those of this group alone
    std::string area = "default";
    std::string rule;
    std::vector<std::string> because;  ///< evidence ids and gap words
    message::Verdict verdict = message::Verdict::clean;
    std::string subject;
    std::string message_id;
    std::string from;  ///< of the header
    bool operator==(const ItemInfo&) const = default;
};

enum class State : std::uint8_t { held = 1, released = 2, deleted = 3 };
std::string_view to_string(State state);

struct Item {
    ItemInfo info;
    State state = State::held;
    std::uint64_t size = 0;      ///< of the message
    std::uint32_t attempts = 0;  ///< releases tried so far; the next one is attempt attempts + 1
    bool damaged = false;        ///< its file is missing or has the wrong size
};

/// One try to release an item.
struct Attempt {
    std::uint32_t number = 0;  ///< from 1; given by mark_released
    base::WallTime at{};
    std::string who;
    bool success = false;
    std::string result;  ///< the next hop's reply, or why not
    bool operator==(const Attempt&) const = default;
};

/// Who saw or did what.
struct Sight {
    base::WallTime at{};
    std::string who;
    std::string what;  ///< "stored", "viewed", "released", "release failed", "deleted"
    std::string why;
    bool operator==(const Sight&) const = default;
};

struct ListFilter {
    static constexpr std::int64_t kMaxLimit = 10'000;

    std::string area = {};                     ///< empty = any
    std::optional<State> state = State::held;  ///< nullopt = any
    bool present = false;                      ///< not those that were deleted, whatever `state` says
    std::optional<message::Verdict> verdict = {};
    std::optional<base::WallTime> since = {};  ///< in
    std::optional<base::WallTime> until = {};  ///< out
    std::string text = {};  ///< part of sender, recipients, From or subject; ASCII case ignored
    std::int64_t limit = 100;
};

}  // namespace gatehouse::act::quarantine
