#include "inspect/format/picture.h"

#include <algorithm>
#include <array>
#include <vector>

#include "inspect/format/little_endian.h"

namespace gatehouse::inspect::format {

namespace detail {

bool make_picture(std::uint64_t width, std::uint64_t height, Picture& picture) {
    if (width == 0 || height == 0 || width > kMaxPixels || height > kMaxPixels || width * height > kMaxPixels)
        return false;
    picture.width = static_cast<std::uint32_t>(width);
    picture.height = static_cast<std::uint32_t>(height);
    picture.grey.assign(width * height, '\xFF');
    return true;
}

std::uint8_t grey_of(std::uint32_t red, std::uint32_t green, std::uint32_t blue) {
    return static_cast<std::uint8_t>((red * 77 + green * 150 + blue * 29) >> 8);  // ITU-R BT.601
}

namespace {

/// A palette as shades of grey; what is not named is black.
using Shades = std::array<std::uint8_t, 256>;

// --- GIF (GIF89a, 1990)

/// The codes of GIF's LZW, bits from the low end, out of sub-blocks that were put together.
class LzwReader {
  public:
    LzwReader(std::string_view codes, unsigned root_bits) : codes_(codes), root_bits_(root_bits) {
        restart();
    }

    /// At most `limit` values; ends at the end code, the end of the bytes, or a code that cannot be.
    std::string run(std::size_t limit) {
        std::string out;
        std::uint32_t code = 0;
        std::uint32_t before = kNone;
        while (out.size() < limit && take_code(code)) {
            if (code == clear()) {
                restart();
                before = kNone;
                continue;
            }
            if (code == clear() + 1) break;
            if (code > next_ || (code == next_ && before == kNone)) break;
            const bool is_new = code == next_;
            append(out, is_new ? before : code, limit);
            if (is_new && out.size() < limit) out += static_cast<char>(first_);
            if (before != kNone && next_ < kMostCodes) {
                prefix_[next_] = static_cast<std::uint16_t>(before);
                last_[next_] = first_;
                if (++next_ == (1U << bits_) && bits_ < 12) ++bits_;
            }
            before = code;
        }
        return out;
    }

  private:
    static constexpr std::uint32_t kMostCodes = 4096;
    static constexpr std::uint32_t kNone = 0xFFFF;

    std::uint32_t clear() const { return 1U << root_bits_; }

    void restart() {
        bits_ = root_bits_ + 1;
        next_ = clear() + 2;
    }

    bool take_code(std::uint32_t& code) {
        while (have_ < bits_) {
            if (at_ == codes_.size()) return false;
            window_ |= static_cast<std::uint32_t>(static_cast<unsigned char>(codes_[at_++])) << have_;
            have_ += 8;
        }
        code = window_ & ((1U << bits_) - 1);
        window_ >>= bits_;
        have_ -= bits_;
        return true;
    }

    /// The string of a code, found from its end; first_ is its first value then.
    void append(std::string& out, std::uint32_t code, std::size_t limit) {
        stack_.clear();
        while (code >= clear() + 2 && stack_.size() < kMostCodes) {
            stack_.push_back(static_cast<char>(last_[code]));
            code = prefix_[code];
        }
        first_ = static_cast<std::uint8_t>(code);
        stack_.push_back(static_cast<char>(code));
        for (std::size_t i = stack_.size(); i-- > 0 && out.size() < limit;) out += stack_[i];
    }

    std::string_view codes_;
    unsigned root_bits_;
    unsigned bits_ = 0;
    std::uint32_t next_ = 0;
    std::array<std::uint16_t, kMostCodes> prefix_{};
    std::array<std::uint8_t, kMostCodes> last_{};
    std::string stack_;
    std::uint8_t first_ = 0;
    std::uint32_t window_ = 0;
    unsigned have_ = 0;
    std::size_t at_ = 0;
};

class GifReader {
  public:
    explicit GifReader(std::string_view bytes) : bytes_(bytes) {}

    PictureResult run(Picture& picture) {
        if (bytes_.size() < 13) return PictureResult::unknown;
        if (!make_picture(u16(6), u16(8), picture))
            return u16(6) == 0 || u16(8) == 0 ? PictureResult::unknown : PictureResult::too_large;
        at_ = 13;
        take_palette(byte(10));
        while (at_ < bytes_.size()) {
            const auto kind = byte(at_++);
            if (kind == 0x21) {
                take_extension();
            } else if (kind == 0x2C) {
                return take_image(picture);
            } else {
                break;
            }
        }
        return PictureResult::damaged;
    }

  private:
    std::uint8_t byte(std::size_t at) const {
        return at < bytes_.size() ? static_cast<std::uint8_t>(bytes_[at]) : std::uint8_t{0};
    }
    std::uint32_t u16(std::size_t at) const {
        return byte(at) | static_cast<std::uint32_t>(byte(at + 1)) << 8;
    }

    void take_palette(std::uint8_t flags) {
        if ((flags & 0x80) == 0) return;
        const std::size_t count = std::size_t{2} << (flags & 7);
        for (std::size_t i = 0; i < count; ++i, at_ += 3)
            shades_.at(i) = grey_of(byte(at_), byte(at_ + 1), byte(at_ + 2));
    }

    void take_extension() {
        if (byte(at_) == 0xF9 && (byte(at_ + 2) & 1) != 0) clear_ = byte(at_ + 5);
        ++at_;
        (void)take_blocks();
    }

