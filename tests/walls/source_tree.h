// Reads the house as it is: the floor table of docs/architecture.md, every #include of src/, and what CMake
// links.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace gatehouse::walls {

struct Include {
    std::string file;  ///< relative to src/, e.g. "inspect/mime/parser.cc"
    int line = 0;
    std::string target;  ///< as written between quotes or brackets
    bool quoted = false;
};

struct SourceFile {
    std::string path;  ///< relative to src/
    std::string text;
    std::vector<Include> includes;
};

class Floors {
  public:
    /// From the table in docs/architecture.md section 3.
    static Floors read(const std::string& architecture);
    /// The module a path belongs to: the longest known prefix; empty when none.
    std::string module_of(const std::string& path) const;
    /// -1 for an unknown module. `inspect/detect/*` covers every folder below.
    int floor_of(const std::string& module) const;
    const std::map<std::string, int>& all() const { return floors_; }

  private:
    std::map<std::string, int> floors_;
    std::map<std::string, int> wildcards_;
};

std::vector<SourceFile> read_sources(const std::string& source_root);
/// "app front" or "module inspect/mime" -> link targets, as CMake wrote them.
std::map<std::string, std::set<std::string>> read_link_closures(const std::string& build_root);
std::string read_text(const std::string& path);

}  // namespace gatehouse::walls
