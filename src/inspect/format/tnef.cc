#include "inspect/format/tnef.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "inspect/format/little_endian.h"
#include "message/charset.h"

namespace gatehouse::inspect::format {

namespace {

constexpr std::uint64_t kSignature = 0x223E9F78;
constexpr std::size_t kMaxName = 1024;
constexpr std::size_t kAttributeHeader = 9;

// Attributes ([MS-OXTNEF] 2.1.3.2), their lower half.
enum : std::uint64_t {
    kBody = 0x800C,
    kData = 0x800F,
    kTitle = 0x8010,
    kStartOfFile = 0x9002,
    kMessageProperties = 0x9003,
    kFileProperties = 0x9005,
};

// Properties and their types ([MS-OXPROPS], [MS-OXCDATA] 2.11.1).
enum : std::uint64_t {
    kAttachedData = 0x3701,
    kAttachedName = 0x3704,
    kAttachedLongName = 0x3707,
    kTypeObject = 0x0D,
    kTypeString8 = 0x1E,
    kTypeUnicode = 0x1F,
    kTypeBinary = 0x102,
    kManyValues = 0x1000,
};

class Cursor {
  public:
    explicit Cursor(std::string_view bytes) : bytes_(bytes) {}
    bool has(std::uint64_t count) const { return count <= bytes_.size(); }
    bool at_end() const { return bytes_.empty(); }
    bool is_broken() const { return is_broken_; }
    std::uint64_t number(std::size_t count) {
        const auto taken = take(count);
        return is_broken_ ? 0 : little_endian(taken, 0, count);
    }
    std::string_view take(std::uint64_t count) {
        if (!has(count)) {
            is_broken_ = true;
            count = bytes_.size();
        }
        const auto taken = bytes_.substr(0, count);
        bytes_.remove_prefix(count);
        return taken;
    }
    /// And what fills it up to four bytes.
    std::string_view take_padded(std::uint64_t count) {
        const auto taken = take(count);
        take(std::min<std::uint64_t>((4 - count % 4) % 4, bytes_.size()));
        return taken;
    }

  private:
    std::string_view bytes_;
    bool is_broken_ = false;
};

struct Property {
    std::uint64_t id = 0;
    std::uint64_t type = 0;
    std::string_view value;  ///< the first, of several
};

/// Bytes of a value of fixed size; nothing for the others.
std::optional<std::uint64_t> fixed_size(std::uint64_t type) {
    switch (type) {
        case 0x00:
        case 0x01:
            return 0;
        case 0x02:
        case 0x03:
        case 0x04:
        case 0x0A:
        case 0x0B:
            return 4;
        case 0x05:
        case 0x06:
        case 0x07:
        case 0x14:
        case 0x40:
            return 8;
        case 0x48:
            return 16;
        default:
            return std::nullopt;
    }
}

void skip_name(Cursor& in) {
    in.take(16);
    if (in.number(4) == 0)
        in.take(4);
    else
        in.take_padded(in.number(4));
}

std::string_view next_value(Cursor& in, std::uint64_t type) {
    if (const auto size = fixed_size(type)) return in.take(*size);
    return in.take_padded(in.number(4));
}

std::optional<Property> next_property(Cursor& in) {
    Property out;
    out.type = in.number(2);
    out.id = in.number(2);
    if (out.id >= 0x8000) skip_name(in);
    const bool has_many = (out.type & kManyValues) != 0;
    out.type &= ~static_cast<std::uint64_t>(kManyValues);
    const auto count = has_many || !fixed_size(out.type) ? in.number(4) : 1;
    // Values of some types take no bytes, and so any number of them would fit.
    if (!in.has(count) && count != 1) return std::nullopt;
    for (std::uint64_t i = 0; i < count && !in.is_broken(); ++i) {
        const auto value = next_value(in, out.type);
        if (i == 0) out.value = value;
    }
    return in.is_broken() ? std::nullopt : std::optional(out);
}

std::string name_of(const Property& property) {
    if (property.type == kTypeUnicode) {
        auto text = message::to_utf8(property.value, "utf-16le", kMaxName);
        auto name = text ? std::move(text->text) : std::string();
        return name.substr(0, name.find('\0'));
    }
    return std::string(property.value.substr(0, std::min(property.value.find('\0'), kMaxName)));
}

class Reader {
  public:
    explicit Reader(std::size_t max_files) : max_files_(max_files) {}

