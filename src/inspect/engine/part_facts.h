// Part rows and paths. A path is the section number and then the file name or type ("2:a.zip",
// "1:text/plain"); what an opener finds inside follows after '/'. Paths are unique, valid UTF-8, and hold no
// '/' of the name's own. Pure; used by engine.cc and view.cc only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "inspect/format/true_type.h"
#include "inspect/mime/structure.h"
#include "message/facts.h"

namespace gatehouse::inspect::engine {

/// By index of structure.parts.
std::vector<std::string> part_paths(const mime::Structure& structure);
/// The path of something inside a part.
std::string member_path(std::string_view parent, std::string_view name);

/// Everything but size and digest.
message::Part describe_part(const mime::Part& part, std::string path);

/// What a program takes a part for that is nothing but text by its content: browsers read any text as a page
/// when its name or its type says so, and calendars likewise. Else `type`.
const format::FileType& type_when_opened(const message::Part& part, const format::FileType& type);

/// Text that people read, as opposed to a file: declared as text, not named, not attached, and no binary
/// content. Such parts are not handed to third-party engines one by one; they see them within the whole
/// message.
bool is_reading_text(const mime::Part& part, std::string_view decoded);

/// At most `limit` bytes of valid UTF-8 without control characters.
std::string tidy_name(std::string_view name, std::size_t limit);

}  // namespace gatehouse::inspect::engine
