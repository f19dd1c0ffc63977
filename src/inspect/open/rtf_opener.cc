// Rich text: embedded objects, templates from elsewhere, and fields that start programs (RTF 1.9.1).
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "inspect/format/little_endian.h"
#include "inspect/open/compound_records.h"
#include "inspect/open/openers.h"

namespace gatehouse::inspect::open {

namespace {

using format::behind;
using format::little_endian;
using message::GapReason;
using namespace std::string_view_literals;

constexpr std::size_t kMaxText = 4096;
constexpr auto kCompound = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv;
// Class of monikers that are fetched: {79EAC9E0-BAF9-11CE-8C82-00AA004BA90B}.
constexpr auto kUrlMoniker = "\xE0\xC9\xEA\x79\xF9\xBA\xCE\x11\x8C\x82\x00\xAA\x00\x4B\xA9\x0B"sv;

/// Hexadecimal digits as they come, and raw bytes in between.
class HexText {
  public:
    void digit(int value) {
        if (high_ < 0) {
            high_ = value;
            return;
        }
        bytes_.push_back(static_cast<char>(high_ * 16 + value));
        high_ = -1;
    }
    void raw(std::string_view bytes) { bytes_ += bytes; }
    const std::string& bytes() const { return bytes_; }

  private:
    std::string bytes_;
    int high_ = -1;
};

/// One destination that is of interest, while its group is open.
struct Destination {
    enum class Kind : std::uint8_t { object, instruction, target } kind = Kind::object;
    std::size_t depth = 0;
    HexText own;  ///< without what inner groups hold, as some versions of Word read it
    HexText all;
    std::string text;
};

struct Rtf {
    std::vector<Destination> found;
    bool is_complete = true;  ///< false: more than max_found, or more bytes than room
};

class Reader {
  public:
    Reader(std::string_view bytes, std::size_t max_found, std::size_t room)
        : bytes_(bytes), max_found_(max_found), room_(room) {}

    Rtf run() {
        while (at_ < bytes_.size()) {
            const char c = bytes_[at_];
            if (c == '\\') {
                control();
                continue;
            }
            if (c == '{') ++depth_;
            if (c == '}') close();
            if (c != '{' && c != '}') character(c);
            ++at_;
        }
        if (open_) finish();
        return std::move(out_);
    }

  private:
    void control() {
        ++at_;
        const auto begin = at_;
        while (at_ < bytes_.size() && base::is_alpha(bytes_[at_]) && at_ - begin < 64) ++at_;
        if (at_ == begin) return symbol();
        const auto word = bytes_.substr(begin, at_ - begin);
        const auto number_begin = at_;
        if (at_ < bytes_.size() && bytes_[at_] == '-') ++at_;
        while (at_ < bytes_.size() && base::is_digit(bytes_[at_]) && at_ - number_begin < 12) ++at_;
        const auto number = base::parse_unsigned(bytes_.substr(number_begin, at_ - number_begin));
        if (at_ < bytes_.size() && bytes_[at_] == ' ') ++at_;
        act(word, number.value_or(0));
    }

    /// A character that is escaped, as "\'41".
    void symbol() {
        if (at_ >= bytes_.size()) return;
        const char c = bytes_[at_++];
        if (c != '\'') {
            if (open_ && (c == '\\' || c == '{' || c == '}')) add_text(c);
            return;
        }
        const auto digits = bytes_.substr(at_, 2);
        at_ += digits.size();
        const auto byte = base::from_hex(digits);
        if (byte && !byte->empty()) add_text(byte->front());
    }

    void act(std::string_view word, std::uint64_t number) {
        if (word == "bin") return binary(number);
        if (word == "objdata") return begin(Destination::Kind::object);
        if (word == "fldinst") return begin(Destination::Kind::instruction);
        if (word == "template") return begin(Destination::Kind::target);
    }

    void binary(std::uint64_t size) {
        const auto raw = behind(bytes_, at_).substr(0, size);
        at_ += raw.size();
        if (!open_ || !take(2 * raw.size())) return;
        open_->all.raw(raw);
        if (depth_ == open_->depth) open_->own.raw(raw);
    }

    void begin(Destination::Kind kind) {
        if (open_) finish();
        open_.emplace();
        open_->kind = kind;
        open_->depth = depth_;
    }

    void close() {
        if (open_ && depth_ <= open_->depth) finish();
        if (depth_ > 0) --depth_;
    }

