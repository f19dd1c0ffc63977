#include "inspect/mime/header.h"

namespace gatehouse::inspect::mime {

const HeaderField* Headers::find(std::string_view name) const {
    const std::uint32_t hash = name_hash(name);
    for (const HeaderField& field : fields_) {
        if (field.hash == hash && base::iequals(field.name, name)) return &field;
    }
    return nullptr;
}

std::vector<const HeaderField*> Headers::all(std::string_view name) const {
    std::vector<const HeaderField*> found;
    const std::uint32_t hash = name_hash(name);
    for (const HeaderField& field : fields_) {
        if (field.hash == hash && base::iequals(field.name, name)) found.push_back(&field);
    }
    return found;
}

std::size_t Headers::count(std::string_view name) const {
    std::size_t count = 0;
    const std::uint32_t hash = name_hash(name);
    for (const HeaderField& field : fields_) {
        if (field.hash == hash && base::iequals(field.name, name)) ++count;
    }
    return count;
}

std::string Headers::text(std::string_view name) const {
    const HeaderField* field = find(name);
    return field == nullptr ? std::string() : unfold(field->value);
}

std::string unfold(std::string_view value) {
    value = base::trim(value);
    std::string out;
    out.reserve(value.size());
    while (!value.empty()) {
        const std::size_t line_end = value.find_first_of("\r\n");
        out += value.substr(0, line_end);
        if (line_end == std::string_view::npos) break;
        value.remove_prefix(line_end + 1);
    }
    return out;
}

}  // namespace gatehouse::inspect::mime
