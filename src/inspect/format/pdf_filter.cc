#include "inspect/format/pdf_filter.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

#include "base/text.h"
#include "inspect/format/inflate.h"

namespace gatehouse::inspect::format {

namespace {

using Filter = void (*)(std::string_view in, std::size_t max_output, PdfStream& out);

void put(PdfStream& out, char c, std::size_t max_output) {
    if (out.bytes.size() < max_output)
        out.bytes.push_back(c);
    else
        out.is_complete = false;
}

void flate(std::string_view in, std::size_t max_output, PdfStream& out) {
    auto plain = inflate(in, Wrapper::zlib, max_output);
    // Readers take it without its header, too.
    if (plain.bytes.empty() && plain.end == InflateEnd::broken)
        plain = inflate(in, Wrapper::none, max_output);
    out.bytes = std::move(plain.bytes);
    if (plain.end == InflateEnd::limit) out.is_complete = false;
    // A checksum that lacks or is wrong troubles no reader.
    if (plain.end != InflateEnd::complete && plain.end != InflateEnd::limit && out.bytes.empty() &&
        !in.empty())
        out.is_damaged = true;
}

void ascii_hex(std::string_view in, std::size_t max_output, PdfStream& out) {
    int high = -1;
    for (const char c : in.substr(0, in.find('>'))) {
        const int value = base::hex_value(c);
        if (value < 0) continue;
        if (high < 0) {
            high = value;
            continue;
        }
        put(out, static_cast<char>(high * 16 + value), max_output);
        high = -1;
    }
    if (high >= 0) put(out, static_cast<char>(high * 16), max_output);
}

void ascii_85(std::string_view in, std::size_t max_output, PdfStream& out) {
    std::uint32_t group = 0;
    std::size_t count = 0;
    const auto flush = [&](std::size_t bytes) {
        for (std::size_t i = 0; i < bytes; ++i)
            put(out, static_cast<char>(group >> (24 - 8 * i)), max_output);
        group = 0;
        count = 0;
    };
    if (in.starts_with("<~")) in.remove_prefix(2);
    for (const char c : in.substr(0, in.find('~'))) {
        if (c == 'z' && count == 0) {
            flush(4);
        } else if (c >= '!' && c <= 'u') {
            group = group * 85 + static_cast<std::uint32_t>(c - '!');
            if (++count == 5) flush(4);
        }
    }
    if (count < 2) return;
    const auto bytes = count - 1;
    for (; count < 5; ++count) group = group * 85 + 84;
    flush(bytes);
}

void run_length(std::string_view in, std::size_t max_output, PdfStream& out) {
    for (std::size_t i = 0; i < in.size() && out.is_complete;) {
        const auto length = static_cast<unsigned char>(in[i++]);
        if (length == 128) return;
        if (length < 128) {
            for (const char c : in.substr(std::min(i, in.size()), length + 1U)) put(out, c, max_output);
            i += length + 1U;
        } else if (i < in.size()) {
            for (unsigned n = 0; n < 257U - length; ++n) put(out, in[i], max_output);
            ++i;
        }
    }
}

/// 7.4.4: codes of 9 to 12 bits, most significant first; 256 clears, 257 ends.
class Lzw {
  public:
    Lzw(std::string_view in, std::size_t max_output, PdfStream& out) : in_(in), max_(max_output), out_(out) {}

    void run() {
        int code = 0;
        while (out_.is_complete && (code = next()) >= 0 && code != 257) {
            if (code == 256) {
                size_ = kFirst;
                previous_ = -1;
            } else if (!step(code)) {
                out_.is_damaged = true;
                return;
            }
        }
    }

  private:
    static constexpr int kFirst = 258;

    int next() {
        const int bits = size_ + 1 >= 2048 ? 12 : size_ + 1 >= 1024 ? 11 : size_ + 1 >= 512 ? 10 : 9;
        while (held_bits_ < bits) {
            if (at_ >= in_.size()) return -1;
            held_ = held_ << 8 | static_cast<unsigned char>(in_[at_++]);
            held_bits_ += 8;
        }
        held_bits_ -= bits;
        return static_cast<int>(held_ >> held_bits_ & ((1U << bits) - 1));
    }

