#include "inspect/format/file_extension.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/text.h"

namespace gatehouse::inspect::format {

namespace {

using enum FileGroup;
using Row = std::pair<std::string_view, FileGroup>;

constexpr auto kExtensions = std::to_array<Row>({
    {"7z", archive},     {"ace", archive},    {"ani", image},      {"apk", executable}, {"appx", executable},
    {"arj", archive},    {"avi", media},      {"bat", executable}, {"bmp", image},      {"bz2", archive},
    {"cab", archive},    {"chm", document},   {"cmd", executable}, {"com", executable}, {"cpl", executable},
    {"csv", text},       {"dll", executable}, {"doc", document},   {"docm", document},  {"docx", document},
    {"dot", document},   {"dotm", document},  {"eml", mail},       {"exe", executable}, {"gif", image},
    {"gz", archive},     {"hta", executable}, {"htm", document},   {"html", document},  {"ics", mail},
    {"img", disk},       {"iso", disk},       {"jar", executable}, {"jpeg", image},     {"jpg", image},
    {"js", executable},  {"jse", executable}, {"lnk", executable}, {"log", text},       {"lzh", archive},
    {"mov", media},      {"mp3", media},      {"mp4", media},      {"msc", executable}, {"msg", mail},
    {"msi", executable}, {"odp", document},   {"ods", document},   {"odt", document},   {"pdf", document},
    {"pif", executable}, {"png", image},      {"pps", document},   {"ppt", document},   {"pptm", document},
    {"pptx", document},  {"ps1", executable}, {"psd", image},      {"rar", archive},    {"reg", executable},
    {"rtf", document},   {"scr", executable}, {"sct", executable}, {"svg", image},      {"swf", executable},
    {"tar", archive},    {"tgz", archive},    {"tif", image},      {"tiff", image},     {"txt", text},
    {"vbe", executable}, {"vbs", executable}, {"vhd", disk},       {"vhdx", disk},      {"wav", media},
    {"webp", image},     {"wma", media},      {"wmv", media},      {"wsf", executable}, {"wsh", executable},
    {"xhtml", document}, {"xla", document},   {"xlam", document},  {"xll", executable}, {"xls", document},
    {"xlsb", document},  {"xlsm", document},  {"xlsx", document},  {"xml", document},   {"xz", archive},
    {"zip", archive},    {"zst", archive},
});
static_assert(std::ranges::is_sorted(kExtensions, {}, &Row::first));

}  // namespace

std::string_view extension_of(std::string_view name) {
    const auto last = name.find_last_not_of(" .");
    if (last == std::string_view::npos) return {};
    name = name.substr(0, last + 1);
    const auto dot = name.rfind('.');
    return dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
}

std::optional<FileGroup> group_of_extension(std::string_view extension) {
    const auto wanted = base::lower(extension);
    const auto found = std::ranges::lower_bound(kExtensions, std::string_view(wanted), {}, &Row::first);
    if (found == kExtensions.end() || found->first != wanted) return std::nullopt;
    return found->second;
}

}  // namespace gatehouse::inspect::format
