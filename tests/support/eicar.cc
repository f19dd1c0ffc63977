#include "support/eicar.h"

#include <cstdint>
#include <initializer_list>

#include "base/text.h"

namespace gatehouse::testing {
namespace {

// Every byte exclusive-or 0x2a, in hexadecimal.
constexpr std::string_view kHidden =
    "721f650b7a0f6a6b7a711e767a70721f1e027a74031d6969031d570e6f63696b7807"
    "797e6b646e6b786e076b647e637c63787f79077e6f797e076c63666f0b0e62016200";

std::uint32_t crc32(std::string_view bytes) {
    std::uint32_t crc = 0xFFFFFFFF;
    for (const char c : bytes) {
        crc ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
    }
    return ~crc;
}

void put(std::string& out, std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

/// The fields that a local header and a directory entry share (APPNOTE 4.4).
void put_zip_fields(std::string& out, std::string_view name, std::string_view content) {
    const auto size = static_cast<std::uint32_t>(content.size());
    for (const std::uint32_t value : {20U, 0U, 0U, 0U, 0x5821U}) put(out, value, 2);  // version ... date
    put(out, crc32(content), 4);
    put(out, size, 4);
    put(out, size, 4);
    put(out, static_cast<std::uint32_t>(name.size()), 2);
    put(out, 0, 2);
}

}  // namespace

std::string eicar() {
    std::string out = base::from_hex(kHidden).value();
    for (char& c : out) c = static_cast<char>(c ^ 0x2a);
    return out;
}

std::string base64(std::string_view bytes) {
    constexpr std::string_view kSymbols = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    constexpr std::size_t kLine = 57;  // makes 76 characters
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        std::uint32_t word = 0;
        for (std::size_t i = 0; i < 3; ++i)
            word = word << 8 | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U);
        for (std::size_t i = 0; i < 4; ++i)
            out.push_back(at + i > bytes.size() ? '=' : kSymbols[word >> (18 - 6 * i) & 63U]);
        if (at % kLine == kLine - 3) out += "\r\n";
    }
    return out + "\r\n";
}

std::string stored_zip(std::string_view name, std::string_view content) {
    std::string out("PK\x03\x04");
    put_zip_fields(out, name, content);
    out.append(name).append(content);
    const auto directory = static_cast<std::uint32_t>(out.size());
    out += "PK\x01\x02";
    put(out, 20, 2);
    put_zip_fields(out, name, content);
    put(out, 0, 2);  // comment
    put(out, 0, 2);  // disk
    put(out, 0, 2);  // internal attributes
    put(out, 0, 4);
    put(out, 0, 4);  // offset of the local header
    out.append(name);
    const auto size = static_cast<std::uint32_t>(out.size()) - directory;
    out += "PK\x05\x06";
    for (const std::uint32_t value : {0U, 0U, 1U, 1U}) put(out, value, 2);
    put(out, size, 4);
    put(out, directory, 4);
    put(out, 0, 2);
    return out;
}

std::string mail_with(std::string_view name, std::string_view content) {
    std::string out =
        "From: a@example.com\r\nTo: b@example.com\r\nSubject: test\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nSee the attachment.\r\n"
        "--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
        "Content-Disposition: attachment; filename=\"";
    out.append(name).append("\"\r\n\r\n").append(base64(content)).append("--b--\r\n");
    return out;
}

}  // namespace gatehouse::testing
