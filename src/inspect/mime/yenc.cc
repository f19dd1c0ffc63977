// yEnc 1.3, as news readers and a few mail programs read it: "=ybegin line=128 size=N name=X", lines of bytes
// shifted by 42, "=yend". Anomalies are those of files in text, which uuencode has, too.
#include <algorithm>

#include "base/text.h"
#include "inspect/mime/decode.h"
#include "inspect/mime/line.h"

namespace gatehouse::inspect::mime {

namespace {

constexpr std::string_view kBegin = "=ybegin ";
constexpr std::string_view kEnd = "=yend";
constexpr std::string_view kPart = "=ypart";

std::string_view name_in(std::string_view begin_line) {
    const auto at = begin_line.find(" name=");
    return at == std::string_view::npos ? std::string_view() : base::trim(begin_line.substr(at + 6));
}

void decode_line(std::string_view line, std::string& out) {
    bool escaped = false;
    for (const char c : line) {
        if (c == '=' && !escaped) {
            escaped = true;
            continue;
        }
        out += static_cast<char>(static_cast<unsigned char>(c) - 42 - (escaped ? 64 : 0));
        escaped = false;
    }
}

}  // namespace

std::vector<UuencodedFile> find_yenc(std::string_view text, std::size_t max_files) {
    std::vector<UuencodedFile> files;
    for (std::size_t at = 0; (at = text.find(kBegin, at)) != std::string_view::npos;) {
        const bool starts_line = at == 0 || text[at - 1] == '\n' || text[at - 1] == '\r';
        const auto line_end = std::min(text.find_first_of("\r\n", at), text.size());
        const auto line = text.substr(at, line_end - at);
        if (!starts_line || !line.contains(" size=")) {
            at += kBegin.size();
            continue;
        }
        if (files.size() == max_files) return files;
        const auto end = text.find(kEnd, line_end);
        const auto next = text.find(kBegin, line_end);
        files.push_back({std::string(name_in(line)), at, std::min({end, next, text.size()})});
        at = files.back().end;
    }
    return files;
}

Decoded decode_yenc(std::string_view text, std::size_t max_output) {
    Decoded result;
    LineScanner lines(text);
    Line line;
    while (lines.next(line)) {
        auto content = lines.text(line);
        if (content.starts_with(kBegin) || content.starts_with(kPart)) continue;
        if (content.starts_with(kEnd)) break;
        if (content.starts_with("..")) content.remove_prefix(1);  // as news transport doubles it
        if (result.bytes.size() + content.size() > max_output) {
            decode_line(content.substr(0, max_output - result.bytes.size()), result.bytes);
            result.complete = false;
            result.anomalies.insert(AnomalyKind::decoded_too_large);
            break;
        }
        decode_line(content, result.bytes);
    }
    return result;
}

}  // namespace gatehouse::inspect::mime
