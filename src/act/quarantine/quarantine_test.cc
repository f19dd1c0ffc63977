#include "act/quarantine/quarantine.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "act/quarantine/testing.h"
#include "base/random.h"
#include "ipc/memfd.h"
#include "store/schema.h"

namespace gatehouse::act::quarantine {
namespace {

using base::Fault;
using base::ItemId;
using store::content_of;

using Ids = std::vector<std::string>;

class QuarantineTest : public ::testing::Test {
  protected:
    std::string file_of(const ItemId& id) const { return options_.folder + "/" + id.to_file_name(); }
    std::string database() const { return options_.database; }
    Ids list(const ListFilter& filter) {
        const auto items = quarantine_->list(filter);
        EXPECT_TRUE(items);
        Ids out;
        if (items) {
            for (const auto& item : *items) out.push_back(item.info.subject);
        }
        return out;
    }
    void reopen() {
        quarantine_.reset();
        quarantine_ = must_open(folder_.path());
    }
    /// The keys in a database file, as its owner stored them.
    static std::vector<std::string> keys_in(const std::string& path) {
        auto database = store::Database::open(path, {.read_only = true}).value();
        auto select = database.prepare("SELECT key FROM quarantine_keys").value();
        std::vector<std::string> out;
        while (select.step().value()) out.push_back(select.bytes(0));
        return out;
    }
    /// Files below the folder that hold those bytes.
    Ids files_with(const std::string& bytes) const {
        Ids out;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
            if (entry.is_regular_file() && content_of(entry.path()).find(bytes) != std::string::npos) {
                out.push_back(entry.path().filename());
            }
        }
        return out;
    }

