// Inspection over any bytes: never fails, the same twice, and what it says fits into one answer and is
// accepted by the reader that treats it as hostile.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/frame.h"
#include "inspect/engine/engine.h"
#include "message/codec.h"
#include "message/facts.pb.h"

namespace {

using namespace gatehouse;

struct Listener final : inspect::engine::Listener {
    void on_early(const inspect::engine::Early& early) override {
        if (early.domains.size() + early.dkim_keys.size() > 64) std::abort();
    }
    bool on_part(const message::Part& part, std::string_view bytes) override {
        if (part.size != bytes.size()) std::abort();
        return true;
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view raw(reinterpret_cast<const char*>(data), size);
    static const inspect::engine::Settings kSettings = [] {
        inspect::engine::Settings settings;
        settings.process.hostname = "mx.example.com";
        return settings;
    }();
    Listener listener;
    const auto facts = inspect::engine::inspect({.raw = raw,
                                                 .settings = kSettings,
                                                 .detectors = inspect::engine::catalogue(),
                                                 .listener = &listener});
    pb::Facts frame;
    message::to_pb(facts, frame);
    if (frame.ByteSizeLong() > base::kInspectorFrameLimit) std::abort();
    const auto read = message::from_pb(frame);
    if (!read || *read != facts) std::abort();
    for (const auto& part : facts.parts) {
        if (part.path.find('/') == std::string::npos && !inspect::engine::view(raw, part.path, 1000))
            std::abort();
        break;
    }
    return 0;
}
