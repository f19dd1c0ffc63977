#include "receive/smtp/content_reader.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace gatehouse::receive::smtp {

void ContentReader::begin(bool with_dots, BareNewline mode) {
    with_dots_ = with_dots;
    mode_ = mode;
    at_ = line_start();
    is_bad_ = false;
    mended_ = 0;
}

void ContentReader::release() {
    mended_text_ = std::string();
}

ContentReader::Piece ContentReader::read(std::span<char> input) {
    return mode_ == BareNewline::refuse ? read_strict(input) : read_mending(input);
}

std::span<const char> ContentReader::finish() {
    mended_text_.clear();
    if (at_ == At::cr && mode_ == BareNewline::refuse) is_bad_ = true;
    if (at_ == At::cr && mode_ == BareNewline::normalise) mend_newline(At::text);
    return mended_text_;
}

ContentReader::Piece ContentReader::read_strict(std::span<char> input) {
    Window window{input};
    while (window.read < input.size()) {
        if (step_strict(window)) return {window.read, input.first(window.write), true};
    }
    return {window.read, input.first(window.write), false};
}

/// Takes at least one byte or changes state; true at the end of data.
bool ContentReader::step_strict(Window& window) {
    const char next = window.bytes[window.read];
    switch (at_) {
        case At::line_start:
            at_ = next == '.' ? At::dot : At::text;
            if (next == '.') ++window.read;
            return false;
        case At::dot:
            at_ = next == '\r' ? At::dot_cr : At::text;
            if (next == '\r') ++window.read;
            return false;
        case At::dot_cr:
            at_ = At::text;
            if (next != '\n') {
                is_bad_ = true;
                return false;
            }
            ++window.read;
            return true;
        case At::cr:
            at_ = At::text;
            if (next != '\n') {
                is_bad_ = true;
                return false;
            }
            window.bytes[window.write++] = next;
            ++window.read;
            at_ = line_start();
            return false;
        default:
            take_line(window);
            return false;
    }
}

/// The rest of a line, or all there is of it.
void ContentReader::take_line(Window& window) {
    char* const from = window.bytes.data() + window.read;
    const std::size_t there = window.bytes.size() - window.read;
    const auto* const end = static_cast<const char*>(std::memchr(from, '\n', there));
    const std::string_view line(from, end != nullptr ? static_cast<std::size_t>(end - from) + 1 : there);
    const std::size_t cr = line.find('\r');
    const bool has_end = end != nullptr;
    const bool ends_in_cr = !has_end && line.ends_with('\r');
    // In a good line the first CR is part of its end.
    const std::size_t good_cr =
        has_end ? line.size() - 2 : (ends_in_cr ? line.size() - 1 : std::string_view::npos);
    const bool lacks_cr = has_end && line.size() < 2;
    if (lacks_cr || cr != good_cr || line.find('\0') != std::string_view::npos) is_bad_ = true;
    const bool is_whole = has_end && line.ends_with("\r\n");
    at_ = is_whole ? line_start() : (ends_in_cr ? At::cr : At::text);
    if (window.write != window.read) std::memmove(window.bytes.data() + window.write, from, line.size());
    window.read += line.size();
    window.write += line.size();
}

ContentReader::Piece ContentReader::read_mending(std::span<const char> input) {
    const auto is_special = [](char c) { return c <= '\r' && (c == '\r' || c == '\n' || c == '\0'); };
    mended_text_.clear();
    mended_text_.reserve(input.size());
    std::size_t read = 0;
    while (read < input.size()) {
        if (at_ == At::text) {
            const char* const from = input.data() + read;
            const auto length = std::find_if(from, input.data() + input.size(), is_special) - from;
            mended_text_.append(from, static_cast<std::size_t>(length));
            read += static_cast<std::size_t>(length);
            if (read == input.size()) break;
        }
        if (mend(input[read++])) return {read, mended_text_, true};
    }
    return {read, mended_text_, false};
}

void ContentReader::mend_newline(At next) {
    mended_text_ += "\r\n";
    ++mended_;
    at_ = next;
}

/// Takes one byte; true at the end of data.
bool ContentReader::mend(char c) {
    const At bare_start = with_dots_ ? At::bare_start : At::text;
    if (at_ == At::cr || at_ == At::dot_cr) {
        if (c == '\n' && at_ == At::dot_cr) return true;
        if (c == '\n') {
            mended_text_ += "\r\n";
            at_ = line_start();
            return false;
        }
        if (at_ == At::dot_cr) mended_text_ += '.';
        mend_newline(bare_start);
    }
    if (at_ == At::line_start && c == '.') {
        at_ = At::dot;
        return false;
    }
    if (at_ == At::bare_start && c == '.') {
        at_ = At::bare_dot;
        return false;
    }
    if (at_ == At::dot && c == '\r') {
        at_ = At::dot_cr;
        return false;
    }
    // A stuffing dot is dropped; a dot that a mended newline or NUL follows is content, and so is one that
    // stands alone behind a mended newline.
    const bool keeps_dot = at_ == At::dot ? c == '\n' || c == '\0' : at_ == At::bare_dot && c != '.';
    if (keeps_dot) mended_text_ += '.';
    if (c == '\n') {
        mend_newline(bare_start);
        return false;
    }
    at_ = c == '\r' ? At::cr : At::text;
    if (c == '\0') ++mended_;
    if (c != '\r' && c != '\0') mended_text_ += c;
    return false;
}

}  // namespace gatehouse::receive::smtp