    store::TemporaryFolder folder_;
    QuarantineOptions options_ = options_in(folder_.path());
    std::unique_ptr<Quarantine> quarantine_ = must_open(folder_.path());
    const Sight deletion_{base::WallTime(), "admin", "deleted", "not wanted"};
};

TEST_F(QuarantineTest, KeepsMessagesAndWhatIsKnownOfThem) {
    const auto info = example_item(1);
    const auto message = base::random_bytes(200'000);
    ASSERT_TRUE(quarantine_->put(info, message));
    for (int round = 0; round < 2; ++round) {
        const auto item = quarantine_->show(info.id.to_string());
        ASSERT_TRUE(item) << item.error().sentence;
        EXPECT_EQ(item->info, info);
        EXPECT_EQ(item->size, message.size());
        EXPECT_EQ(item->state, State::held);
        EXPECT_FALSE(item->damaged);
        EXPECT_EQ(read_item(*quarantine_, info.id).value(), message);
        reopen();
        EXPECT_EQ(quarantine_->orphans_removed(), 0U);
    }
}

TEST_F(QuarantineTest, TakesAndGivesSealedFiles) {
    const auto message = base::random_bytes(300'000);
    auto file = ipc::Memfd::make("test").value();
    ASSERT_TRUE(file.append(message));
    const auto sealed = std::move(file).seal().value();
    const auto id = example_item(1).id;
    ASSERT_TRUE(quarantine_->put(example_item(1), sealed.get()));
    const auto back = quarantine_->open_sealed(id);
    ASSERT_TRUE(back) << back.error().sentence;
    EXPECT_EQ(ipc::Mapping::map(back->get(), 1 << 20).value().bytes(), message);
    const base::Fd open_end = base::Fd(::open((folder_ / "plain").c_str(), O_RDWR | O_CREAT, 0600));
    EXPECT_FALSE(quarantine_->put(example_item(2), open_end.get())) << "a file that could change under us";
}

TEST_F(QuarantineTest, NothingOfTheMailIsReadableInTheFile) {
    ASSERT_TRUE(quarantine_->put(example_item(1), "Subject: a secret sentence\r\n\r\n"));
    EXPECT_EQ(files_with("secret sentence"), Ids{});
}

TEST_F(QuarantineTest, AnIdIsTakenOnce) {
    ASSERT_TRUE(quarantine_->put(example_item(1), "first"));
    EXPECT_EQ(quarantine_->put(example_item(1), "second").error().fault, Fault::refused);
    EXPECT_EQ(read_item(*quarantine_, example_item(1).id).value(), "first");
    ASSERT_TRUE(quarantine_->put(example_item(1, 2), "another group"));
    ASSERT_TRUE(quarantine_->remove(example_item(1).id, deletion_));
    EXPECT_EQ(quarantine_->put(example_item(1), "third").error().fault, Fault::refused)
        << "also when it is deleted";
    EXPECT_FALSE(std::filesystem::exists(file_of(example_item(1).id)));
}

TEST_F(QuarantineTest, ListsWhatIsAskedFor) {
    for (std::uint32_t n = 0; n < 5; ++n) {
        auto info = example_item(n);
        if (n == 2) info.area = "spam";
        if (n == 3) info.verdict = message::Verdict::spam;
        if (n == 4) info.envelope.recipients = {{"Carol@Example.NET", 0, ""}};
        ASSERT_TRUE(quarantine_->put(info, "x"));
    }
    ASSERT_TRUE(quarantine_->remove(example_item(0).id, deletion_));
    ASSERT_TRUE(quarantine_->mark_released(example_item(1).id, {0, {}, "admin", true, "250 ok"}));
    EXPECT_EQ(list({}), (Ids{"Message 4", "Message 3", "Message 2"}));
    EXPECT_EQ(list({.state = State::released}), (Ids{"Message 1"}));
    EXPECT_EQ(list({.state = State::deleted}), (Ids{""})) << "a deleted item says nothing of the mail";
    EXPECT_EQ(list({.state = std::nullopt}).size(), 5U);
    EXPECT_EQ(list({.area = "spam"}), (Ids{"Message 2"}));
    EXPECT_EQ(list({.verdict = message::Verdict::spam}), (Ids{"Message 3"}));
    EXPECT_EQ(list({.text = "carol@example"}), (Ids{"Message 4"}));
    EXPECT_EQ(list({.text = "MESSAGE 3"}), (Ids{"Message 3"}));
    EXPECT_EQ(list({.since = example_item(3).created}), (Ids{"Message 4", "Message 3"}));
    EXPECT_EQ(list({.until = example_item(3).created}), (Ids{"Message 2"}));
    EXPECT_EQ(list({.limit = 1}), (Ids{"Message 4"}));
}

TEST_F(QuarantineTest, WhatWasDeletedTakesNobodysPlaceInTheList) {
    for (std::uint32_t n = 0; n < 4; ++n) ASSERT_TRUE(quarantine_->put(example_item(n), "x"));
    ASSERT_TRUE(quarantine_->mark_released(example_item(1).id, {0, {}, "admin", true, "250 ok"}));
    for (std::uint32_t n = 2; n < 4; ++n) ASSERT_TRUE(quarantine_->remove(example_item(n).id, deletion_));
    EXPECT_EQ(list({.state = std::nullopt, .present = true, .limit = 2}), (Ids{"Message 1", "Message 0"}));
    EXPECT_EQ(list({.state = std::nullopt, .limit = 2}), (Ids{"", ""}));
}

TEST_F(QuarantineTest, PrefixesAreUniqueOrSaySo) {
    ASSERT_TRUE(quarantine_->put(example_item(1), "x"));
    const auto reference = example_item(1).id.reference.to_string();
    EXPECT_TRUE(quarantine_->show(reference.substr(0, 9)));
    EXPECT_TRUE(quarantine_->show(reference));
    ASSERT_TRUE(quarantine_->put(example_item(1, 2), "x"));
    const auto several = quarantine_->show(reference);
    ASSERT_FALSE(several);
    EXPECT_EQ(several.error().fault, Fault::usage);
    EXPECT_NE(several.error().sentence.find(reference + "/1, " + reference + "/2"), std::string::npos);
    EXPECT_EQ(quarantine_->show(reference + "/2").value().info.id.group, 2U);
    EXPECT_EQ(quarantine_->show(reference.substr(0, 9) + "/2").value().info.id.group, 2U);
    EXPECT_EQ(quarantine_->show(reference + "/3").error().fault, Fault::not_found);
    for (const auto* bad :
         {"", "7Q3K", "/1", "../../etc/passwd", "7Q3K-M8TD/0", "7Q3K-M8TD/x", "7Q3K-M8TD/1/2"}) {
        EXPECT_EQ(quarantine_->show(bad).error().fault, Fault::usage) << bad;
    }
}

TEST_F(QuarantineTest, ReleasesAreCountedAndRemembered) {
    const auto id = example_item(1).id;
    ASSERT_TRUE(quarantine_->put(example_item(1), "x"));
    EXPECT_EQ(quarantine_->mark_released(id, {0, {}, "admin", false, "connection refused"}).value(), 1U);
    EXPECT_EQ(quarantine_->show(id.to_string()).value().state, State::held);
    EXPECT_EQ(quarantine_->mark_released(id, {0, {}, "admin", true, "250 ok"}).value(), 2U);
    EXPECT_EQ(quarantine_->show(id.to_string()).value().state, State::released);
    EXPECT_EQ(quarantine_->mark_released(id, {0, {}, "admin", false, "451"}).value(), 3U);
    const auto item = quarantine_->show(id.to_string()).value();
    EXPECT_EQ(item.state, State::released) << "a later failure does not undo it";
    EXPECT_EQ(item.attempts, 3U);
    const auto attempts = quarantine_->attempts(id).value();
    ASSERT_EQ(attempts.size(), 3U);
    EXPECT_EQ(attempts[1], (Attempt{2, {}, "admin", true, "250 ok"}));
    EXPECT_EQ(read_item(*quarantine_, id).value(), "x") << "kept until it is removed";
    ASSERT_TRUE(quarantine_->remove(id, deletion_));
    EXPECT_EQ(quarantine_->mark_released(id, {}).error().fault, Fault::not_found);
    EXPECT_EQ(quarantine_->mark_released(example_item(9).id, {}).error().fault, Fault::not_found);
}

TEST_F(QuarantineTest, SightsTellWhoDidWhat) {
    const auto id = example_item(1).id;
    ASSERT_TRUE(quarantine_->put(example_item(1), "x"));
    const auto noon = base::parse_rfc3339("2026-06-02T12:00:00Z").value();
    ASSERT_TRUE(quarantine_->note_sight(id, {noon, "helpdesk", "viewed", "the user asked"}));
    ASSERT_TRUE(quarantine_->mark_released(id, {0, noon, "admin", false, "451 later"}));
    ASSERT_TRUE(quarantine_->remove(id, deletion_));
    ASSERT_TRUE(quarantine_->remove(id, deletion_));
    const auto sights = quarantine_->sights(id).value();
    ASSERT_EQ(sights.size(), 4U);
    EXPECT_EQ(sights[0].what, "stored");
    EXPECT_EQ(sights[1], (Sight{noon, "helpdesk", "viewed", "the user asked"}));
    EXPECT_EQ(sights[2].what, "release failed");
    EXPECT_EQ(sights[3], deletion_) << "deleting again is no second sight";
    EXPECT_EQ(quarantine_->note_sight(example_item(9).id, {}).error().fault, Fault::not_found);
}

TEST_F(QuarantineTest, RemovedItemsAreGoneForGood) {
    const auto id = example_item(1).id;
    ASSERT_TRUE(quarantine_->put(example_item(1), "x"));
    ASSERT_TRUE(quarantine_->remove(id, deletion_));
    EXPECT_FALSE(std::filesystem::exists(file_of(id)));
    EXPECT_EQ(read_item(*quarantine_, id).error().fault, Fault::not_found);
    EXPECT_EQ(quarantine_->open_sealed(id).error().fault, Fault::not_found);
    const auto item = quarantine_->show(id.to_string()).value();
    EXPECT_EQ(item.state, State::deleted);
    EXPECT_FALSE(item.damaged);
    EXPECT_EQ(item.info.envelope.sender, "");
    EXPECT_TRUE(quarantine_->remove(id, deletion_)) << "again is no fault";
    EXPECT_EQ(quarantine_->remove(example_item(9).id, deletion_).error().fault, Fault::not_found);
}

TEST_F(QuarantineTest, ADeletedKeyIsInNoFile) {
    // Another connection that does not overwrite what it deletes, as the tracking loader has.
    auto other = store::Database::open(database(), {}).value();
    ASSERT_TRUE(other.run("CREATE TABLE other(a)"));
    for (std::uint32_t n = 0; n < 50; ++n) {
        ASSERT_TRUE(quarantine_->put(example_item(n), "x"));
        ASSERT_TRUE(other.run("INSERT INTO other VALUES(randomblob(3000))"));
    }
    const auto keys = keys_in(database());
    ASSERT_EQ(keys.size(), 50U);
    EXPECT_FALSE(files_with(keys[7]).empty());
    for (std::uint32_t n = 0; n < 50; n += 2) ASSERT_TRUE(quarantine_->remove(example_item(n).id, deletion_));
    const auto left = keys_in(database());
    EXPECT_EQ(left.size(), 25U);
    for (const auto& key : keys) {
        const bool is_left = std::find(left.begin(), left.end(), key) != left.end();
        EXPECT_EQ(!files_with(key).empty(), is_left);
    }
    for (std::uint32_t n = 0; n < 50; n += 2) {
        EXPECT_EQ(files_with("<" + std::to_string(n) + "@example.org>"), Ids{});
    }
}

TEST_F(QuarantineTest, ADeletedKeyLeavesTheCopiesToo) {
    ASSERT_TRUE(quarantine_->put(example_item(1), "x"));
    ASSERT_TRUE(quarantine_->put(example_item(2), "x"));
    {
        auto other = store::Database::open(database(), {}).value();
        ASSERT_TRUE(other.copy_to(database() + ".before-quarantine-2"));
    }
    const auto key = keys_in(database())[0];
    EXPECT_GE(files_with(key).size(), 2U);
    ASSERT_TRUE(quarantine_->remove(example_item(1).id, deletion_));
    EXPECT_EQ(files_with(key), Ids{});
    EXPECT_EQ(keys_in(database() + ".before-quarantine-2").size(), 1U);
}

TEST_F(QuarantineTest, AReaderInTheWayDelaysTheErasureOfTheKey) {
    ASSERT_TRUE(quarantine_->put(example_item(1), "x"));
    const auto key = keys_in(database())[0];
    {
        auto reader = store::Database::open(database(), {.read_only = true}).value();
        auto select = reader.prepare("SELECT key FROM quarantine_keys").value();
        ASSERT_TRUE(select.step().value());
        EXPECT_TRUE(quarantine_->remove(example_item(1).id, deletion_));
        EXPECT_FALSE(quarantine_->tidy());
        EXPECT_FALSE(files_with(key).empty());
    }
    EXPECT_TRUE(quarantine_->tidy());
    EXPECT_TRUE(quarantine_->tidy());
    EXPECT_EQ(files_with(key), Ids{});
}

TEST_F(QuarantineTest, DamageIsListedAndNamed) {
    for (std::uint32_t n = 0; n < 3; ++n)
        ASSERT_TRUE(quarantine_->put(example_item(n), std::string(1000, 'x')));
    std::filesystem::remove(file_of(example_item(0).id));
    std::filesystem::resize_file(file_of(example_item(1).id), 500);
    auto bytes = content_of(file_of(example_item(2).id));
    bytes[600] = static_cast<char>(bytes[600] ^ 1);
    store::write_content(file_of(example_item(2).id), bytes);
    reopen();
    const auto items = quarantine_->list({}).value();
    ASSERT_EQ(items.size(), 3U);
    EXPECT_FALSE(items[0].damaged) << "only opening it can tell";
    EXPECT_TRUE(items[1].damaged);
    EXPECT_TRUE(items[2].damaged);
    for (std::uint32_t n = 0; n < 3; ++n) {
        const auto id = example_item(n).id;
        const auto opened = read_item(*quarantine_, id);
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().fault, Fault::malformed);
        EXPECT_NE(opened.error().sentence.find(id.to_string()), std::string::npos);
        EXPECT_FALSE(quarantine_->open_sealed(id));
        EXPECT_TRUE(quarantine_->remove(id, deletion_)) << "damaged items can be deleted";
    }
}

TEST_F(QuarantineTest, FilesOfTwoItemsCannotBeExchanged) {
    ASSERT_TRUE(quarantine_->put(example_item(1), "first"));
    ASSERT_TRUE(quarantine_->put(example_item(2), "other"));
    const auto one = content_of(file_of(example_item(1).id));
    store::write_content(file_of(example_item(1).id), content_of(file_of(example_item(2).id)));
    store::write_content(file_of(example_item(2).id), one);
    EXPECT_EQ(read_item(*quarantine_, example_item(1).id).error().fault, Fault::malformed);
    EXPECT_EQ(read_item(*quarantine_, example_item(2).id).error().fault, Fault::malformed);
}

TEST_F(QuarantineTest, OrphansAreRemovedAtStartAndNothingElse) {
    ASSERT_TRUE(quarantine_->put(example_item(1), "x"));
    quarantine_.reset();
    store::write_content(file_of(example_item(2).id), "half a file");
    store::write_content(file_of(example_item(1, 2).id), "");
    store::write_content(options_.folder + "/notes.txt", "of the operator");
    quarantine_ = must_open(folder_.path());
    EXPECT_EQ(quarantine_->orphans_removed(), 2U);
    EXPECT_FALSE(std::filesystem::exists(file_of(example_item(2).id)));
    EXPECT_TRUE(std::filesystem::exists(options_.folder + "/notes.txt"));
    EXPECT_EQ(read_item(*quarantine_, example_item(1).id).value(), "x");
}

TEST_F(QuarantineTest, OneProcessAtATime) {
    const auto second = Quarantine::open(options_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().fault, Fault::unavailable);
    EXPECT_NE(second.error().sentence.find("gatehouse-front"), std::string::npos);
}

TEST_F(QuarantineTest, NewerFormatsAreRefused) {
    quarantine_.reset();
    {
        auto database = store::Database::open(options_.database, {}).value();
        ASSERT_TRUE(database.run("UPDATE store_formats SET number=99 WHERE name='quarantine'"));
    }
    const auto refused = Quarantine::open(options_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::refused);
}

TEST_F(QuarantineTest, HostileTextStaysText) {
    auto info = example_item(1);
    info.subject =
        std::string("a\0b\nc", 5) + "'; DROP TABLE quarantine_items; --" + std::string(100'000, 'x');
    info.because = std::vector<std::string>(5000, "two\nlines");
    for (int i = 0; i < 5000; ++i)
        info.envelope.recipients.push_back({fmt::format("{}@example.com\xff", i), 0, ""});
    ASSERT_TRUE(quarantine_->put(info, "x"));
    const auto item = quarantine_->show(info.id.to_string());
    ASSERT_TRUE(item) << item.error().sentence;
    EXPECT_EQ(item->info.envelope, info.envelope);
    EXPECT_LE(item->info.subject.size(), 1024U);
    EXPECT_EQ(item->info.because.size(), 100U);
    EXPECT_EQ(item->info.because[0], "two lines");
    EXPECT_EQ(list({.text = "drop table"}).size(), 1U);
}

}  // namespace
}  // namespace gatehouse::act::quarantine
