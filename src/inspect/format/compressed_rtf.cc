#include "inspect/format/compressed_rtf.h"

#include <array>
#include <cstdint>

#include "inspect/format/little_endian.h"

namespace gatehouse::inspect::format {

namespace {

constexpr std::size_t kHeader = 16;
constexpr std::size_t kWindow = 4096;
constexpr std::uint32_t kPacked = 0x75465A4C;  // "LZFu"
constexpr std::uint32_t kStored = 0x414C454D;  // "MELA"

// What the window holds before the first byte ([MS-OXRTFCP] 2.1.2.1).
constexpr std::string_view kFirst =
    "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    "\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    "\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

class Unpacker {
  public:
    /// `size`: what the header promises; some writers then leave out the mark of the end.
    Unpacker(std::string_view packed, std::uint64_t size, std::size_t max_output)
        : packed_(packed), size_(size), max_(max_output) {
        for (const char c : kFirst) window_[at_++] = c;
    }

    PlainRtf run() {
        while (!is_done_) {
            if (in_ >= packed_.size()) {
                stop(true);
                break;
            }
            const auto control = static_cast<unsigned char>(packed_[in_++]);
            for (int bit = 0; bit < 8 && !is_done_; ++bit) step((control >> bit & 1) != 0);
        }
        return std::move(out_);
    }

  private:
    void step(bool is_reference) {
        if (in_ + (is_reference ? 2 : 1) > packed_.size()) return stop(true);
        if (!is_reference) return put(packed_[in_++]);
        const auto high = static_cast<unsigned char>(packed_[in_]);
        const auto low = static_cast<unsigned char>(packed_[in_ + 1]);
        in_ += 2;
        const auto offset = static_cast<std::size_t>(high << 4 | low >> 4);
        if (offset == at_ % kWindow) return stop(false);  // the end
        for (std::size_t i = 0; i < (low & 0xFU) + 2U && !is_done_; ++i) put(window_[(offset + i) % kWindow]);
    }

    void put(char c) {
        if (out_.bytes.size() == max_) {
            out_.is_complete = false;
            is_done_ = true;
            return;
        }
        out_.bytes.push_back(c);
        window_[at_++ % kWindow] = c;
    }

    void stop(bool is_damaged) {
        out_.is_damaged = is_damaged && out_.bytes.size() < size_;
        is_done_ = true;
    }

    std::string_view packed_;
    std::uint64_t size_;
    std::size_t max_;
    std::array<char, kWindow> window_{};
    std::size_t at_ = 0;
    std::size_t in_ = 0;
    bool is_done_ = false;
    PlainRtf out_;
};

}  // namespace

PlainRtf decompress_rtf(std::string_view bytes, std::size_t max_output) {
    if (bytes.size() < kHeader) return {"", true, true};
    const auto kind = little_endian(bytes, 8, 4);
    const auto content = bytes.substr(kHeader);
    if (kind == kPacked) return Unpacker(content, little_endian(bytes, 4, 4), max_output).run();
    if (kind != kStored) return {"", true, true};
    return {std::string(content.substr(0, max_output)), content.size() <= max_output, false};
}

}  // namespace gatehouse::inspect::format