    void character(char c) {
        if (!open_) return;
        add_text(c);
        const int value = base::hex_value(c);
        if (open_->kind != Destination::Kind::object || value < 0 || !take(1)) return;
        open_->all.digit(value);
        if (depth_ == open_->depth) open_->own.digit(value);
    }

    void add_text(char c) {
        if (open_ && open_->kind != Destination::Kind::object && open_->text.size() < kMaxText)
            open_->text.push_back(c);
    }

    bool take(std::size_t bytes) {
        if (bytes > room_) out_.is_complete = false;
        if (bytes > room_) return false;
        room_ -= bytes;
        return true;
    }

    void finish() {
        if (out_.found.size() < max_found_)
            out_.found.push_back(std::move(*open_));
        else
            out_.is_complete = false;
        open_.reset();
    }

    std::string_view bytes_;
    std::size_t max_found_;
    std::size_t room_;
    std::size_t at_ = 0;
    std::size_t depth_ = 0;
    std::optional<Destination> open_;
    Rtf out_;
};

struct Object {
    std::string_view class_name;
    std::string_view bytes;
};

/// [MS-OLEDS] 2.2.5; nothing where it is none.
std::optional<Object> read_object(std::string_view bytes) {
    Object out;
    auto rest = behind(bytes, 8);
    for (int i = 0; i < 3; ++i) {
        const auto length = little_endian(rest, 0, 4);
        if (rest.size() < 4 || length > rest.size() - 4) return std::nullopt;
        if (i == 0) out.class_name = rest.substr(4, length);
        rest = behind(rest, 4 + length);
    }
    if (rest.size() < 4) return std::nullopt;
    out.class_name = out.class_name.substr(0, out.class_name.find('\0'));
    out.bytes = behind(rest, 4).substr(0, little_endian(rest, 0, 4));
    return out;
}

class RtfOpener {
  public:
    explicit RtfOpener(Visitor& visitor) : visitor_(visitor) {}

    void run(const Rtf& rtf) {
        if (!rtf.is_complete)
            visitor_.on_gap("", GapReason::too_many, "this document holds more objects than the limit");
        for (const auto& found : rtf.found) {
            if (!look_at(found)) return;
        }
    }

  private:
    bool look_at(const Destination& found) {
        const auto text = base::trim(found.text);
        if (found.kind == Destination::Kind::instruction) {
            if (base::istarts_with(text, "DDE")) visitor_.on_evidence(kDde, "", std::string(kDde.help));
            return true;
        }
        if (found.kind == Destination::Kind::target) {
            const bool is_elsewhere = text.find("://") != std::string_view::npos || text.starts_with("\\\\");
            if (is_elsewhere)
                visitor_.on_evidence(kRemoteTemplate, "", "template: " + base::printable(text, 200));
            return true;
        }
        if (!look_at_object(found.all.bytes())) return false;
        const bool differs = found.own.bytes() != found.all.bytes();
        return !differs || look_at_object(found.own.bytes());
    }

    bool look_at_object(std::string_view bytes) {
        if (bytes.empty()) return true;
        const auto name = fmt::format("object-{}", ++count_);
        visitor_.on_evidence(kEmbeddedFile, name, std::string(kEmbeddedFile.help));
        if (bytes.find(kUrlMoniker) != std::string_view::npos)
            visitor_.on_evidence(kRemoteTemplate, name,
                                 "an object that is fetched when the document is opened");
        const auto object = read_object(bytes);
        if (object && base::iequals(object->class_name, "Package")) {
            if (const auto package = read_package_body(object->bytes)) {
                if (package->is_damaged)
                    visitor_.on_gap(name, GapReason::corrupt, "this embedded file ends early");
                return visitor_.on_member({package->name, package->bytes, true});
            }
        }
        if (object && base::istarts_with(object->class_name, "Equation"))
            visitor_.on_evidence(kEquation, name, std::string(kEquation.help));
        if (object && !visitor_.on_member({name, object->bytes, true})) return false;
        // Word also takes what has no right header.
        const auto at = bytes.find(kCompound);
        const bool is_shown = object && object->bytes.starts_with(kCompound);
        if (at != std::string_view::npos && !is_shown)
            return visitor_.on_member({name, bytes.substr(at), true});
        return object || visitor_.on_member({name, bytes, true});
    }

    Visitor& visitor_;
    std::size_t count_ = 0;
};

}  // namespace

void open_rtf(const Item& item, Visitor& visitor) {
    RtfOpener(visitor).run(Reader(item.bytes, visitor.max_members(), visitor.room()).run());
}

}  // namespace gatehouse::inspect::open
