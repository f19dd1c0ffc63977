#include "generators.h"

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <map>
#include <sstream>
#include <vector>

#include "base/text.h"
#include "support/eicar.h"

namespace gatehouse::cases {

using base::Fault;
using base::Result;
using testing::base64;
using testing::eicar;
using testing::stored_zip;

namespace {

constexpr std::string_view kHead =
    "From: Sender <sender@example.org>\r\nTo: <user@example.com>\r\nSubject: a generated message\r\n"
    "Date: Mon, 01 Jun 2026 10:00:00 +0000\r\nMessage-ID: <generated@example.org>\r\nMIME-Version: 1.0\r\n";

using Numbers = std::vector<std::uint64_t>;

std::string repeat(std::string_view text, std::uint64_t times) {
    std::string out;
    out.reserve(text.size() * times);
    for (std::uint64_t i = 0; i < times; ++i) out += text;
    return out;
}

std::string number_of_parts(const Numbers& n) {
    std::string out(kHead);
    out += "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    for (std::uint64_t i = 0; i < n.at(0); ++i)
        out += fmt::format("--b\r\nContent-Type: text/plain\r\n\r\npart {}\r\n", i);
    return out + "--b--\r\n";
}

std::string nested_multiparts(const Numbers& n) {
    std::string out(kHead);
    out += "Content-Type: multipart/mixed; boundary=b0\r\n\r\n";
    for (std::uint64_t i = 0; i < n.at(0); ++i) {
        out += fmt::format("--b{}\r\nContent-Type: multipart/mixed; boundary=b{}\r\n\r\n", i, i + 1);
    }
    out += fmt::format("--b{}\r\n\r\nthe innermost\r\n", n.at(0));
    for (std::uint64_t i = n.at(0) + 1; i > 0; --i) out += fmt::format("--b{}--\r\n", i - 1);
    return out;
}

std::string nested_messages(const Numbers& n) {
    return repeat(std::string(kHead) + "Content-Type: message/rfc822\r\n\r\n", n.at(0)) + std::string(kHead) +
           "\r\nthe innermost\r\n";
}

std::string many_headers(const Numbers& n) {
    std::string out(kHead);
    for (std::uint64_t i = 0; i < n.at(0); ++i) out += fmt::format("X-Header-{}: value\r\n", i);
    return out + "\r\nbody\r\n";
}

std::string received_lines(const Numbers& n) {
    std::string out;
    for (std::uint64_t i = 0; i < n.at(0); ++i) {
        out += fmt::format(
            "Received: from a{}.example.org by b{}.example.org; Mon, 01 Jun 2026 10:00:00 +0000\r\n", i, i);
    }
    return out + std::string(kHead) + "\r\nbody\r\n";
}

std::string long_line(const Numbers& n) {
    return std::string(kHead) + "\r\n" + std::string(n.at(0), 'x') + "\r\n";
}

std::string body_of(const Numbers& n) {
    return std::string(kHead) + "\r\n" + repeat(std::string(70, 'y') + "\r\n", n.at(0) / 72 + 1);
}

/// Printable and high bytes without CR, LF and NUL, in lines; the same for the same seed.
std::string garbage(const Numbers& n) {
    std::uint64_t state = n.at(0) * 2862933555777941757ULL + 3037000493ULL;
    std::string out;
    for (std::uint64_t i = 0; i < n.at(1); ++i) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        const char c = static_cast<char>(state >> 56);
        out += c == '\r' || c == '\n' || c == '\0' ? 'z' : c;
        if (i % 97 == 96) out += "\r\n";
    }
    return out + "\r\n";
}

std::string attachment(std::string_view name, std::string_view encoding, std::string_view encoded) {
    return fmt::format(
        "{}Content-Type: multipart/mixed; boundary=\"=b=\"\r\n\r\n--=b=\r\nContent-Type: "
        "text/plain\r\n\r\nsee the file\r\n"
        "--=b=\r\nContent-Type: application/octet-stream; name=\"{}\"\r\nContent-Transfer-Encoding: {}\r\n"
        "Content-Disposition: attachment; filename=\"{}\"\r\n\r\n{}\r\n--=b=--\r\n",
        kHead, name, encoding, name, encoded);
}

std::string quoted_printable(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) out += fmt::format("={:02X}", static_cast<unsigned char>(c));
    std::string folded;
    for (std::size_t i = 0; i < out.size(); i += 72) {
        folded += out.substr(i, 72);
        if (i + 72 < out.size()) folded += "=\r\n";
    }
    return folded;
}

std::string eicar_message(const std::string& how) {
    if (how == "base64") return attachment("test.com", "base64", base64(eicar()));
    if (how == "qp") return attachment("test.com", "quoted-printable", quoted_printable(eicar()));
    if (how == "zip") return attachment("test.zip", "base64", base64(stored_zip("test.com", eicar())));
    if (how == "plain") return attachment("test.com", "7bit", eicar());
    if (how == "nested") {
        return fmt::format("{}Content-Type: message/rfc822\r\n\r\n{}", kHead,
                           attachment("test.com", "base64", base64(eicar())));
    }
    return {};
}

Result<std::string> generate(std::string_view words_text) {
    static const std::map<std::string, std::pair<std::size_t, std::function<std::string(const Numbers&)>>>
        kMakers{
            {"parts", {1, number_of_parts}},
            {"nested", {1, nested_multiparts}},
            {"messages", {1, nested_messages}},
            {"headers", {1, many_headers}},
            {"received", {1, received_lines}},
            {"line", {1, long_line}},
            {"body", {1, body_of}},
            {"garbage", {2, garbage}},
        };
    std::istringstream words{std::string(words_text)};
    std::string name;
    words >> name;
    if (name == "eicar") {
        std::string how;
        words >> how;
        std::string made = eicar_message(how);
        if (made.empty()) return base::fail(Fault::usage, "eicar comes as base64, qp, zip, plain or nested");
        return made;
    }
    const auto maker = kMakers.find(name);
    if (maker == kMakers.end()) return base::fail(Fault::usage, "there is no generator \"{}\"", name);
    Numbers numbers;
    for (std::uint64_t number = 0; words >> number;) numbers.push_back(number);
    if (numbers.size() != maker->second.first) {
        return base::fail(Fault::usage, "generate {} takes {} numbers", name, maker->second.first);
    }
    return maker->second.second(numbers);
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
        text.replace(at, what.size(), with);
    }
    return text;
}

}  // namespace

Result<std::string> make_message(std::string_view section) {
    const auto trimmed = base::trim(section);
    if (trimmed.starts_with("generate ") && trimmed.find('\n') == std::string_view::npos) {
        return generate(trimmed.substr(9));
    }
    std::string out;
    for (const auto line :
         base::split(section.ends_with('\n') ? section.substr(0, section.size() - 1) : section, '\n')) {
        out.append(line).append("\r\n");
    }
    out = replaced(std::move(out), "{eicar}", eicar());
    out = replaced(std::move(out), "{eicar:base64}", base64(eicar()));
    return replaced(std::move(out), "{eicar:qp}", quoted_printable(eicar()));
}

}  // namespace gatehouse::cases
