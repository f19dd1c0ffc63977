#include "inspect/engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/digest.h"
#include "base/text.h"

namespace gatehouse::inspect::engine {
namespace {

using message::Facts;
using message::GapReason;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

struct Heard : Listener {
    void on_early(const Early& e) override { early = e; }
    bool on_part(const message::Part& part, std::string_view bytes) override {
        parts.emplace_back(part.path, std::string(bytes));
        return accepts;
    }
    Early early;
    std::vector<std::pair<std::string, std::string>> parts;
    bool accepts = true;
};

Facts look(std::string_view raw, Listener* listener = nullptr, const Settings& settings = {}) {
    return inspect({.raw = raw, .settings = settings, .detectors = catalogue(), .listener = listener});
}

std::vector<std::string> paths(const Facts& facts) {
    std::vector<std::string> out;
    for (const auto& part : facts.parts) out.push_back(part.path);
    return out;
}

std::vector<GapReason> gaps(const Facts& facts) {
    std::vector<GapReason> out;
    for (const auto& gap : facts.coverage.gaps) out.push_back(gap.reason);
    return out;
}

std::vector<std::string> anomalies(const Facts& facts) {
    std::vector<std::string> out;
    for (const auto& evidence : facts.evidence) {
        if (evidence.id != "form.anomaly") continue;
        for (const auto& fact : evidence.facts) out.push_back(fact.first);
    }
    return out;
}

constexpr std::string_view kMixed =
    "Received: from a by b; now\r\n"
    "From: \"A, B\" <a@Example.ORG>, c@example.net\r\nSender: s@sender.example\r\nReply-To: "
    "r@reply.example\r\n"
    "To: x@example.com\r\nCc: y@example.com\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: "
    "<1@x>\r\nDate: now\r\n"
    "DKIM-Signature: v=1; a=rsa-sha256; d=Example.ORG; s=sel;\r\n h=from:to; bh=x; b=y\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
    "--b\r\nContent-Type: application/zip; name=\"a/b.zip\"\r\nContent-Transfer-Encoding: "
    "base64\r\n\r\nTVoDBA==\r\n"
    "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\nContent-Type: application/x-y\r\n\r\ninner\r\n"
    "--b--\r\n";

TEST(Engine, DescribesPartsAndHeader) {
    const auto facts = look(kMixed);
    EXPECT_THAT(paths(facts),
                ElementsAre("1:text/plain", "2:a_b.zip", "3:message/rfc822", "3.1:application/x-y"));
    EXPECT_EQ(facts.parts[0].size, 5U);
    EXPECT_EQ(facts.parts[1].name, "a/b.zip");
    EXPECT_EQ(facts.parts[1].sha256, base::sha256("MZ\x03\x04"));
    EXPECT_TRUE(facts.parts[1].attachment);
    EXPECT_FALSE(facts.parts[0].attachment);
    EXPECT_EQ(facts.sha256, base::sha256(kMixed));
    EXPECT_EQ(facts.size, kMixed.size());
    EXPECT_EQ(facts.header.subject, "Gr\xc3\xbc\xc3\x9f\x65");
    EXPECT_THAT(facts.header.from, ElementsAre("a@Example.ORG", "c@example.net"));
    EXPECT_THAT(facts.header.to, ElementsAre("x@example.com", "y@example.com"));
    EXPECT_EQ(facts.header.message_id, "<1@x>");
    EXPECT_EQ(facts.header.date, "now");
    EXPECT_EQ(facts.header.received_count, 1U);
    EXPECT_EQ(kMixed.substr(facts.header_bytes, 3), "--b");
    EXPECT_TRUE(facts.coverage.is_complete());
    EXPECT_EQ(facts.micros, message::Micros());
}

TEST(Engine, KnowsMailingListsByWhatOnlyTheyWrite) {
    const auto header = [](const std::string& text) { return look(text + "\r\n\r\n").header; };
    const auto list = header(
        "List-Id: \"A <b> list\" <Talk.lists.example>\r\nList-Post: <https://x/>, (c) "
        "<mailto:t%61lk@lists.example"
        "?subject=x>,\r\n <mailto:b@lists.example>\r\nList-Id: <other>");
    EXPECT_TRUE(list.from_list);
    EXPECT_EQ(list.list_id, "Talk.lists.example");
    EXPECT_THAT(list.list_post, ElementsAre("talk@lists.example", "b@lists.example"));
    EXPECT_TRUE(header("List-Post: NO").from_list);
    EXPECT_THAT(header("List-Post: NO").list_post, IsEmpty());
    EXPECT_TRUE(header("Precedence: List").from_list);
    for (const char* not_list : {"List-Unsubscribe: <mailto:u@x>", "List-Help: <https://x>",
                                 "Precedence: bulk", "Precedence: junk", "X-List-Id: x"}) {
        EXPECT_FALSE(header(not_list).from_list) << not_list;
    }
    std::string many = "List-Post: ";
    for (int i = 0; i < 500; ++i) many += "<mailto:a@b>,\r\n ";
    EXPECT_LE(header(many + "x").list_post.size(), 4U);
}

TEST(Engine, SaysEarlyWhatTheHeadersAskFor) {
    Heard heard;
    look(kMixed, &heard);
    EXPECT_THAT(heard.early.domains,
                ElementsAre("example.net", "example.org", "reply.example", "sender.example"));
    EXPECT_THAT(heard.early.dkim_keys, ElementsAre("sel._domainkey.example.org"));
    look("From: <>, \"@\" <a@b c>\r\nDKIM-Signature: d=;s=x\r\nDKIM-Signature: d=../../etc; s=x\r\n\r\n",
         &heard);
    EXPECT_THAT(heard.early.dkim_keys, IsEmpty());
    std::string many;
    for (int i = 0; i < 500; ++i) many += "DKIM-Signature: d=d" + std::to_string(i) + ".example; s=s\r\n";
    look(many + "\r\n", &heard);
    EXPECT_LE(heard.early.dkim_keys.size(), 32U);
}

TEST(Engine, HandsOverFilesAndNeverReadingText) {
    Heard heard;
    look(kMixed, &heard);
    ASSERT_EQ(heard.parts.size(), 2U);
    EXPECT_EQ(heard.parts[0], std::pair(std::string("2:a_b.zip"), std::string("MZ\x03\x04")));
    EXPECT_EQ(heard.parts[1].first, "3.1:application/x-y");

    const auto handed = [](std::string_view raw) {
        Heard one;
        look(raw, &one);
        return one.parts.size();
    };
    EXPECT_EQ(handed("Content-Type: text/html\r\n\r\n<b>\r\n"), 0U);
    EXPECT_EQ(handed("\r\nhello\r\n"), 0U);
    EXPECT_EQ(handed("Content-Type: text/plain; name=a.txt\r\n\r\nhello\r\n"), 1U);
    EXPECT_EQ(handed("Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nhello\r\n"), 1U);
    EXPECT_EQ(handed("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nUEsDBAAA\r\n"), 1U)
        << "declared as text, but it holds NULs";
    EXPECT_EQ(handed("Content-Type: text/plain; charset=utf-16\r\nContent-Transfer-Encoding: "
                     "base64\r\n\r\naABpAA==\r\n"),
              0U);
}

TEST(Engine, WhatCannotBeHandedOverIsAGap) {
    Heard heard;
    heard.accepts = false;
    EXPECT_THAT(gaps(look(kMixed, &heard)), ElementsAre(GapReason::too_large, GapReason::too_large));
}

TEST(Engine, FindsUuencodedFilesInText) {
    Heard heard;
    const auto facts =
        look("Subject: x\r\n\r\nhello\r\nbegin 644 a.bin\r\n#0V%T\r\n`\r\nend\r\nbye\r\n", &heard);
    EXPECT_THAT(paths(facts), ElementsAre("1:text/plain", "1:text/plain/a.bin"));
    ASSERT_EQ(heard.parts.size(), 1U);
    EXPECT_EQ(heard.parts[0].second, "Cat");
    EXPECT_EQ(facts.parts[1].name, "a.bin");
}

TEST(Engine, NotesWhatMayNotPass) {
    const auto facts = look(
        "X-Spam-Status: a\r\nx-gatehouse-verdict: b\r\nX-Spam-Status: c\r\nX-Spammy: d\r\n"
        "Authentication-Results: (x) MX.example.com; spf=pass\r\nAuthentication-Results: mx.example.com; "
        "x\r\n"
        "Authentication-Results: other; x\r\n\r\nX-Spam-Body: no\r\n");
    EXPECT_THAT(facts.stripped_headers, ElementsAre("X-Spam-Status", "x-gatehouse-verdict"));
    EXPECT_THAT(facts.authserv_ids, ElementsAre("mx.example.com", "other"));
}

TEST(Engine, OddFormIsAFactWithItsPlace) {
    const std::string raw = "From a@b Mon\nSubject: \xe4\n\n" + std::string(2000, 'x') + "\n";
    const auto facts = look(raw);
    EXPECT_THAT(anomalies(facts), Contains("mbox_from_line"));
    EXPECT_THAT(anomalies(facts), Contains("long_line"));
    EXPECT_TRUE(facts.header_is_8bit);
    EXPECT_TRUE(facts.coverage.is_complete());
    for (const auto& evidence : facts.evidence) EXPECT_EQ(evidence.feature, "form");
}

TEST(Engine, LimitsAreGaps) {
    std::string deep = "Content-Type: message/rfc822\r\n\r\n";
    for (int i = 0; i < 5; ++i) deep += deep;
    EXPECT_THAT(gaps(look(deep)), Contains(GapReason::too_deep));

    std::string many = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    for (int i = 0; i < 50; ++i) many += "--b\r\n\r\nx\r\n";
    Settings settings;
    settings.process.max_parts = 20;
    EXPECT_THAT(gaps(look(many + "--b--\r\n", nullptr, settings)), Contains(GapReason::too_many));

    settings = {};
    settings.process.max_decoded = 10;
    const auto facts =
        look("Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\n" + std::string(400, 'A'),
             nullptr, settings);
    EXPECT_THAT(gaps(facts), Contains(GapReason::too_large));
    EXPECT_EQ(facts.parts[0].size, 10U);

    settings = {};
    settings.process.max_steps = 1;
    EXPECT_THAT(gaps(look(kMixed, nullptr, settings)), Contains(GapReason::too_large));
}

TEST(Engine, AnswersStayBounded) {
    std::string many = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    const std::string name(3000, 'n');
    for (int i = 0; i < 9000; ++i) many += "--b\r\nContent-Type : a/b; name=" + name + "\r\n\r\n\xff\r\n";
    const auto facts = look(many + "--b--\r\n");
    EXPECT_FALSE(facts.coverage.is_complete());
    EXPECT_LE(facts.evidence.size(), 2001U);
    for (const auto& part : facts.parts) EXPECT_LE(part.path.size() + part.name.size(), 600U);
}

TEST(Engine, PathsAreUniqueValidAndPlain) {
    const std::string raw =
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: a/b; name=\"x\"\r\n\r\n1\r\n"
        "--b\r\nContent-Type: a/b; name=\"x\"\r\n\r\n2\r\n"
        "--b\r\nContent-Type: a/b; name*=utf-8''%0a%1b%2f%2e%2e%ff\r\n\r\n3\r\n--b--\r\n";
    const auto facts = look(raw);
    std::set<std::string> seen;
    for (const auto& part : facts.parts) {
        EXPECT_TRUE(seen.insert(part.path).second) << part.path;
        EXPECT_TRUE(base::is_valid_utf8(part.path));
        EXPECT_EQ(base::printable(part.path), part.path);
    }
}

TEST(Engine, TheSameBytesGiveTheSameFacts) {
    std::string garbage;
    std::uint32_t state = 7;
    for (int i = 0; i < 20'000; ++i) {
        state = state * 1664525U + 1013904223U;
        garbage += static_cast<char>(state >> 24);
    }
    for (const std::string& raw :
         {std::string(kMixed), garbage, std::string(), "Content-Type: message/rfc822\r\n\r\n" + garbage}) {
        EXPECT_EQ(look(raw), look(std::string(raw)));
    }
}

// --- readings

TEST(Readings, Base64IsReadByLinesToo) {
    Heard heard;
    // Groups broken by line ends: "QUJ" "DRE" "VG" as one stream is ABCDEF, line by line AB, DD ...
    const auto facts = look(
        "Content-Type: image/gif; name=a.gif\r\nContent-Transfer-Encoding: "
        "base64\r\n\r\nQUJ\r\nDRE\r\nVG\r\n",
        &heard);
    EXPECT_TRUE(facts.coverage.is_complete());
    EXPECT_THAT(paths(facts), ElementsAre("1:a.gif", "1:a.gif/by lines"));
    ASSERT_EQ(heard.parts.size(), 2U);
    EXPECT_EQ(heard.parts[0].second, "ABCDEF");
    EXPECT_NE(heard.parts[1].second, "ABCDEF");
}

TEST(Readings, AMultipartIsCutAtTheDelimiterItShows) {
    const std::string start = "Content-Type: multipart/mixed; boundary=\"=one\"\r\n\r\n";
    const std::string body =
        "--two\r\nContent-Type: application/x-a; name=a.bin\r\n\r\nfirst\r\n--two\r\n\r\nsecond\r\n--"
        "two--\r\n";
    Heard heard;
    const auto facts = look(start + body, &heard);
    EXPECT_THAT(paths(facts), Contains("1:multipart/mixed/1:a.bin")) << testing::PrintToString(paths(facts));
    EXPECT_TRUE(facts.coverage.is_complete());
    // Two candidates: nobody knows which one a reader takes.
    EXPECT_THAT(gaps(look(start + body + "--other\r\n\r\nx\r\n--other--\r\n")),
                Contains(GapReason::ambiguous));
    EXPECT_THAT(gaps(look(start + "nothing\r\n")), Contains(GapReason::ambiguous));
}

TEST(Readings, AMultipartIsDecodedFirstWhereItsLabelSaysSo) {
    const std::string start =
        "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
    const auto plain = look(start + "--b\r\n\r\none\r\n--b--\r\n");
    EXPECT_TRUE(plain.coverage.is_complete());
    EXPECT_THAT(paths(plain), ElementsAre("1:text/plain")) << "decoding changes nothing";
    // Decoding makes a delimiter, or the header of a part.
    for (const std::string body :
         {"--b\r\n\r\none\r\n=2D-b\r\nContent-Type: application/zip; name=3Da.zip\r\n"
          "Content-Transfer-Encoding: base64\r\n\r\nTVoDBA=3D=3D\r\n--b--\r\n",
          "--b\r\nX: y=0D=0AContent-Type: application/zip; name=3Da.zip=0D=0A"
          "Content-Transfer-Encoding: base64=0D=0A=0D=0ATVoDBA=3D=3D\r\n--b--\r\n"}) {
        Heard heard;
        const auto facts = look(start + body, &heard);
        EXPECT_TRUE(facts.coverage.is_complete());
        ASSERT_EQ(heard.parts.size(), 1U);
        EXPECT_THAT(heard.parts[0].first, testing::EndsWith(":a.zip"));
        EXPECT_EQ(heard.parts[0].second, "MZ\x03\x04");
    }
    EXPECT_THAT(gaps(look(start + "--b\r\n\r\n=0D=0A=2D-=62x\r\n--b--\r\n")), Contains(GapReason::ambiguous))
        << "what decoding makes is in doubt itself";
}

TEST(Readings, DoubtfulEscapesOfALabelledMultipartAreMendedToo) {
    const std::string start =
        "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        "--b\r\n\r\none\r\n";
    Heard heard;
    const auto hidden = "==2D-b\r\nContent-Type: application/x-a; name=3Da.bin\r\n\r\ntwo\r\n--b--\r\n";
    EXPECT_TRUE(look(start + hidden, &heard).coverage.is_complete());
    EXPECT_THAT(heard.parts,
                Contains(std::pair(std::string("TEXT:multipart/mixed/mended 2:a.bin"), std::string("two"))));
    EXPECT_THAT(gaps(look(start + "=0=2D\r\n--b--\r\n")), Contains(GapReason::ambiguous))
        << "nothing mends it";
}

TEST(Readings, LabelsWithinEachOtherAreBoundedByTheBudget) {
    std::string raw;
    for (int i = 0; i < 18; ++i) {
        const std::string boundary = "b" + std::to_string(i);
        raw += "Content-Type: multipart/mixed; boundary=" + boundary +
               "\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n--" + boundary + "\r\n";
    }
    raw += "\r\n" + std::string(10'000, 'x') + " \r\n";
    Settings settings;
    settings.process.max_decoded = 50'000;
    EXPECT_THAT(gaps(look(raw, nullptr, settings)), Contains(GapReason::ambiguous));
}

TEST(Readings, UndeclaredPartsAreReadAsDeclaredToo) {
    const std::string parts = "--x\r\nContent-Type: text/plain\r\n\r\nhi\r\n--x--\r\n";
    Heard heard;
    const auto file = look(
        "Content-Type: application/octet-stream; name=a.js; boundary=x\r\nContent-Transfer-Encoding: "
        "base64\r\n\r\nZXZpbCgpOw==\r\n" +
            parts,
        &heard);
    ASSERT_EQ(heard.parts.size(), 1U);
    EXPECT_EQ(heard.parts[0].first, "TEXT:a.js/as declared");
    EXPECT_THAT(heard.parts[0].second, testing::StartsWith("evil();"));
    EXPECT_THAT(gaps(file), Contains(GapReason::ambiguous)) << "base64 with other things in it";
    const auto clean =
        look("Content-Type: application/x-a; name=a.js; boundary=x\r\n\r\nevil();\r\n" + parts, &heard);
    EXPECT_TRUE(clean.coverage.is_complete());
    EXPECT_EQ(heard.parts.back().second, "evil();\r\n" + parts);
    const auto text =
        look("Content-Type: text/plain; boundary=x\r\n\r\nbegin 644 a.bin\r\n#0V%T\r\n`\r\nend\r\n" + parts,
             &heard);
    EXPECT_TRUE(text.coverage.is_complete());
    EXPECT_EQ(heard.parts.back().first, "TEXT:text/plain/as declared/a.bin") << "text may hold files";
    EXPECT_EQ(heard.parts.back().second, "Cat");
}

TEST(Readings, OneThatIsNotWholeSettlesNothing) {
    const std::string split =
        "Content-Type: image/gif; name=a.gif\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        "QUJ\r\nDRE\r\nVG\r\n";
    Settings settings;
    settings.process.max_decoded = 8;  // six bytes for the first reading
    EXPECT_THAT(gaps(look(split, nullptr, settings)),
                testing::IsSupersetOf({GapReason::too_large, GapReason::ambiguous}));
    EXPECT_THAT(gaps(look("Content-Type: multipart/mixed; boundary=one\r\n\r\n--two\r\nContent-Type: a/b\r\n"
                          "Content-Transfer-Encoding: quoted-printable\r\n\r\nx=4\r\n1\r\n--two--\r\n")),
                Contains(GapReason::ambiguous))
        << "a file in the other reading is in doubt itself";
    EXPECT_THAT(gaps(look("Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJ\r\n=QUJD\r\n")),
                Contains(GapReason::ambiguous));
}

TEST(Readings, TextWithAFooterBehindItsBase64IsReadInEveryManner) {
    const std::string start = "Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8g\r\nd29ybGQh\r\n";
    const std::string footer = "_______\r\nA list, http://example.org/\r\n";
    const auto text = look("Content-Type: text/plain\r\n" + start + footer);
    EXPECT_TRUE(text.coverage.is_complete());
    EXPECT_THAT(paths(text), Contains("1:text/plain/up to the junk"));
    EXPECT_THAT(gaps(look("Content-Type: application/x-a\r\n" + start + footer)),
                Contains(GapReason::ambiguous));
}

TEST(Readings, DoubtsAboutTextCountUnlessALetterIsAllThatDiffers) {
    const auto text = [](const std::string& encoding, const std::string& body) {
        return gaps(look("Content-Type: text/html\r\nContent-Transfer-Encoding: " + encoding + "\r\n\r\n" +
                         body + "\r\n"));
    };
    EXPECT_THAT(text("quoted-printable", "x=4\r\n1"), IsEmpty());
    EXPECT_THAT(text("quoted-printable", "x=00=4\r\n1"), Contains(GapReason::ambiguous)) << "a file";
    EXPECT_THAT(text("base64", "SGVs====bG8h"), Contains(GapReason::ambiguous));
    EXPECT_THAT(text("base64", "SGU=bGxv"), Contains(GapReason::ambiguous));
}

TEST(Readings, TheBodyMayBeginAtALineOfBlanks) {
    const auto with = [](const std::string& type, const std::string& fields, const std::string& body) {
        return "Content-Type: " + type + "\r\n \r\n" + fields + "\r\n" + body;
    };
    Heard heard;
    const auto facts = look(with("text/html; name=a.html", "<p>:\r\n evil\r\n", "good\r\n"), &heard);
    EXPECT_TRUE(facts.coverage.is_complete());
    ASSERT_EQ(heard.parts.size(), 2U);
    EXPECT_EQ(heard.parts[1].first, "1:a.html/after the line of blanks");
    EXPECT_EQ(heard.parts[1].second, "<p>:\r\n evil\r\n\r\ngood\r\n");
    EXPECT_THAT(gaps(look(with("application/x-a\r\nContent-Transfer-Encoding: base64", "TVqQAAMA:\r\n",
                               "AAAAAAAA\r\n"))),
                Contains(GapReason::ambiguous));
    EXPECT_THAT(gaps(look(with("message/rfc822", "Subject: x\r\n", "\r\nhi\r\n"))),
                Contains(GapReason::ambiguous));
    EXPECT_THAT(gaps(look(with("text/plain", "Content-Type: a/b\r\n", "hi\r\n"))),
                Contains(GapReason::ambiguous));
    EXPECT_THAT(
        gaps(look(with("text/plain\r\nContent-Transfer-Encoding:", " quoted-printable\r\n", "hi\r\n"))),
        Contains(GapReason::ambiguous));
    EXPECT_TRUE(look(with("text/plain\r\nContent-Transfer-Encoding: quoted-printable", "X: y\r\n", "hi\r\n"))
                    .coverage.is_complete());
    EXPECT_THAT(paths(look(with("text/plain", "", "hi\r\n"))), ElementsAre("1:text/plain"));
}

TEST(Readings, NothingBehindANearDelimiterIsNothingHidden) {
    const std::string start = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--";
    EXPECT_TRUE(look(start + "</html>\r\n\r\n").coverage.is_complete());
    EXPECT_FALSE(look(start + "</html>\r\n\r\nhidden\r\n").coverage.is_complete());
}

// --- view

TEST(View, ShowsAPartAsText) {
    const auto text = view(kMixed, "1:text/plain", 100);
    ASSERT_TRUE(text);
    EXPECT_EQ(text->text, "hello");
    EXPECT_FALSE(text->cut);
    EXPECT_FALSE(view(kMixed, "9:none", 100));
    const std::string latin = "Content-Type: text/plain; charset=iso-8859-1\r\n\r\n\xe4\xe4\xe4\xe4";
    EXPECT_EQ(view(latin, "1:text/plain", 100)->text, "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4");
    const auto cut = view(latin, "1:text/plain", 3);
    EXPECT_EQ(cut->text, "\xc3\xa4");
    EXPECT_TRUE(cut->cut);
}

// --- catalogue and settings

TEST(Catalogue, IsPrintableAndConsistent) {
    std::set<std::string_view> ids;
    for (const auto& detector : catalogue()) {
        ASSERT_NE(detector.info, nullptr);
        EXPECT_TRUE(ids.insert(detector.info->id).second);
        EXPECT_NE(detector.inspect, nullptr);
        for (const auto& evidence : detector.info->evidence) {
            EXPECT_TRUE(ids.insert(evidence.id).second) << evidence.id;
            EXPECT_TRUE(evidence.id.starts_with(detector.info->id));
            EXPECT_FALSE(evidence.help.empty());
        }
    }
    EXPECT_THAT(describe_catalogue(), testing::HasSubstr("malformed.too_many_parts (strong, score 0)"));
    EXPECT_THAT(describe_catalogue(), testing::HasSubstr("form.anomaly"));
}

TEST(Settings, TravelAsTables) {
    Settings settings;
    settings.process.hostname = "mx.example.com";
    settings.process.require_sandbox = true;
    settings.malformed.max_parts = 7;
    settings.malformed.ambiguous = false;
    settings.loop.max_received = 99;
    const auto read = decode_settings(encode_settings(settings));
    ASSERT_TRUE(read) << read.error().sentence;
    EXPECT_EQ(read->process.hostname, "mx.example.com");
    EXPECT_TRUE(read->process.require_sandbox);
    EXPECT_EQ(read->malformed.max_parts, 7);
    EXPECT_FALSE(read->malformed.ambiguous);
    EXPECT_EQ(read->loop.max_received, 99);
    EXPECT_EQ(encode_settings(*read), encode_settings(settings));
}

TEST(Settings, RefuseWhatIsNone) {
    EXPECT_EQ(decode_settings("\xff\xff").error().fault, base::Fault::malformed);
    Settings settings;
    settings.loop.max_own_name = 0;
    EXPECT_EQ(decode_settings(encode_settings(settings)).error().fault, base::Fault::usage);
}

}  // namespace
}  // namespace gatehouse::inspect::engine
