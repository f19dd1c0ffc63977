#include "inspect/find/qr_code.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "inspect/find/url_list.h"
#include "inspect/format/true_type.h"

namespace gatehouse::inspect::find {
namespace {

using format::Picture;
using format::PictureResult;
using testing::ElementsAre;
using testing::IsEmpty;

std::string fixture(const std::string& name) {
    std::ifstream file(GATEHOUSE_SOURCE_ROOT "/tests/fixtures/pictures/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

PictureResult read(std::string_view bytes, Picture& picture) {
    return format::read_picture(bytes, format::true_type(bytes).name, picture);
}

std::vector<std::string> codes(const std::string& bytes) {
    Picture picture;
    (void)read(bytes, picture);
    return read_codes(picture);
}

constexpr std::string_view kUrl = "https://login.bank.example/qr?x=1";

TEST(QrCode, IsReadOutOfEveryKindOfPicture) {
    for (const auto* name : {"qr.png", "qr-interlaced.png", "qr-inverted.png", "qr.jpg", "qr.gif",
                             "qr-interlaced.gif", "qr.bmp"}) {
        Picture picture;
        EXPECT_EQ(read(fixture(name), picture), PictureResult::read) << name;
        EXPECT_THAT(read_codes(picture), ElementsAre(kUrl)) << name;
    }
    EXPECT_THAT(codes(fixture("data-matrix.png")), ElementsAre("HTTP://dm.example/a"));
    EXPECT_THAT(codes(fixture("aztec.png")), ElementsAre("www.aztec.example/b"));
}

TEST(QrCode, LeadsSomewhere) {
    UrlList urls;
    urls.enter("2:a.png", false);
    urls.add_code("HTTP://dm.example/a", "2:a.png");
    urls.add_code("www.aztec.example/b", "2:a.png");
    urls.add_code("BEGIN:VCARD\nURL:https://card.example/\nEND:VCARD", "2:a.png");
    urls.add_code("just words", "3:b.png");
    message::Facts facts;
    urls.finish(facts);
    ASSERT_EQ(facts.urls.size(), 3U);
    EXPECT_EQ(facts.urls[0].canonical, "http://dm.example/a");
    EXPECT_EQ(facts.urls[1].canonical, "http://www.aztec.example/b");
    EXPECT_EQ(facts.urls[2].canonical, "https://card.example/");
    EXPECT_THAT(facts.urls[0].flags, ElementsAre("code"));
    ASSERT_EQ(facts.evidence.size(), 1U);
    EXPECT_EQ(facts.evidence[0].id, "url.qr_code");
}

TEST(Picture, CutAndChangedBytesDoNoHarm) {
    for (const auto* name :
         {"qr.png", "qr-interlaced.png", "qr.jpg", "qr.gif", "qr-interlaced.gif", "qr.bmp"}) {
        const auto whole = fixture(name);
        const auto type = format::true_type(whole).name;
        Picture picture;
        for (std::size_t size = 0; size < whole.size(); ++size)
            (void)format::read_picture(std::string_view(whole).substr(0, size), type, picture);
        for (std::size_t i = 0; i < whole.size(); ++i) {
            auto other = whole;
            other[i] = static_cast<char>(other[i] ^ (1 << (i % 8)));
            (void)format::read_picture(other, type, picture);
            EXPECT_EQ(picture.grey.size(), std::size_t{picture.width} * picture.height) << name << " " << i;
        }
    }
}

TEST(Picture, WhatIsTooLargeIsNotMade) {
    auto gif = fixture("qr.gif");
    gif.replace(6, 4, "\xFF\xFF\xFF\xFF");
    Picture picture;
    EXPECT_EQ(read(gif, picture), PictureResult::too_large);
    EXPECT_THAT(picture.grey, IsEmpty());
    auto bmp = fixture("qr.bmp");
    bmp.replace(18, 8, "\xFF\xFF\xFF\x7F\xFF\xFF\xFF\x7F");
    EXPECT_EQ(read(bmp, picture), PictureResult::too_large);
    EXPECT_EQ(read("GIF89a", picture), PictureResult::unknown);
}

}  // namespace
}  // namespace gatehouse::inspect::find
