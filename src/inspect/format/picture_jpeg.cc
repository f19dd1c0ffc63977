// The one adapter of libjpeg, which reports errors by longjmp: nothing with a destructor is made between
// setjmp and the end of decode().
#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <string>

// Needs size_t and FILE, which <string> has brought.
#include <jpeglib.h>

#include "inspect/format/picture.h"

namespace gatehouse::inspect::format::detail {

namespace {

/// Progressive pictures of thousands of empty scans take hours.
constexpr int kMostScans = 100;

struct State {
    jpeg_decompress_struct jpeg{};
    jpeg_error_mgr errors{};
    jpeg_progress_mgr progress{};
    std::jmp_buf back{};
    std::string_view bytes;
    Picture* picture = nullptr;
    std::string row;
    bool is_too_large = false;
    bool has_rows = false;

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { jpeg_destroy_decompress(&jpeg); }
};

State& state_of(j_common_ptr jpeg) {
    return *static_cast<State*>(jpeg->client_data);
}

[[noreturn]] void on_error(j_common_ptr jpeg) {
    std::longjmp(state_of(jpeg).back, 1);
}
void on_message(j_common_ptr /*jpeg*/, int /*level*/) {}
void on_output(j_common_ptr /*jpeg*/) {}

void on_progress(j_common_ptr jpeg) {
    if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number > kMostScans) on_error(jpeg);
}

bool prepare(State& state) {
    auto& jpeg = state.jpeg;
    const bool has_black = jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK;
    jpeg.out_color_space = has_black ? JCS_CMYK : JCS_GRAYSCALE;
    jpeg.dct_method = JDCT_IFAST;
    const std::uint64_t pixels = std::uint64_t{jpeg.image_width} * jpeg.image_height;
    jpeg.scale_num = 1;
    jpeg.scale_denom = 1;
    while (jpeg.scale_denom < 8 && pixels / jpeg.scale_denom / jpeg.scale_denom > kWantedPixels)
        jpeg.scale_denom *= 2;
    jpeg_calc_output_dimensions(&jpeg);
    // Progressive ones are held whole, as coefficients.
    state.is_too_large =
        pixels > 4 * kMaxPixels || !make_picture(jpeg.output_width, jpeg.output_height, *state.picture);
    if (state.is_too_large) return false;
    state.row.resize(std::size_t{jpeg.output_width} * (has_black ? 4 : 1));
    return true;
}

void keep_row(State& state, std::size_t y) {
    const std::size_t width = state.picture->width;
    char* to = state.picture->grey.data() + y * width;
    if (state.jpeg.out_color_space == JCS_GRAYSCALE) {
        std::copy_n(state.row.begin(), width, to);
        return;
    }
    const auto ink = [&](std::size_t at) {
        return static_cast<unsigned>(static_cast<unsigned char>(state.row[at]));
    };
    // As Adobe writes them: 255 is no ink.
    for (std::size_t x = 0; x < width; ++x) {
        const auto grey = grey_of(ink(4 * x), ink(4 * x + 1), ink(4 * x + 2));
        to[x] = static_cast<char>(grey * ink(4 * x + 3) / 255);
    }
}

/// False when it ended with an error.
bool decode(State& state) {
    if (setjmp(state.back) != 0) return false;
    auto& jpeg = state.jpeg;
    jpeg_create_decompress(&jpeg);
    jpeg.progress = &state.progress;
    jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(state.bytes.data()), state.bytes.size());
    if (jpeg_read_header(&jpeg, TRUE) != JPEG_HEADER_OK || !prepare(state)) return false;
    jpeg_start_decompress(&jpeg);
    state.has_rows = true;
    while (jpeg.output_scanline < jpeg.output_height) {
        auto* row = reinterpret_cast<JSAMPROW>(state.row.data());
        const auto y = jpeg.output_scanline;
        if (jpeg_read_scanlines(&jpeg, &row, 1) != 1) return false;
        keep_row(state, y);
    }
    return true;
}

}  // namespace

PictureResult read_jpeg(std::string_view bytes, Picture& picture) {
    if (bytes.empty()) return PictureResult::unknown;
    State state;
    state.bytes = bytes;
    state.picture = &picture;
    state.jpeg.err = jpeg_std_error(&state.errors);
    state.jpeg.client_data = &state;
    state.errors.error_exit = on_error;
    state.errors.emit_message = on_message;
    state.errors.output_message = on_output;
    state.progress.progress_monitor = on_progress;
    const bool is_whole = decode(state);
    if (state.is_too_large) return PictureResult::too_large;
    if (!state.has_rows) return PictureResult::unknown;
    return is_whole && state.errors.num_warnings == 0 ? PictureResult::read : PictureResult::damaged;
}

}  // namespace gatehouse::inspect::format::detail