    Tnef run(std::string_view bytes) {
        Cursor in(bytes);
        if (in.number(4) != kSignature) {
            out_.is_damaged = true;
            return std::move(out_);
        }
        in.take(2);
        // Mailers add line ends.
        while (in.has(kAttributeHeader) && out_.is_complete) {
            in.take(1);
            const auto id = in.number(4) & 0xFFFFU;
            const auto data = in.take(in.number(4));
            out_.is_damaged = out_.is_damaged || in.is_broken();
            attribute(id, data);
            if (in.is_broken()) break;
            in.take(2);
        }
        return std::move(out_);
    }

  private:
    void attribute(std::uint64_t id, std::string_view data) {
        if (id == kBody) return out_.bodies.push_back({MapiText::body, false, data});
        if (id == kMessageProperties || id == kFileProperties) return properties(data, id == kFileProperties);
        if (id == kStartOfFile) is_new_ = true;
        if (id == kTitle) rename(std::string(data.substr(0, std::min(data.find('\0'), kMaxName))), true);
        if (id == kData) add(data);
    }

    void properties(std::string_view data, bool is_file) {
        Cursor in(data);
        const auto count = in.number(4);
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto property = next_property(in);
            if (!property) {
                out_.is_damaged = true;
                return;
            }
            if (is_file)
                of_file(*property);
            else
                of_message(*property);
        }
    }

    void of_message(const Property& property) {
        for (const auto kind : {MapiText::body, MapiText::compressed_rtf, MapiText::html}) {
            if (property.id == static_cast<std::uint64_t>(kind) &&
                (property.type == kTypeBinary || property.type == kTypeString8 ||
                 property.type == kTypeUnicode))
                out_.bodies.push_back({kind, property.type == kTypeUnicode, property.value});
        }
    }

    void of_file(const Property& property) {
        if (property.id == kAttachedLongName) rename(name_of(property), true);
        if (property.id == kAttachedName) rename(name_of(property), false);
        if (property.id != kAttachedData) return;
        if (property.type == kTypeBinary) add(property.value);
        // An identifier of 16 bytes stands before the object.
        if (property.type == kTypeObject)
            add(property.value.substr(std::min<std::size_t>(16, property.value.size())));
    }

    void begin_if_new() {
        if (!is_new_ && !out_.files.empty()) return;
        if (out_.files.size() >= max_files_) {
            out_.is_complete = false;
            return;
        }
        is_new_ = false;
        out_.files.emplace_back();
    }

    void rename(std::string name, bool is_better) {
        begin_if_new();
        if (out_.files.empty() || !out_.is_complete) return;
        if (is_better || out_.files.back().name.empty()) out_.files.back().name = std::move(name);
    }

    void add(std::string_view data) {
        begin_if_new();
        if (!out_.is_complete || out_.files.empty()) return;
        if (!out_.files.back().bytes.empty()) {  // a second one; programs may take either
            is_new_ = true;
            auto name = out_.files.back().name;
            begin_if_new();
            if (!out_.is_complete) return;
            out_.files.back().name = std::move(name);
        }
        out_.files.back().bytes = data;
    }

    std::size_t max_files_;
    bool is_new_ = false;
    Tnef out_;
};

}  // namespace

Tnef read_tnef(std::string_view bytes, std::size_t max_files) {
    return Reader(max_files).run(bytes);
}

}  // namespace gatehouse::inspect::format
