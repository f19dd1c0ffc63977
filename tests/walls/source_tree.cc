#include "source_tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/text.h"

namespace gatehouse::walls {
namespace {

namespace fs = std::filesystem;

/// The words between back quotes of a table cell, up to the first bracketed remark of each.
std::vector<std::string> quoted_words(const std::string& cell) {
    std::vector<std::string> out;
    std::size_t at = 0;
    int depth = 0;
    for (; at < cell.size(); ++at) {
        if (cell[at] == '(') ++depth;
        if (cell[at] == ')') --depth;
        if (cell[at] != '`' || depth > 0) continue;
        const std::size_t end = cell.find('`', at + 1);
        if (end == std::string::npos) break;
        out.push_back(cell.substr(at + 1, end - at - 1));
        at = end;
    }
    return out;
}

std::vector<Include> includes_of(const std::string& path, const std::string& text) {
    std::vector<Include> out;
    std::istringstream lines(text);
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        const auto trimmed = base::trim(line);
        if (!trimmed.starts_with("#include")) continue;
        const auto rest = base::trim(trimmed.substr(8));
        if (rest.size() < 3) continue;
        const char close = rest.front() == '<' ? '>' : '"';
        const auto end = rest.find(close, 1);
        if (end == std::string_view::npos) continue;
        out.push_back({path, number, std::string(rest.substr(1, end - 1)), close == '"'});
    }
    return out;
}

}  // namespace

std::string read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
}

Floors Floors::read(const std::string& architecture) {
    Floors floors;
    std::istringstream lines(architecture);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("| ") || line.size() < 6 || !base::is_digit(line[2]) || line[3] != ' ')
            continue;
        const int floor = line[2] - '0';
        for (auto word : quoted_words(line.substr(5))) {
            if (word.ends_with("/*")) {
                word.resize(word.size() - 2);
                floors.wildcards_[word] = floor;
            } else {
                floors.floors_[word] = floor;
            }
        }
    }
    return floors;
}

std::string Floors::module_of(const std::string& path) const {
    for (fs::path folder = fs::path(path).parent_path(); !folder.empty(); folder = folder.parent_path()) {
        if (wildcards_.contains(folder.parent_path().string())) return folder.string();
        if (floors_.contains(folder.string())) return folder.string();
    }
    return {};
}

int Floors::floor_of(const std::string& module) const {
    const auto exact = floors_.find(module);
    if (exact != floors_.end()) return exact->second;
    const auto parent = wildcards_.find(fs::path(module).parent_path().string());
    return parent == wildcards_.end() ? -1 : parent->second;
}

std::vector<SourceFile> read_sources(const std::string& source_root) {
    std::vector<SourceFile> out;
    const fs::path root = fs::path(source_root) / "src";
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
        const auto extension = entry.path().extension();
        if (!entry.is_regular_file() || (extension != ".h" && extension != ".cc")) continue;
        SourceFile file{fs::relative(entry.path(), root).string(), read_text(entry.path().string()), {}};
        file.includes = includes_of(file.path, file.text);
        out.push_back(std::move(file));
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    return out;
}

std::map<std::string, std::set<std::string>> read_link_closures(const std::string& build_root) {
    std::map<std::string, std::set<std::string>> out;
    std::istringstream lines(read_text(build_root + "/link-closures.txt"));
    for (std::string line; std::getline(lines, line);) {
        const auto colon = line.find(": ");
        if (colon == std::string::npos) continue;
        std::istringstream words(line.substr(colon + 2));
        auto& targets = out[line.substr(0, colon)];
        for (std::string word; words >> word;) targets.insert(word);
    }
    return out;
}

}  // namespace gatehouse::walls
