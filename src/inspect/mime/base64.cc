#include <algorithm>
#include <array>
#include <cstdint>

#include "inspect/mime/decode.h"

namespace gatehouse::inspect::mime {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum Class : std::uint8_t { kBlank = 64, kPadding = 65, kJunk = 66 };

constexpr std::array<std::uint8_t, 256> make_classes() {
    std::array<std::uint8_t, 256> table{};
    table.fill(kJunk);
    for (const char c : {' ', '\t', '\r', '\n', '\f', '\v'}) table[static_cast<unsigned char>(c)] = kBlank;
    table['='] = kPadding;
    for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
        table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return table;
}
constexpr auto kClasses = make_classes();

// The four characters of a group, each already shifted to its place; kBad marks what is not in the alphabet.
constexpr std::uint32_t kBad = 0x0100'0000;
using Shifted = std::array<std::uint32_t, 256>;

constexpr Shifted make_shifted(unsigned shift) {
    Shifted table{};
    for (std::size_t i = 0; i < table.size(); ++i) {
        table[i] = kClasses[i] < 64 ? static_cast<std::uint32_t>(kClasses[i]) << shift : kBad;
    }
    return table;
}
constexpr std::array<Shifted, 4> kShifted = {make_shifted(18), make_shifted(12), make_shifted(6),
                                             make_shifted(0)};

class Base64Decoder {
  public:
    Base64Decoder(std::string_view text, std::size_t max_output)
        : in_(reinterpret_cast<const unsigned char*>(text.data())), end_(in_ + text.size()) {
        // More than any text of this size can give, or the limit.
        result_.bytes.resize(std::min(max_output, text.size() / 4 * 3 + 3));
    }

    Decoded run() {
        while (in_ != end_ && result_.complete) {
            if (pending_ == 0) whole_groups();
            if (in_ != end_) one_character(kClasses[*in_++]);
        }
        finish();
        result_.bytes.resize(used_);
        return std::move(result_);
    }

  private:
    /// The fast path: groups of four characters without anything between them.
    void whole_groups() {
        const auto groups =
            std::min(static_cast<std::size_t>(end_ - in_) / 4, (result_.bytes.size() - used_) / 3);
        char* out = result_.bytes.data() + used_;
        const unsigned char* in = in_;
        const unsigned char* const stop = in_ + groups * 4;
        while (in != stop) {
            const std::uint32_t bits =
                kShifted[0][in[0]] | kShifted[1][in[1]] | kShifted[2][in[2]] | kShifted[3][in[3]];
            if ((bits & kBad) != 0) break;
            out[0] = static_cast<char>(bits >> 16);
            out[1] = static_cast<char>(bits >> 8);
            out[2] = static_cast<char>(bits);
            out += 3;
            in += 4;
        }
        if (in == in_) return;
        note_data();
        in_ = in;
        used_ = static_cast<std::size_t>(out - result_.bytes.data());
    }

    void one_character(std::uint8_t value) {
        if (value == kBlank) {
            interrupted_ = pending_ != 0;
            return;
        }
        if (value == kJunk) {
            junk_ = true;
            junk_before_padding_ = junk_before_padding_ || !padded_;
            return;
        }
        if (value == kPadding) return padding();
        note_data();
        if (interrupted_) result_.anomalies.insert(AnomalyKind::base64_split_group);
        bits_ = bits_ << 6 | value;
        if (++pending_ < 4) return;
        emit(static_cast<char>(bits_ >> 16));
        emit(static_cast<char>(bits_ >> 8));
        emit(static_cast<char>(bits_));
        pending_ = 0;
        bits_ = 0;
    }

    void padding() {
        if (pending_ >= 2) {
            padding_due_ = 3 - pending_;  // of "xx==" one more '=' is to come
            flush_group();
            padded_ = true;
            return;
        }
        if (pending_ == 0 && padding_due_ > 0) {
            --padding_due_;
            return;
        }
        stray_padding_ = true;
    }

    void note_data() {
        after_padding_ = after_padding_ || padded_;
        if (stray_padding_) result_.anomalies.insert(AnomalyKind::base64_stray_padding);
    }

    /// Two or three characters that padding or the end of the data cuts off.
    void flush_group() {
        bits_ <<= 6 * (4 - pending_);
        emit(static_cast<char>(bits_ >> 16));
        if (pending_ == 3) emit(static_cast<char>(bits_ >> 8));
        pending_ = 0;
        bits_ = 0;
    }

    void finish() {
        if (pending_ != 0) {
            result_.anomalies.insert(AnomalyKind::base64_truncated);
            if (pending_ >= 2) flush_group();
        } else if (padding_due_ != 0 ||
                   (stray_padding_ && !result_.anomalies.contains(AnomalyKind::base64_stray_padding))) {
            result_.anomalies.insert(AnomalyKind::base64_truncated);
        }
        // A list server's footer after the data is text: its blanks and punctuation are junk, and nobody
        // decodes it on purpose. Data that goes on in clean base64 is another matter.
        const bool footer = after_padding_ && junk_ && !junk_before_padding_;
        if (junk_before_padding_) result_.anomalies.insert(AnomalyKind::base64_junk);
        if (junk_ && !junk_before_padding_) result_.anomalies.insert(AnomalyKind::base64_text_after_end);
        if (after_padding_ && !footer) result_.anomalies.insert(AnomalyKind::base64_data_after_padding);
    }

    void emit(char byte) {
        if (used_ < result_.bytes.size()) {
            result_.bytes[used_++] = byte;
            return;
        }
        result_.complete = false;
        result_.anomalies.insert(AnomalyKind::decoded_too_large);
    }

    const unsigned char* in_;
    const unsigned char* end_;
    Decoded result_;
    std::size_t used_ = 0;
    std::uint32_t bits_ = 0;
    unsigned pending_ = 0;      ///< characters of the group that is being read
    unsigned padding_due_ = 0;  ///< '=' that still belong to the group just ended
    bool interrupted_ = false;  ///< by a blank or line end inside a group
    bool padded_ = false;
    bool stray_padding_ = false;
    bool after_padding_ = false;
    bool junk_ = false;
    bool junk_before_padding_ = false;
};

}  // namespace

Decoded decode_base64(std::string_view text, std::size_t max_output) {
    return Base64Decoder(text, max_output).run();
}

std::size_t find_base64_junk(std::string_view text) {
    const auto found =
        std::ranges::find_if(text, [](char c) { return kClasses[static_cast<unsigned char>(c)] == kJunk; });
    return found == text.end() ? std::string_view::npos : static_cast<std::size_t>(found - text.begin());
}

}  // namespace gatehouse::inspect::mime
