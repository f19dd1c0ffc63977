// The other readings of a part that mail programs understand differently. Where the second reading can be
// made, it is inspected beside the first, and the doubt is settled: whichever a reader shows was looked at.
// What stays open is reported by the detector `malformed`. Pure, linear in the part; used by engine.cc only.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "inspect/mime/structure.h"

namespace gatehouse::inspect::engine {

struct Reading {
    std::string name;  ///< of the member: "by lines", "1:a.zip"
    std::string claimed_type;
    std::string file_name;
    std::string bytes;
    bool is_file = true;  ///< false: text that people read
};

struct Readings {
    std::vector<Reading> found;
    mime::AnomalySet settled;
};

/// Of a leaf; at most `room` bytes in all:
/// - base64 whose lines break its groups, read line by line;
/// - a multipart whose boundary never appears, cut at the one delimiter that its body shows.
/// And what needs no second look: a line that begins like a delimiter with nothing after it.
Readings other_readings(const mime::Structure& structure, std::size_t part, std::size_t room);

/// Of a multipart that was parsed: parts that nobody declared are inspected as parts and stand in the text,
/// too; a quoted-printable label on a multipart matters only if decoding would move delimiters.
void settle_composite(mime::Structure& structure, std::size_t part);

}  // namespace gatehouse::inspect::engine
