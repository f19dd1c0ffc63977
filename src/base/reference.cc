#include "base/reference.h"

#include "base/text.h"

namespace gatehouse::base {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr WallTime kEpoch = std::chrono::sys_days{std::chrono::year{2020} / 1 / 1};

int symbol_value(char c) {
    const char lower = to_lower(c);
    if (lower == 'i' || lower == 'l') return 1;
    if (lower == 'o') return 0;
    const char upper = is_alpha(c) ? static_cast<char>(lower - 32) : c;
    const auto at = kAlphabet.find(upper);
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

Reference Reference::make(WallTime time, std::uint8_t node, std::uint32_t random) {
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(time - kEpoch).count();
    const std::uint64_t millis = since < 0 ? 0 : static_cast<std::uint64_t>(since) & ((1ULL << 42) - 1);
    const std::uint64_t rest =
        (static_cast<std::uint64_t>(node) << 30) | (random & ((1U << 30) - 1));  // 38 bits
    Reference reference;
    reference.high_ = (millis << 22) | (rest >> 16);
    reference.low_ = static_cast<std::uint16_t>(rest & 0xFFFF);
    return reference;
}

std::string Reference::to_bytes() const {
    std::string out(kBytes, '\0');
    for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<char>((high_ >> (56 - 8 * i)) & 0xFF);
    out[8] = static_cast<char>(low_ >> 8);
    out[9] = static_cast<char>(low_ & 0xFF);
    return out;
}

std::optional<Reference> Reference::from_bytes(std::string_view bytes) {
    if (bytes.size() != kBytes) return std::nullopt;
    Reference reference;
    for (std::size_t i = 0; i < 8; ++i) {
        reference.high_ = (reference.high_ << 8) | static_cast<unsigned char>(bytes[i]);
    }
    reference.low_ = static_cast<std::uint16_t>((static_cast<unsigned char>(bytes[8]) << 8) |
                                                static_cast<unsigned char>(bytes[9]));
    return reference;
}

std::string Reference::to_string() const {
    std::string out;
    out.reserve(kSymbols + 3);
    for (std::size_t i = 0; i < kSymbols; ++i) {
        if (i != 0 && i % 4 == 0) out += '-';
        const std::size_t shift = 75 - 5 * i;  // of the 80-bit number
        const std::uint64_t value = shift >= 16  ? high_ >> (shift - 16)
                                    : shift > 11 ? (high_ << (16 - shift)) | (low_ >> shift)
                                                 : static_cast<std::uint64_t>(low_ >> shift);
        out += kAlphabet[value & 31];
    }
    return out;
}

Result<Reference> Reference::parse(std::string_view text) {
    const auto symbols = normalise_reference_prefix(text);
    if (!symbols || symbols->size() != kSymbols) {
        return fail(Fault::usage,
                    "\"{}\" is not a message reference (16 symbols such as 7Q3K-M8TD-0VZ2-6XNB)",
                    printable(text, 64));
    }
    Reference reference;
    for (std::size_t i = 0; i < kSymbols; ++i) {
        reference.high_ = (reference.high_ << 5) | (reference.low_ >> 11);
        reference.low_ = static_cast<std::uint16_t>((reference.low_ << 5) | symbol_value((*symbols)[i]));
    }
    return reference;
}

WallTime Reference::time() const {
    return kEpoch + std::chrono::milliseconds(high_ >> 22);
}

std::optional<std::string> normalise_reference_prefix(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '-') continue;
        const int value = symbol_value(c);
        if (value < 0 || out.size() == Reference::kSymbols) return std::nullopt;
        out += kAlphabet[static_cast<std::size_t>(value)];
    }
    if (out.size() < 8) return std::nullopt;
    return out;
}

Result<ReferenceRange> parse_reference_prefix(std::string_view text) {
    const auto symbols = normalise_reference_prefix(text);
    if (!symbols) {
        return fail(Fault::usage, "\"{}\" is not a message reference or its first 8 or more symbols",
                    printable(text, 64));
    }
    const std::size_t missing = Reference::kSymbols - symbols->size();
    GATEHOUSE_TRY(const auto first, Reference::parse(*symbols + std::string(missing, '0')));
    GATEHOUSE_TRY(const auto last, Reference::parse(*symbols + std::string(missing, 'Z')));
    return ReferenceRange{first, last};
}

Result<ItemId> ItemId::parse(std::string_view text) {
    const auto slash = text.find('/');
    const auto number = slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1);
    const auto group = parse_unsigned(number);
    if (!group || *group == 0 || *group > kMaxGroup || number.front() == '0') {
        return fail(Fault::usage, "\"{}\" is not an item id such as 7Q3K-M8TD-0VZ2-6XNB/1",
                    printable(text, 64));
    }
    GATEHOUSE_TRY(const auto reference, Reference::parse(text.substr(0, slash)));
    return ItemId{reference, static_cast<std::uint32_t>(*group)};
}

std::string ItemId::to_string() const {
    return fmt::format("{}/{}", reference.to_string(), group);
}

std::string ItemId::to_file_name() const {
    return fmt::format("{}-{}", reference.to_string(), group);
}

std::optional<ItemId> ItemId::from_file_name(std::string_view name) {
    const auto dash = name.rfind('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto id = parse(std::string(name.substr(0, dash)) + '/' + std::string(name.substr(dash + 1)));
    if (!id || id->to_file_name() != name) return std::nullopt;
    return *id;
}

}  // namespace gatehouse::base
