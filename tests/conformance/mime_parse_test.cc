// Our reading of 107 messages against the one that another parser's authors wrote down as right
// (vectors/mime-parse): structure, decoded text and attachments, subject, senders and recipients, file names;
// each with LF and with CRLF. Where we differ on purpose the message is in kKnownDifferences with the reason,
// and the test wants it to differ.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "base/text.h"
#include "inspect/mime/address.h"
#include "inspect/mime/encoded_word.h"
#include "inspect/mime/parser.h"
#include "message/charset.h"
#include "support/shared_data.h"

namespace gatehouse::inspect::mime {
namespace {

namespace json = boost::json;
constexpr std::size_t kPlenty = 64U << 20;
constexpr std::size_t kMessages = 107;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

const std::map<std::string, std::string> kKnownDifferences = {
    {"legacy/017", "uuencoded bodies are decoded here"},
    {"legacy/048", "uuencoded bodies are decoded here"},
    {"malformed/001", "a delimiter of the outer multipart ends the inner one, also inside its header"},
    {"malformed/004", "a line that only begins like a delimiter is none; it is told as an anomaly"},
    {"malformed/007", "a line that only begins like a delimiter does not end a header"},
    {"malformed/008", "a line that only begins like a delimiter is none"},
    {"malformed/009", "a delimiter of the outer multipart ends the inner one"},
    {"malformed/011", "a delimiter of the outer multipart ends the inner one"},
    {"malformed/012", "a delimiter of the outer multipart ends the inner one"},
    {"malformed/016", "boundaries are never cut: those here differ after the 80th character"},
    {"malformed/019", "a line that is no field ends a header"},
    {"malformed/020", "of two Content-Type fields the first counts"},
    {"malformed/021", "of two Content-Type fields the first counts"},
    {"malformed/022", "an attached message stays one, even without a header"},
    {"rfc/000", "text that is not base64, though it says so, is not shown as it is"},
    {"rfc/002", "a comment is no part of a display name"},
    {"thirdparty/002", "base64 that ends inside a group keeps its whole bytes"},
    {"thirdparty/005", "a delimiter stands at the beginning of a line"},
    {"thirdparty/015", "a line that is no field ends a header"},
};

/// Text with bytes that the other parser could not read: we guess, and must come to real characters.
bool same_text(const std::string& ours, const std::string& theirs) {
    if (ours == theirs) return true;
    return theirs.find(kReplacement) != std::string::npos && ours.find(kReplacement) == std::string::npos;
}

/// A word without '@' is an address for us ("root"), a name for others.
bool same_mailbox(const Mailbox& ours, const Mailbox& theirs) {
    if (theirs.address.empty() && ours.name.empty()) return ours.address == theirs.name;
    return same_text(ours.name, theirs.name) && ours.address == theirs.address;
}

std::string text_of(const json::value& value) {
    return value.is_null() ? "" : std::string(value.as_string());
}

void add_mailboxes(const json::array& list, std::vector<Mailbox>& out) {
    for (const auto& entry : list) out.push_back({text_of(entry.at("name")), text_of(entry.at("address"))});
}

class Comparison {
  public:
    explicit Comparison(const Structure& structure) : structure_(structure) {}

    std::vector<std::string> run(const json::object& expected) {
        message(0, expected);
        return std::move(differences_);
    }

  private:
    void differ(std::uint32_t index, const std::string& what) {
        differences_.push_back(structure_.section(index) + ": " + what);
    }

    void message(std::uint32_t root, const json::object& expected) {
        part(root, expected.at("parts").as_array(), 0);
    }

    void part(std::uint32_t index, const json::array& parts, std::size_t at) {
        const Part& ours = structure_.parts[index];
        const auto& theirs = parts[at].as_object();
        headers(index, theirs.at("headers").as_array());
        if (theirs.at("body").is_string()) return;
        const auto& body = theirs.at("body").as_object();
        const std::string kind = body.begin()->key();
        const json::value& value = body.begin()->value();
        if (kind == "Multipart") {
            if (ours.role == Role::multipart) return children(index, parts, value.as_array());
            // One without parts is a leaf here.
            if (!value.as_array().empty()) differ(index, "multipart expected");
        } else if (kind == "Message") {
            if (ours.role != Role::message) return differ(index, "message expected");
            message(ours.first_child, value.as_object());
        } else {
            leaf(index, kind, value);
        }
    }

    void children(std::uint32_t index, const json::array& parts, const json::array& numbers) {
        std::uint32_t child = structure_.parts[index].first_child;
        for (const auto& number : numbers) {
            if (child == Part::kNone) return differ(index, "fewer parts");
            part(child, parts, number.to_number<std::size_t>());
            child = structure_.parts[child].next_sibling;
        }
        // Parts that are nothing but a header are left out there.
        while (child != Part::kNone &&
               structure_.parts[child].anomalies.contains(AnomalyKind::header_only_part)) {
            child = structure_.parts[child].next_sibling;
        }
        if (child != Part::kNone) differ(index, "more parts");
    }

