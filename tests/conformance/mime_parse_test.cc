// Our reading of 107 messages against the one that another parser's authors wrote down as right
// (vectors/mime-parse): structure, decoded text and attachments, subject, senders and recipients, file names;
// each with LF and with CRLF.
#include <gtest/gtest.h>

#include <boost/json.hpp>

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

class Comparison {
  public:
    Comparison(const Structure& structure, std::vector<std::string>& differences)
        : structure_(structure), differences_(differences) {}

    void message(std::uint32_t root, const json::object& expected) {
        const auto& parts = expected.at("parts").as_array();
        part(root, parts, 0);
    }

  private:
    void differ(std::uint32_t index, const std::string& what) {
        differences_.push_back(structure_.section(index) + ": " + what);
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
            if (ours.role != Role::multipart) return differ(index, "multipart expected");
            std::uint32_t child = ours.first_child;
            for (const auto& number : value.as_array()) {
                if (child == Part::kNone) return differ(index, "fewer parts");
                part(child, parts, number.to_number<std::size_t>());
                child = structure_.parts[child].next_sibling;
            }
            if (child != Part::kNone) differ(index, "more parts");
        } else if (kind == "Message") {
            if (ours.role != Role::message) return differ(index, "message expected");
            message(ours.first_child, value.as_object());
        } else {
            leaf(index, kind, value);
        }
    }

    void leaf(std::uint32_t index, const std::string& kind, const json::value& value) {
        const Part& ours = structure_.parts[index];
        if (ours.role != Role::leaf) return differ(index, "leaf expected, " + kind);
        const DecodedBody body = decode_body(structure_, ours, kPlenty);
        if (kind == "Text" || kind == "Html") {
            const std::string text = message::to_utf8_or_guess(body.bytes(), ours.charset(), kPlenty).text;
            const std::string expected(value.as_string());
            if (text != expected) {
                differ(index, kind + " differs: \"" + base::printable(text, 2000) + "\" instead of \"" +
                                  base::printable(expected, 2000) + "\"");
            }
            return;
        }
        std::string expected;
        for (const auto& byte : value.as_array()) expected += static_cast<char>(byte.to_number<int>());
        if (expected != body.bytes()) {
            differ(index, kind + " differs: \"" + base::printable(body.bytes(), 100) + "\" instead of \"" +
                              base::printable(expected, 100) + "\"");
        }
    }

    void headers(std::uint32_t index, const json::array& expected) {
        const Headers ours = structure_.headers(structure_.parts[index]);
        std::size_t count = 0;
        for (const auto& entry : expected) {
            const auto& header = entry.as_object();
            const bool other = header.at("name").is_object();
            ++count;
            if (other) continue;
            const std::string name(header.at("name").as_string());
            const auto& value = header.at("value");
            if (name == "subject" && value.is_object() && value.as_object().contains("Text")) {
                const std::string text =
                    decode_encoded_words(base::trim(ours.find("subject") ? ours.find("subject")->value : ""));
                const std::string theirs(value.at("Text").as_string());
                if (text != theirs) differ(index, "subject \"" + text + "\" instead of \"" + theirs + "\"");
            }
            if ((name == "from" || name == "to" || name == "cc") && value.is_object() &&
                value.as_object().contains("Address")) {
                addresses(index, name, ours, value.at("Address").as_object());
            }
            if (name == "content_disposition" && value.is_object() &&
                value.as_object().contains("ContentType")) {
                file_name(index, value.at("ContentType").as_object());
            }
        }
        if (count != ours.size())
            differ(index, "fields " + std::to_string(ours.size()) + " instead of " + std::to_string(count));
    }

    static std::string text_of(const json::value& value) {
        return value.is_null() ? "" : std::string(value.as_string());
    }

    void add(const json::array& list, std::vector<Mailbox>& out) {
        for (const auto& entry : list)
            out.push_back({text_of(entry.at("name")), text_of(entry.at("address"))});
    }

    void addresses(std::uint32_t index, const std::string& name, const Headers& headers,
                   const json::object& expected) {
        std::vector<Mailbox> theirs;
        if (expected.contains("List")) add(expected.at("List").as_array(), theirs);
        if (expected.contains("Group")) {
            for (const auto& group : expected.at("Group").as_array())
                add(group.at("addresses").as_array(), theirs);
        }
        std::vector<std::string> all;
        for (const HeaderField* field : headers.all(name)) all.push_back(std::string(field->value));
        bool found = false;
        std::string got;
        for (const std::string& value : all) {
            const auto ours = parse_address_list(value).mailboxes;
            found = found || ours == theirs;
            for (const auto& m : ours) got += "[" + m.name + "|" + m.address + "]";
        }
        if (found) return;
        std::string want;
        for (const auto& m : theirs) want += "[" + m.name + "|" + m.address + "]";
        differ(index, name + " " + got + " instead of " + want);
    }

    void file_name(std::uint32_t index, const json::object& expected) {
        if (expected.at("attributes").is_null()) return;
        for (const auto& attribute : expected.at("attributes").as_array()) {
            const std::string name(attribute.at("name").as_string());
            const std::string value(attribute.at("value").as_string());
            if (name == "filename" && value != structure_.parts[index].file_name) {
                differ(index, "file name \"" + structure_.parts[index].file_name + "\" instead of \"" +
                                  value + "\"");
            }
        }
    }

    const Structure& structure_;
    std::vector<std::string>& differences_;
};

TEST(MimeParse, ReadsMessagesLikeTheVectors) {
    const auto archive = test::shared_file("vectors/mime-parse/eml.tar.zst");
    if (!archive) GTEST_SKIP() << "no vectors";
    std::map<std::string, std::string> files;
    ASSERT_TRUE(test::for_each_file(
        *archive, [&](const std::string& name, std::string_view bytes) { files[name] = bytes; }));
    std::size_t same = 0;
    std::size_t all = 0;
    for (const auto& [name, bytes] : files) {
        if (!name.ends_with(".eml")) continue;
        const std::string stem = name.substr(0, name.size() - 4);
        for (const bool crlf : {false, true}) {
            std::string raw;
            for (const char c : bytes) {
                if (c == '\r') continue;
                if (c == '\n' && crlf) raw += '\r';
                raw += c;
            }
            const auto expected =
                json::parse(files[stem + (crlf ? ".crlf.json" : ".json")], {}, {.max_depth = 500});
            const Structure structure = parse(raw);
            std::vector<std::string> differences;
            Comparison(structure, differences).message(0, expected.as_object());
            ++all;
            same += differences.empty() ? 1 : 0;
            for (const auto& difference : differences)
                std::cout << stem << (crlf ? " crlf " : " ") << difference << "\n";
        }
    }
    std::cout << same << " of " << all << "\n";
}

}  // namespace
}  // namespace gatehouse::inspect::mime
