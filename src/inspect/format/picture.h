// Pictures as shades of grey, for what is written in them: PNG, JPEG, GIF (its first picture), BMP. Adapters
// of libpng and libjpeg. Pure, total for any bytes; time and memory grow with the pixels, which are bounded:
// large JPEGs are read at a half, a quarter or an eighth, what is larger still is not read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::inspect::format {

inline constexpr std::uint64_t kMaxPixels = 32U << 20;
inline constexpr std::uint64_t kWantedPixels = 4U << 20;

struct Picture {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::string grey;  ///< width * height bytes by rows, 0 = black; what is transparent is white
};

enum class PictureResult : std::uint8_t {
    read,
    damaged,    ///< what could be read is there; the rest is white
    too_large,  ///< more than kMaxPixels
    unknown,    ///< no picture of these kinds, or nothing of it can be read
};

bool is_known_picture(std::string_view type);
/// `type`: of format::true_type.
PictureResult read_picture(std::string_view bytes, std::string_view type, Picture& picture);

namespace detail {
PictureResult read_png(std::string_view bytes, Picture& picture);
PictureResult read_jpeg(std::string_view bytes, Picture& picture);
PictureResult read_gif(std::string_view bytes, Picture& picture);
PictureResult read_bmp(std::string_view bytes, Picture& picture);
/// White everywhere; false when it would be too large.
bool make_picture(std::uint64_t width, std::uint64_t height, Picture& picture);
std::uint8_t grey_of(std::uint32_t red, std::uint32_t green, std::uint32_t blue);
}  // namespace detail

}  // namespace gatehouse::inspect::format
