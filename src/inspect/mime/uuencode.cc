#include <algorithm>
#include <optional>

#include "base/text.h"
#include "inspect/mime/decode.h"
#include "inspect/mime/line.h"

namespace gatehouse::inspect::mime {

namespace {

constexpr std::size_t kMostPerLine = 63;  // what one length character can say

/// "begin 644 name": the name, when the line is one.
std::optional<std::string_view> begin_line(std::string_view line) {
    if (!base::istarts_with(line, "begin ")) return std::nullopt;
    line = base::trim(line.substr(6));
    const std::size_t mode = std::min(line.find_first_of(" \t"), line.size());
    if (mode < 3 || mode > 5 ||
        !std::all_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(mode), base::is_digit)) {
        return std::nullopt;
    }
    return base::trim(line.substr(mode));
}

/// How many bytes a data line says it holds, or nothing when it cannot be one.
std::optional<std::size_t> data_length(std::string_view line) {
    while (!line.empty() && base::is_blank(line.back())) line.remove_suffix(1);
    if (line.empty() || line[0] < ' ' || line[0] > '`') return std::nullopt;
    const auto length = static_cast<std::size_t>(line[0] - ' ') & 63U;
    const std::size_t needed = (length + 2) / 3 * 4;
    // Trailing blanks stand for zeros and get lost; a checksum character may follow.
    if (line.size() > 1 + needed + 2) return std::nullopt;
    for (const char c : line) {
        if (c < ' ' || c > '`') return std::nullopt;
    }
    return length;
}

void decode_line(std::string_view line, std::size_t length, std::string& out) {
    const auto bits_at = [&](std::size_t i) {
        return i < line.size() ? (static_cast<unsigned>(line[i]) - ' ') & 63U : 0U;
    };
    for (std::size_t done = 0; done < length; done += 3) {
        const std::size_t i = 1 + done / 3 * 4;
        const unsigned bits = bits_at(i) << 18 | bits_at(i + 1) << 12 | bits_at(i + 2) << 6 | bits_at(i + 3);
        out += static_cast<char>(bits >> 16);
        if (done + 1 < length) out += static_cast<char>(bits >> 8 & 255U);
        if (done + 2 < length) out += static_cast<char>(bits & 255U);
    }
}

bool is_end_line(std::string_view line) {
    return base::iequals(base::trim(line), "end");
}

}  // namespace

Decoded decode_uuencode(std::string_view text, std::size_t max_output) {
    Decoded result;
    LineScanner lines(text);
    Line line;
    bool begun = false;
    bool ended = false;
    while (!begun && lines.next(line)) begun = begin_line(lines.text(line)).has_value();
    while (begun && !ended && lines.next(line)) {
        if (is_end_line(lines.text(line))) {
            ended = true;
            break;
        }
        const auto length = data_length(lines.text(line));
        if (!length) {
            if (!line.is_empty()) result.anomalies.insert(AnomalyKind::uu_malformed);
            continue;
        }
        if (result.bytes.size() + kMostPerLine > max_output && result.bytes.size() + *length > max_output) {
            result.complete = false;
            result.anomalies.insert(AnomalyKind::decoded_too_large);
            return result;
        }
        decode_line(lines.text(line), *length, result.bytes);
    }
    if (!ended) result.anomalies.insert(AnomalyKind::uu_malformed);
    return result;
}

std::vector<UuencodedFile> find_uuencoded(std::string_view text, std::size_t max_files) {
    std::vector<UuencodedFile> files;
    LineScanner lines(text);
    Line line;
    bool open = false;       // inside the file that was found last
    bool confirmed = false;  // it had a line of data
    const auto stop = [&](std::size_t end) {
        if (open && !confirmed) files.pop_back();
        if (open && confirmed) files.back().end = end;
        open = false;
    };
    while (lines.next(line)) {
        const std::string_view content = lines.text(line);
        if (const auto name = begin_line(content)) {
            stop(line.begin);
            if (files.size() == max_files) return files;
            files.push_back({std::string(*name), line.begin, line.next});
            open = true;
            confirmed = false;
        } else if (open && is_end_line(content)) {
            stop(line.next);
        } else if (open) {
            const auto length = data_length(content);
            if (!length) {
                stop(line.begin);
            } else {
                confirmed = confirmed || *length > 0;
            }
        }
    }
    stop(text.size());
    return files;
}

}  // namespace gatehouse::inspect::mime