    void leaf(std::uint32_t index, const std::string& kind, const json::value& value) {
        const Part& ours = structure_.parts[index];
        if (ours.role != Role::leaf) return differ(index, "leaf expected: " + kind);
        const DecodedBody body = decode_body(structure_, ours, kPlenty);
        std::string expected;
        std::string got(body.bytes());
        if (kind == "Text" || kind == "Html") {
            got = message::to_utf8_or_guess(body.bytes(), ours.charset(), kPlenty).text;
            expected = value.as_string();
        } else {
            for (const auto& byte : value.as_array()) expected += static_cast<char>(byte.to_number<int>());
        }
        if (same_text(got, expected)) return;
        differ(index, fmt::format("{} \"{}\" instead of \"{}\"", kind, base::printable(got, 100),
                                  base::printable(expected, 100)));
    }

    void headers(std::uint32_t index, const json::array& expected) {
        const Headers ours = structure_.headers(structure_.parts[index]);
        if (ours.size() != expected.size()) {
            differ(index, fmt::format("{} fields instead of {}", ours.size(), expected.size()));
        }
        for (const auto& entry : expected) {
            const auto& header = entry.as_object();
            if (!header.at("name").is_string() || !header.at("value").is_object()) continue;
            field(index, std::string(header.at("name").as_string()), header.at("value").as_object());
        }
    }

    void field(std::uint32_t index, const std::string& name, const json::object& value) {
        const Headers ours = structure_.headers(structure_.parts[index]);
        if (name == "subject" && value.contains("Text")) {
            const HeaderField* subject = ours.find(name);
            const std::string text =
                subject == nullptr ? "" : decode_encoded_words(base::trim(subject->value));
            if (!same_text(text, text_of(value.at("Text")))) differ(index, "subject \"" + text + "\"");
        }
        const bool addresses = name == "from" || name == "to" || name == "cc";
        if (addresses && value.contains("Address"))
            check_addresses(index, name, value.at("Address").as_object());
        if (name == "content_disposition" && value.contains("ContentType")) {
            check_file_name(index, value.at("ContentType").as_object());
        }
    }

    void check_addresses(std::uint32_t index, const std::string& name, const json::object& expected) {
        std::vector<Mailbox> theirs;
        if (expected.contains("List")) add_mailboxes(expected.at("List").as_array(), theirs);
        if (expected.contains("Group")) {
            for (const auto& group : expected.at("Group").as_array()) {
                add_mailboxes(group.at("addresses").as_array(), theirs);
            }
        }
        std::string seen;
        for (const HeaderField* found : structure_.headers(structure_.parts[index]).all(name)) {
            const auto ours = parse_address_list(found->value).mailboxes;
            if (std::ranges::equal(ours, theirs, same_mailbox)) return;
            for (const Mailbox& mailbox : ours) seen += fmt::format("[{}|{}]", mailbox.name, mailbox.address);
        }
        differ(index, name + " " + seen);
    }

    void check_file_name(std::uint32_t index, const json::object& expected) {
        if (expected.at("attributes").is_null()) return;
        for (const auto& attribute : expected.at("attributes").as_array()) {
            if (attribute.at("name").as_string() != "filename") continue;
            const std::string& ours = structure_.parts[index].file_name;
            if (!same_text(ours, text_of(attribute.at("value")))) differ(index, "file name \"" + ours + "\"");
        }
    }

    const Structure& structure_;
    std::vector<std::string> differences_;
};

/// As the vectors were made: without any CR, or with one before each LF.
std::string with_line_ends(std::string_view message, bool crlf) {
    std::string raw;
    for (const char c : message) {
        if (c == '\r' && !crlf) continue;
        if (c == '\n' && crlf && !raw.ends_with('\r')) raw += '\r';
        raw += c;
    }
    return raw;
}

TEST(MimeParse, ReadsMessagesLikeTheVectors) {
    test::count_shared_cases("mime-parse", kMessages);
    const auto archive = test::shared_file("vectors/mime-parse/eml.tar.zst");
    if (!archive) GTEST_SKIP() << "no vectors/mime-parse";
    std::map<std::string, std::string> files;
    ASSERT_TRUE(test::for_each_file(*archive, [&](const std::string& name, std::string_view bytes) {
        files[name.substr(name.find('/') + 1)] = bytes;
    }));
    std::size_t same = 0;
    std::size_t all = 0;
    for (const auto& [name, bytes] : files) {
        if (!name.ends_with(".eml")) continue;
        const std::string stem = name.substr(0, name.size() - 4);
        for (const bool crlf : {false, true}) {
            const std::string raw = with_line_ends(bytes, crlf);
            const Structure structure = parse(raw);
            const auto expected =
                json::parse(files[stem + (crlf ? ".crlf.json" : ".json")], {}, {.max_depth = 500});
            const auto differences = Comparison(structure).run(expected.as_object());
            ++all;
            same += differences.empty() ? 1 : 0;
            EXPECT_EQ(differences.empty(), !kKnownDifferences.contains(stem))
                << stem << (crlf ? " with CRLF: " : ": ")
                << (differences.empty() ? "no difference" : differences.front());
        }
    }
    EXPECT_EQ(all, 2 * kMessages);
    std::cout << same << " of " << all << " readings are the same, " << kKnownDifferences.size()
              << " messages differ for known reasons\n";
}

}  // namespace
}  // namespace gatehouse::inspect::mime
