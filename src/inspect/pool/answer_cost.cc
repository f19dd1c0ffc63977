#include "inspect/pool/answer_cost.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>

#include <array>

#include "message/facts.pb.h"

namespace gatehouse::inspect::pool {

using base::Fault;
using base::Result;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::io::CodedInputStream;

namespace {

// Measured on the nouns: a message in protobuf, in its list and as our own struct; a text twice.
constexpr std::uint64_t kPerField = 64;
constexpr std::uint64_t kPerMessage = 400;
constexpr std::size_t kMaxDepth = 8;

enum WireType : std::uint32_t { varint = 0, fixed64 = 1, delimited = 2 };

std::unexpected<base::Error> no_frame() {
    return base::fail(Fault::malformed, "an inspector sent a frame that is none");
}

/// One walk; the schema says which bytes are messages.
class Walk {
  public:
    explicit Walk(std::string_view frame)
        : in_(reinterpret_cast<const std::uint8_t*>(frame.data()), static_cast<int>(frame.size())) {
        levels_[0] = {pb::InspectorAnswer::descriptor(), in_.PushLimit(static_cast<int>(frame.size()))};
    }

    Result<std::uint64_t> run() {
        while (true) {
            const std::uint32_t tag = in_.ReadTag();
            if (tag != 0) {
                GATEHOUSE_CHECK(take_field(tag));
            } else if (!in_.ConsumedEntireMessage()) {
                return no_frame();
            } else if (depth_ == 0) {
                return cost_;
            } else {
                in_.PopLimit(levels_[depth_--].outer);
            }
        }
    }

  private:
    struct Level {
        const Descriptor* type = nullptr;
        CodedInputStream::Limit outer = 0;
    };

    Result<void> take_field(std::uint32_t tag) {
        const auto* field = levels_[depth_].type->FindFieldByNumber(static_cast<int>(tag >> 3U));
        if (field == nullptr) return no_frame();
        GATEHOUSE_CHECK(add(kPerField));
        const std::uint32_t wire = tag & 7U;
        const auto type = field->type();
        if (type == FieldDescriptor::TYPE_MESSAGE || type == FieldDescriptor::TYPE_BYTES) {
            return wire == delimited ? take_delimited(*field) : no_frame();
        }
        if (type == FieldDescriptor::TYPE_DOUBLE) {
            return wire == fixed64 && in_.Skip(8) ? Result<void>() : no_frame();
        }
        std::uint64_t ignored = 0;
        return wire == varint && in_.ReadVarint64(&ignored) ? Result<void>() : no_frame();
    }

    Result<void> take_delimited(const FieldDescriptor& field) {
        std::uint32_t length = 0;
        if (!in_.ReadVarint32(&length)) return no_frame();
        if (length > static_cast<std::uint32_t>(in_.BytesUntilLimit())) return no_frame();
        if (field.type() == FieldDescriptor::TYPE_BYTES) {
            GATEHOUSE_CHECK(add(2ULL * length));
            return in_.Skip(static_cast<int>(length)) ? Result<void>() : no_frame();
        }
        if (depth_ + 1 == kMaxDepth) return no_frame();
        GATEHOUSE_CHECK(add(kPerMessage));
        levels_[++depth_] = {field.message_type(), in_.PushLimit(static_cast<int>(length))};
        return {};
    }

    Result<void> add(std::uint64_t bytes) {
        cost_ += bytes;
        if (cost_ <= kMaxAnswerCost) return {};
        return base::fail(Fault::limit, "an inspector has more to say than {} MiB hold",
                          kMaxAnswerCost >> 20U);
    }

    CodedInputStream in_;
    std::array<Level, kMaxDepth> levels_;
    std::size_t depth_ = 0;
    std::uint64_t cost_ = 0;
};

}  // namespace

Result<std::uint64_t> answer_cost(std::string_view frame) {
    return Walk(frame).run();
}

}  // namespace gatehouse::inspect::pool
