// What the streams of Office 97-2003 documents and of embedded objects say, as far as it is dangerous: the
// file in an OLE package, kinds of sheets, fields that start programs, encryption. Used by the openers of
// compound files and RTF. Pure, thread-safe, linear; sources: [MS-OLEDS] 2.3.6, [MS-XLS] 2.4, [MS-DOC] 2.5.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::inspect::open {

struct Package {
    std::string_view name;  ///< as it stands, of any charset
    std::string_view bytes;
    bool is_damaged = false;  ///< its size leads out of the stream
};

/// Of a stream "\x01Ole10Native": nothing when it does not look like one.
std::optional<Package> read_package(std::string_view stream);
/// The same without the size before it, as OLE 1 objects of class "Package" hold it.
std::optional<Package> read_package_body(std::string_view body);

struct SheetFacts {
    bool has_macro_sheet = false;
    bool is_encrypted = false;
    bool has_dde = false;
};
/// Of a stream "Workbook" or "Book".
SheetFacts read_workbook(std::string_view stream);

/// A record of a presentation that holds another file ([MS-PPT] 2.10.34 and others).
struct SlideObject {
    std::string_view bytes;
    bool is_deflated = false;  ///< with zlib's header
    std::uint64_t size = 0;    ///< when inflated, as it says
};
struct SlideFacts {
    std::vector<SlideObject> objects;
    bool is_encrypted = false;
};
/// Of a stream "PowerPoint Document".
SlideFacts read_presentation(std::string_view stream);

/// Of a stream "WordDocument".
bool is_encrypted_word(std::string_view stream);
/// A field's instruction in text of one or two bytes a character begins with DDE or DDEAUTO.
bool has_dde_field(std::string_view stream);

}  // namespace gatehouse::inspect::open
