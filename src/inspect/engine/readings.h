// The other readings of a part that mail programs understand differently. Where the second reading can be
// made, it is inspected beside the first, and the doubt is settled: whichever a reader shows was looked at.
// A reading settles a doubt only when it is whole: not cut at a limit, and itself beyond doubt. What stays
// open is reported by the detector `malformed`. Pure, linear in the part; used by engine.cc only.
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
    bool is_file = true;         ///< false: text that people read
    bool complete = true;        ///< false: cut at the output limit
    mime::AnomalySet anomalies;  ///< of its own decoding
};

struct Readings {
    std::vector<Reading> found;
    mime::AnomalySet settled;
    std::size_t decoded = 0;  ///< bytes that were made for them, to be taken from the budget
};

/// Of a leaf or a multipart; decodes at most `room` bytes in all:
/// - base64 whose lines break its groups, read line by line;
/// - the body that begins after a header line of blanks;
/// - a multipart whose boundary never appears, cut at the one delimiter that its body shows;
/// - parts that no type declares, read as the one part that was declared;
/// - a multipart labelled quoted-printable, decoded before it is cut.
/// And what needs no second look: a line that begins like a delimiter with nothing after it, and a label that
/// changes nothing.
Readings other_readings(const mime::Structure& structure, std::size_t part, std::size_t room);

}  // namespace gatehouse::inspect::engine
