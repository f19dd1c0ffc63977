// PDF files (ISO 32000-2) as every reader together sees them: a linear sweep for objects, whatever the cross
// references say, and the objects within object streams; the data of streams through their filters. Used by
// inspect/open. Pure, thread-safe; borrows the bytes. Total and near-linear: nothing is followed by
// recursion, streams decode to what the caller allows, and objects, tokens and unpacked object streams are
// bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::inspect::format {

enum class PdfKind : std::uint8_t { name, string, number, keyword, open, close };

/// Names and strings without their escapes; `open` and `close` are << >> [ ].
struct PdfToken {
    PdfKind kind = PdfKind::keyword;
    std::string text;
};

struct PdfObject {
    std::uint32_t number = 0;  ///< 0: a trailer
    std::string_view head;     ///< its value, up to the stream
    std::string_view stream;   ///< as it stands in the file
    bool has_stream = false;
};

struct PdfStream {
    std::string bytes;
    bool is_complete = true;     ///< false: cut at max_output
    bool is_damaged = false;     ///< what was decoded before the damage is there
    std::string unknown_filter;  ///< not decoded from there on, as pictures are not; empty = none
};

class PdfFile {
  public:
    static PdfFile read(std::string_view bytes, std::size_t max_objects = 100'000,
                        std::size_t max_unpacked = 64U << 20);

    std::span<const PdfObject> objects() const { return objects_; }
    /// Every object of that number, in the order of the file.
    std::vector<const PdfObject*> find(std::uint32_t number) const;
    bool is_encrypted() const { return is_encrypted_; }
    bool is_complete() const { return is_complete_; }  ///< false: a limit was reached
    bool is_damaged() const { return is_damaged_; }    ///< an object stream could not be unpacked wholly

  private:
    void sweep(std::string_view bytes, std::size_t max_objects);
    void add(std::string_view bytes, std::size_t begin, std::uint32_t number);
    void place_stream(std::string_view bytes, PdfObject& object) const;
    void unpack(std::size_t index, std::size_t max_objects, std::size_t& room);

    std::vector<PdfObject> objects_;
    std::multimap<std::uint32_t, std::size_t> by_number_;
    std::vector<std::size_t> stream_ends_;
    std::deque<std::string> unpacked_;
    std::size_t work_left_ = 0;
    bool is_encrypted_ = false;
    bool is_complete_ = true;
    bool is_damaged_ = false;
};

/// At most `max_tokens`.
std::vector<PdfToken> pdf_tokens(std::string_view head, std::size_t max_tokens = 20'000);

/// What follows a key, in any dictionary of the tokens: one token, or those between brackets with them; a
/// reference is its three tokens. Empty: no such key from `from` on. `next` is set behind it.
std::span<const PdfToken> pdf_value(std::span<const PdfToken> tokens, std::string_view key,
                                    std::size_t from = 0, std::size_t* next = nullptr);
/// The number of "12 0 R"; 0: it is no reference.
std::uint32_t pdf_reference(std::span<const PdfToken> value);

PdfStream decode_pdf_stream(const PdfObject& object, std::size_t max_output);

}  // namespace gatehouse::inspect::format
