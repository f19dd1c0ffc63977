// VBA projects in compound files ([MS-OVBA]): the source of every module, also where the list of modules is
// missing or lies. Used by inspect/open. Pure, thread-safe; bounded by VbaLimits and by the file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/format/compound_file.h"

namespace gatehouse::inspect::format {

struct VbaLimits {
    std::size_t max_source = 4U << 20;  ///< of one module
    std::size_t max_all = 32U << 20;    ///< of all modules
    std::size_t max_modules = 1000;
};

struct VbaModule {
    std::string name;          ///< UTF-8
    std::string stream;        ///< path in the compound file
    std::string source;        ///< UTF-8
    bool is_document = false;  ///< of a document, class or form; else procedural
    bool is_complete = true;   ///< false: cut at a limit
    bool is_damaged = false;   ///< what was decompressed before the damage is there
    /// Compiled code is there and its source is not, or tells less: Office may run the former.
    bool is_stomped = false;
};

struct VbaProject {
    std::string storage;  ///< path of the storage "VBA"
    std::vector<VbaModule> modules;
    bool is_damaged = false;
};

struct Decompressed {
    std::string bytes;
    bool is_complete = true;  ///< false: cut at max_output
    bool is_damaged = false;
};

/// [MS-OVBA] 2.4.1: a container from its signature byte on.
Decompressed decompress_vba(std::string_view container, std::size_t max_output);

std::vector<VbaProject> read_vba(const CompoundFile& file, const VbaLimits& limits = {});

}  // namespace gatehouse::inspect::format
