#include "inspect/find/qr_code.h"

#define ZX_USE_UTF8 1
#include <ZXing/ReadBarcode.h>

#include <algorithm>
#include <exception>

#include "message/charset.h"

namespace gatehouse::inspect::find {

namespace {

constexpr std::uint32_t kSmallest = 21;  // modules of the smallest QR code: what is smaller holds none
constexpr std::size_t kInvertUpTo = 1U << 20;

/// Four pixels become one.
format::Picture halved(const format::Picture& picture) {
    format::Picture out;
    out.width = picture.width / 2;
    out.height = picture.height / 2;
    out.grey.resize(std::size_t{out.width} * out.height);
    const auto at = [&](std::size_t x, std::size_t y) {
        return static_cast<unsigned>(static_cast<unsigned char>(picture.grey[y * picture.width + x]));
    };
    for (std::size_t y = 0; y < out.height; ++y) {
        for (std::size_t x = 0; x < out.width; ++x) {
            const auto sum =
                at(2 * x, 2 * y) + at(2 * x + 1, 2 * y) + at(2 * x, 2 * y + 1) + at(2 * x + 1, 2 * y + 1);
            out.grey[y * out.width + x] = static_cast<char>(sum / 4);
        }
    }
    return out;
}

void add_codes(const format::Picture& picture, std::vector<std::string>& out) {
    using ZXing::BarcodeFormat;
    ZXing::DecodeHints hints;
    hints.setFormats(BarcodeFormat::QRCode | BarcodeFormat::MicroQRCode | BarcodeFormat::DataMatrix |
                     BarcodeFormat::Aztec);
    hints.setMaxNumberOfSymbols(kMaxCodes);
    const ZXing::ImageView view(reinterpret_cast<const std::uint8_t*>(picture.grey.data()),
                                static_cast<int>(picture.width), static_cast<int>(picture.height),
                                ZXing::ImageFormat::Lum);
    try {
        for (const auto& result : ZXing::ReadBarcodes(view, hints)) {
            if (!result.isValid()) continue;
            auto text = message::guess_to_utf8(result.text(), kMaxCodeText).text;
            if (std::ranges::find(out, text) == out.end() && out.size() < kMaxCodes)
                out.push_back(std::move(text));
        }
    } catch (const std::exception&) {
        return;  // it stumbles over some pictures; those hold no code that a telephone reads
    }
}

}  // namespace

std::vector<std::string> read_codes(const format::Picture& picture) {
    std::vector<std::string> out;
    if (picture.width < kSmallest || picture.height < kSmallest) return out;
    if (picture.grey.size() > format::kWantedPixels) return read_codes(halved(picture));
    add_codes(picture, out);
    if (!out.empty() || picture.grey.size() > kInvertUpTo) return out;
    auto inverted = picture;
    for (auto& c : inverted.grey) c = static_cast<char>(~c);
    add_codes(inverted, out);
    return out;
}

}  // namespace gatehouse::inspect::find
