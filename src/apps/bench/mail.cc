#include "apps/bench/mail.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <string_view>

namespace gatehouse::apps {
namespace {

constexpr std::size_t kPictureFrom = 8'000;
constexpr std::size_t kTextBesidePicture = 4'000;
constexpr std::size_t kBase64Line = 76;
constexpr std::string_view kStamp = "000000000000";
constexpr std::string_view kStampMark = "No. ";
constexpr std::string_view kIdMark = "Message-ID: <";
constexpr std::string_view kBoundary = "=_of_the_measurement";
constexpr std::string_view kEnd = "\r\n--=_of_the_measurement--\r\n";

std::string header(bool has_picture) {
    std::string out = fmt::format(
        "From: Sender <sender@client.example>\r\nTo: Recipient <recipient@example.com>\r\n"
        "Subject: minutes of the meeting\r\nDate: Mon, 1 Jun 2026 10:00:00 +0000\r\n"
        "{}{}@client.example>\r\nMIME-Version: 1.0\r\n",
        kIdMark, kStamp);
    const std::string_view text = "Content-Type: text/plain; charset=utf-8\r\n\r\n";
    if (has_picture) {
        out += fmt::format("Content-Type: multipart/mixed; boundary=\"{0}\"\r\n\r\n--{0}\r\n", kBoundary);
    }
    return out.append(text).append(kStampMark).append(kStamp).append("\r\n");
}

void add_text(std::string& out, std::size_t until) {
    static constexpr std::string_view kLines[] = {
        "The committee met on Thursday and agreed to the plan for the second half.\r\n",
        "Two items were put off: the new warehouse and the contract with the carrier.\r\n",
        "Details stand at https://www.example.com/minutes/2026/06?page=2 as always.\r\n",
        "Please send what you would like to add until the end of the week, thank you.\r\n"};
    std::size_t next = 0;
    while (out.size() + kLines[next].size() <= until) {
        out += kLines[next];
        next = (next + 1) % std::size(kLines);
    }
}

/// Letters of base64, and never the same line twice: what compresses well is no picture.
void add_picture(std::string& out, std::size_t until) {
    static constexpr std::string_view kLetters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out += fmt::format(
        "\r\n--{}\r\nContent-Type: application/octet-stream; name=\"plan.bin\"\r\n"
        "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\n",
        kBoundary);
    std::minstd_rand chance(1);
    while (out.size() + kBase64Line + 2 <= until) {
        for (std::size_t i = 0; i < kBase64Line; ++i) out += kLetters[chance() % kLetters.size()];
        out += "\r\n";
    }
}

}  // namespace

std::string make_mail(std::size_t bytes) {
    const std::size_t size = std::clamp(bytes, kSmallestMail, kLargestMail);
    const bool has_picture = size >= kPictureFrom;
    std::string out = header(has_picture);
    out.reserve(size);
    add_text(out, has_picture ? kTextBesidePicture : size);
    if (has_picture) {
        add_picture(out, size - kEnd.size());
        out += kEnd;
    }
    // What is missing of the exact size: blanks behind the last line's text (of an epilogue, with a picture).
    if (out.size() < size) out.insert(out.size() - 2, size - out.size(), ' ');
    return out;
}

void stamp_mail(std::string& mail, std::uint64_t number) {
    const std::string digits = fmt::format("{:0{}}", number % 1'000'000'000'000ULL, kStamp.size());
    for (const auto mark : {kIdMark, kStampMark}) {
        const auto at = mail.find(mark);
        if (at != std::string::npos) mail.replace(at + mark.size(), digits.size(), digits);
    }
}

}  // namespace gatehouse::apps
