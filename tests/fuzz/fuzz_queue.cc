// What a queue's store may hold after damage: items and keys. Whatever can be read says the same when it is
// written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "act/queue/item.h"
#include "act/queue/keys.h"

namespace queue = gatehouse::act::queue;

namespace {

void check_item(std::string_view bytes) {
    const gatehouse::base::ItemId id{{}, 1};
    const auto item = queue::decode(id, bytes);
    if (!item) return;
    const auto again = queue::decode(id, queue::encode(*item));
    if (!again || !(*again == *item)) std::abort();
}

void check_key(std::string_view key) {
    (void)queue::lane_of(key);
    (void)queue::id_from(key);
    const auto turn = queue::turn_from(key);
    if (turn && queue::turn_key(*turn) != key) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_item(bytes);
    check_key(bytes);
    return 0;
}