    bool step(int code) {
        if (code > size_ || (code == size_ && previous_ < 0)) return false;
        const bool is_new = code == size_;
        spelled_.clear();
        for (int at = is_new ? previous_ : code; at >= 0; at = at < 256 ? -1 : prefix_[index(at)])
            spelled_.push_back(at < 256 ? static_cast<char>(at) : suffix_[index(at)]);
        std::ranges::reverse(spelled_);
        if (is_new) spelled_.push_back(spelled_.front());
        for (const char c : spelled_) put(out_, c, max_);
        if (previous_ >= 0 && size_ < 4096) {
            prefix_[index(size_)] = previous_;
            suffix_[index(size_)] = spelled_.front();
            ++size_;
        }
        previous_ = code;
        return true;
    }

    static std::size_t index(int code) { return static_cast<std::size_t>(code); }

    std::string_view in_;
    std::size_t max_;
    PdfStream& out_;
    std::array<int, 4097> prefix_{};
    std::array<char, 4097> suffix_{};
    std::string spelled_;
    int size_ = kFirst;
    int previous_ = -1;
    std::size_t at_ = 0;
    std::uint32_t held_ = 0;
    int held_bits_ = 0;
};

void lzw(std::string_view in, std::size_t max_output, PdfStream& out) {
    Lzw(in, max_output, out).run();
}

struct Row {
    std::string_view name;
    std::string_view short_name;
    Filter filter;
    bool has_predictor;
};

constexpr auto kFilters = std::to_array<Row>({
    {"FlateDecode", "Fl", flate, true},
    {"ASCIIHexDecode", "AHx", ascii_hex, false},
    {"ASCII85Decode", "A85", ascii_85, false},
    {"LZWDecode", "LZW", lzw, true},
    {"RunLengthDecode", "RL", run_length, false},
    {"Crypt", "Crypt", nullptr, false},
});

std::size_t number_of(std::span<const PdfToken> tokens, std::string_view key, std::size_t otherwise) {
    const auto value = pdf_value(tokens, key);
    return value.empty() ? otherwise : base::parse_unsigned(value[0].text).value_or(otherwise);
}

int paeth(int left, int up, int corner) {
    const int guess = left + up - corner;
    const int to_left = std::abs(guess - left);
    const int to_up = std::abs(guess - up);
    const int to_corner = std::abs(guess - corner);
    if (to_left <= to_up && to_left <= to_corner) return left;
    return to_up <= to_corner ? up : corner;
}

/// PNG's filters, which any predictor from 10 on means (7.4.4.4).
std::string unpredicted(std::string_view in, std::size_t row_size, std::size_t pixel) {
    std::string out;
    out.reserve(in.size());
    for (std::size_t at = 0; at + 1 < in.size(); at += row_size + 1) {
        const char kind = in[at];
        const auto row = in.substr(at + 1, row_size);
        const auto begin = out.size();
        const auto before = [&](std::size_t distance) {
            return out.size() >= distance ? static_cast<unsigned char>(out[out.size() - distance]) : 0;
        };
        for (std::size_t i = 0; i < row.size(); ++i) {
            const int left = i >= pixel ? before(pixel) : 0;
            const int up = begin >= row_size ? before(row_size) : 0;
            const int corner = i >= pixel && begin >= row_size ? before(row_size + pixel) : 0;
            const int added = kind == 1   ? left
                              : kind == 2 ? up
                              : kind == 3 ? (left + up) / 2
                              : kind == 4 ? paeth(left, up, corner)
                                          : 0;
            out.push_back(static_cast<char>(static_cast<unsigned char>(row[i]) + added));
        }
    }
    return out;
}

void unpredict(std::span<const PdfToken> tokens, PdfStream& stream) {
    constexpr std::size_t kMostColumns = 1U << 20;
    if (number_of(tokens, "Predictor", 1) < 10) return;
    const auto bits = std::min<std::size_t>(number_of(tokens, "BitsPerComponent", 8), 32) *
                      std::min<std::size_t>(number_of(tokens, "Colors", 1), 64);
    const auto columns = std::min(number_of(tokens, "Columns", 1), kMostColumns);
    const auto row_size = std::max<std::size_t>((bits * columns + 7) / 8, 1);
    stream.bytes = unpredicted(stream.bytes, row_size, std::max<std::size_t>(bits / 8, 1));
}

}  // namespace

bool apply_pdf_filter(const PdfFilter& filter, std::string_view in, PdfStream& stream) {
    const auto found = std::ranges::find_if(
        kFilters, [&](const Row& row) { return row.name == filter.name || row.short_name == filter.name; });
    if (found == kFilters.end()) return false;
    if (found->filter == nullptr) {
        stream.bytes = in;
        return true;
    }
    found->filter(in, filter.max_output, stream);
    if (found->has_predictor) unpredict(filter.tokens, stream);
    return true;
}

}  // namespace gatehouse::inspect::format
