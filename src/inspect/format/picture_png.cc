// The one adapter of libpng, which reports errors by longjmp: nothing with a destructor is made between
// setjmp and the end of decode().
#include <png.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "inspect/format/picture.h"

namespace gatehouse::inspect::format::detail {

namespace {

struct State {
    std::string_view bytes;
    std::size_t at = 0;
    Picture* picture = nullptr;
    png_structp png = nullptr;
    png_infop info = nullptr;
    std::string pixels;  ///< grey and alpha
    std::vector<png_bytep> rows;
    bool is_too_large = false;
    bool has_rows = false;

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { png_destroy_read_struct(&png, &info, nullptr); }
};

void feed(png_structp png, png_bytep to, std::size_t size) {
    auto& state = *static_cast<State*>(png_get_io_ptr(png));
    if (size > state.bytes.size() - state.at) png_error(png, "end");
    std::memcpy(to, state.bytes.data() + state.at, size);
    state.at += size;
}

[[noreturn]] void on_error(png_structp png, png_const_charp /*why*/) {
    png_longjmp(png, 1);
}
void on_warning(png_structp /*png*/, png_const_charp /*why*/) {}

bool prepare(State& state) {
    const std::uint64_t width = png_get_image_width(state.png, state.info);
    const std::uint64_t height = png_get_image_height(state.png, state.info);
    state.is_too_large = !make_picture(width, height, *state.picture);
    if (state.is_too_large) return false;
    state.pixels.assign(2 * width * height, '\xFF');
    state.rows.resize(height);
    for (std::size_t y = 0; y < height; ++y)
        state.rows[y] = reinterpret_cast<png_bytep>(state.pixels.data() + 2 * width * y);
    return true;
}

/// False when it ended with an error.
bool decode(State& state) {
    if (setjmp(png_jmpbuf(state.png)) != 0) return false;
    png_set_read_fn(state.png, &state, feed);
    png_set_user_limits(state.png, 1U << 20, 1U << 20);
    png_set_chunk_malloc_max(state.png, 1U << 20);
    png_set_crc_action(state.png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    png_read_info(state.png, state.info);
    png_set_expand(state.png);
    png_set_strip_16(state.png);
    png_set_rgb_to_gray_fixed(state.png, 1, -1, -1);
    png_set_add_alpha(state.png, 255, PNG_FILLER_AFTER);
    (void)png_set_interlace_handling(state.png);
    png_read_update_info(state.png, state.info);
    if (!prepare(state) || png_get_rowbytes(state.png, state.info) != 2ULL * state.picture->width)
        return false;
    state.has_rows = true;
    png_read_image(state.png, state.rows.data());
    return true;
}

}  // namespace

PictureResult read_png(std::string_view bytes, Picture& picture) {
    State state;
    state.bytes = bytes;
    state.picture = &picture;
    state.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, on_error, on_warning);
    state.info = state.png == nullptr ? nullptr : png_create_info_struct(state.png);
    if (state.info == nullptr) return PictureResult::unknown;
    const bool is_whole = decode(state);
    if (state.is_too_large) return PictureResult::too_large;
    if (!state.has_rows) return PictureResult::unknown;
    for (std::size_t i = 0; i < picture.grey.size(); ++i) {
        const unsigned grey = static_cast<unsigned char>(state.pixels[2 * i]);
        const unsigned alpha = static_cast<unsigned char>(state.pixels[2 * i + 1]);
        picture.grey[i] = static_cast<char>((grey * alpha + 255 * (255 - alpha)) / 255);
    }
    return is_whole ? PictureResult::read : PictureResult::damaged;
}

}  // namespace gatehouse::inspect::format::detail