    std::string take_blocks() {
        std::string out;
        while (at_ < bytes_.size()) {
            const std::size_t size = byte(at_++);
            if (size == 0) break;
            out += bytes_.substr(std::min(at_, bytes_.size()), size);
            at_ += size;
        }
        return out;
    }

    PictureResult take_image(Picture& picture) {
        const auto left = u16(at_);
        const auto top = u16(at_ + 2);
        const auto width = u16(at_ + 4);
        const auto height = u16(at_ + 6);
        const auto flags = byte(at_ + 8);
        at_ += 9;
        take_palette(flags);
        const unsigned root_bits = byte(at_++);
        if (root_bits < 1 || root_bits > 8) return PictureResult::damaged;
        const std::uint64_t wanted = std::uint64_t{width} * height;
        if (wanted > kMaxPixels) return PictureResult::too_large;
        const auto codes = take_blocks();
        const auto values = LzwReader(codes, root_bits).run(wanted);
        for (std::size_t row = 0, at = 0; row < height && at < values.size(); ++row) {
            const auto y = top + ((flags & 0x40) != 0 ? interlaced(row, height) : row);
            for (std::size_t column = 0; column < width && at < values.size(); ++column, ++at) {
                const auto x = left + column;
                const auto value = static_cast<std::uint8_t>(values[at]);
                if (x >= picture.width || y >= picture.height || value == clear_) continue;
                picture.grey[y * picture.width + x] = static_cast<char>(shades_.at(value));
            }
        }
        return values.size() == wanted ? PictureResult::read : PictureResult::damaged;
    }

    /// Rows come every eighth, then those between, twice as dense each time.
    static std::size_t interlaced(std::size_t row, std::size_t height) {
        static constexpr std::array<std::array<std::size_t, 2>, 4> kPasses{{{0, 8}, {4, 8}, {2, 4}, {1, 2}}};
        for (const auto& [first, step] : kPasses) {
            const std::size_t count = height > first ? (height - first + step - 1) / step : 0;
            if (row < count) return first + row * step;
            row -= count;
        }
        return height;
    }

    std::string_view bytes_;
    std::size_t at_ = 0;
    Shades shades_{};
    int clear_ = -1;
};

}  // namespace

PictureResult read_gif(std::string_view bytes, Picture& picture) {
    return GifReader(bytes).run(picture);
}

// --- BMP

PictureResult read_bmp(std::string_view bytes, Picture& picture) {
    const auto u32 = [&](std::size_t at) -> std::uint32_t {
        return static_cast<std::uint32_t>(little_endian(bytes, at, 4));
    };
    const auto u16 = [&](std::size_t at) -> std::uint32_t {
        return static_cast<std::uint32_t>(little_endian(bytes, at, 2));
    };
    const std::size_t header = u32(14);
    if (bytes.size() < 54 || header < 40 || u32(30) > 3 || u32(30) == 1 || u32(30) == 2)
        return PictureResult::unknown;
    const auto height = static_cast<std::int32_t>(u32(22));
    const bool is_top_down = height < 0;
    const std::uint64_t rows =
        is_top_down ? 0U - static_cast<std::uint32_t>(height) : static_cast<std::uint32_t>(height);
    const std::uint64_t width = u32(18);
    const std::size_t depth = u16(28);
    if (depth != 1 && depth != 4 && depth != 8 && depth != 24 && depth != 32) return PictureResult::unknown;
    if (width == 0 || rows == 0) return PictureResult::unknown;
    if (!make_picture(width, rows, picture)) return PictureResult::too_large;
    Shades shades{};
    const std::size_t colours = depth > 8 ? 0 : std::min<std::size_t>(u32(46) == 0 ? 256 : u32(46), 256);
    for (std::size_t i = 0; i < colours && 14 + header + 4 * i + 4 <= bytes.size(); ++i) {
        const auto colour = u32(14 + header + 4 * i);
        shades.at(i) = grey_of(colour >> 16 & 255, colour >> 8 & 255, colour & 255);
    }
    const std::uint64_t stride = (width * depth + 31) / 32 * 4;
    const std::uint64_t first = u32(10);
    for (std::uint64_t row = 0; row < rows; ++row) {
        const std::uint64_t from = first + row * stride;
        if (from + stride > bytes.size()) return row == 0 ? PictureResult::unknown : PictureResult::damaged;
        const auto line = bytes.substr(from, stride);
        const auto byte = [&](std::uint64_t at) -> std::uint32_t {
            return static_cast<unsigned char>(line[at]);
        };
        char* to = picture.grey.data() + (is_top_down ? row : rows - 1 - row) * width;
        for (std::uint64_t x = 0; x < width; ++x) {
            if (depth >= 24) {
                const auto at = x * depth / 8;
                to[x] = static_cast<char>(grey_of(byte(at + 2), byte(at + 1), byte(at)));
            } else {
                const auto value = byte(x * depth / 8) >> (8 - depth - x * depth % 8) & ((1U << depth) - 1);
                to[x] = static_cast<char>(shades.at(value));
            }
        }
    }
    return PictureResult::read;
}

}  // namespace detail

bool is_known_picture(std::string_view type) {
    return type == "png" || type == "jpeg" || type == "gif" || type == "bmp";
}

PictureResult read_picture(std::string_view bytes, std::string_view type, Picture& picture) {
    picture = {};
    if (type == "png") return detail::read_png(bytes, picture);
    if (type == "jpeg") return detail::read_jpeg(bytes, picture);
    if (type == "gif") return detail::read_gif(bytes, picture);
    if (type == "bmp") return detail::read_bmp(bytes, picture);
    return PictureResult::unknown;
}

}  // namespace gatehouse::inspect::format
