#include "inspect/detect/disguise/disguise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspect/mime/structure.h"

namespace gatehouse::inspect::detect::disguise {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> found(std::string name, std::string type) {
    message::Part part;
    part.name = std::move(name);
    part.type = std::move(type);
    base::Budget budget{{}};
    const mime::Structure structure;
    const message::Facts facts;
    std::vector<std::string> ids;
    for (const auto& evidence :
         inspect({"2:x", "", &part}, {structure, {}, facts, nullptr, ""}, budget).evidence)
        ids.push_back(evidence.id);
    return ids;
}

TEST(Disguise, NamesThatShowSomethingElse) {
    EXPECT_THAT(found("invoice_\xE2\x80\xAE"
                      "fdp.exe",
                      "pe"),
                ElementsAre("disguise.reversed_name"));
    EXPECT_THAT(found("invoice.pdf" + std::string(60, ' ') + ".exe", "pe"),
                ElementsAre("disguise.padded_name", "disguise.double_extension"));
    EXPECT_THAT(found("photo.jpg.SCR. ", "pe"), ElementsAre("disguise.double_extension"));
    EXPECT_THAT(found("report.doc.js", "text"), ElementsAre("disguise.double_extension"));
}

TEST(Disguise, FilesThatAreSomethingElse) {
    EXPECT_THAT(found("invoice.pdf", "pe"), ElementsAre("disguise.program"));
    EXPECT_THAT(found("photo.jpg", "zip"), ElementsAre("disguise.type_mismatch"));
    EXPECT_THAT(found("page.gif", "html"), ElementsAre("disguise.type_mismatch"));
}

TEST(Disguise, OrdinaryFilesAreWhatTheySay) {
    const std::vector<std::pair<std::string, std::string>> files = {
        {"a.exe", "pe"},
        {"setup.zip", "zip"},
        {"a.doc", "docx"},
        {"a.doc", "rtf"},
        {"a.docx", "zip"},
        {"a.jpg", "png"},
        {"a.csv", "text"},
        {"a.txt", "html"},
        {"a.js", "text"},
        {"a.bin", "pe"},
        {"report.2024.01.pdf", "pdf"},
        {"v1.2.exe", "pe"},
        {"a b c.pdf", "pdf"},
        {"noext", "pe"},
        {"a.pdf", "data"},
        {"a.tar.gz", "gz"},
        {"a.htm", "text"},
        {"a.xls", "text"},
        {"", "pe"},
    };
    for (const auto& [name, type] : files) EXPECT_THAT(found(name, type), IsEmpty()) << name;
}

}  // namespace
}  // namespace gatehouse::inspect::detect::disguise
