#include "record/journal.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <set>
#include <thread>

#include "record/segment_reader.h"
#include "store/testing.h"

namespace gatehouse::record {
namespace {

using base::Fault;
using store::content_of;
using store::TemporaryFolder;

using Texts = std::vector<std::string>;

std::unique_ptr<Journal> must_open(const JournalOptions& options) {
    auto journal = Journal::open(options);
    if (!journal) throw std::runtime_error(journal.error().sentence);
    return std::move(*journal);
}

bool append(Journal& journal, std::string_view text) {
    return journal.append(FrameKind::message, text).has_value();
}

/// Every payload in the folder, in order.
Texts read_all(const std::string& folder) {
    Texts out;
    const auto names = base::list_folder(folder);
    for (const auto& name : names.value()) {
        if (!name.ends_with(".log")) continue;
        auto reader = SegmentReader::open(fmt::format("{}/{}", folder, name));
        if (!reader) throw std::runtime_error(reader.error().sentence);
        const auto size = reader->size().value();
        while (true) {
            const auto entry = reader->next(size);
            if (!entry) throw std::runtime_error(entry.error().sentence);
            if (!*entry) break;
            out.emplace_back((*entry)->payload);
        }
    }
    return out;
}

std::string last_segment(const std::string& folder) {
    std::string last;
    const auto names = base::list_folder(folder);
    for (const auto& name : names.value()) {
        if (name.ends_with(".log")) last = fmt::format("{}/{}", folder, name);
    }
    return last;
}

TEST(Journal, KeepsWhatWasAppended) {
    const TemporaryFolder folder;
    {
        auto journal = must_open({.folder = folder.path()});
        EXPECT_TRUE(append(*journal, "one"));
        EXPECT_TRUE(append(*journal, ""));
        EXPECT_TRUE(append(*journal, std::string(3'000'000, 'x')));
        EXPECT_TRUE(journal->sync());
        EXPECT_TRUE(journal->sync()) << "nothing new";
        EXPECT_EQ(journal->counters().entries, 3U);
        EXPECT_EQ(journal->end().offset, std::filesystem::file_size(last_segment(folder.path())));
        EXPECT_EQ(journal->bytes_after({}), journal->end().offset - kSegmentHeaderBytes);
        EXPECT_EQ(journal->bytes_after(journal->end()), 0U);
    }
    EXPECT_EQ(read_all(folder.path()), (Texts{"one", "", std::string(3'000'000, 'x')}));
}

TEST(Journal, RefusesWhatIsTooLarge) {
    const TemporaryFolder folder;
    auto journal = must_open({.folder = folder.path(), .max_bytes = 1000});
    EXPECT_EQ(journal->append(FrameKind::message, std::string(kMaxPayload + 1, 'x')).error().fault,
              Fault::limit);
    EXPECT_TRUE(append(*journal, std::string(800, 'x')));
    EXPECT_EQ(journal->append(FrameKind::message, std::string(400, 'x')).error().fault, Fault::limit);
    EXPECT_EQ(journal->counters().failures, 2U);
    EXPECT_EQ(read_all(folder.path()).size(), 1U);
}

/// Until it has had the time to try.
bool becomes_writable(Journal& journal) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!journal.is_writable()) {
        if (std::chrono::steady_clock::now() > give_up) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
}

TEST(Journal, SaysBeforeItsBoundThatItCannotTakeMore) {
    const TemporaryFolder folder;
    Texts expected;
    auto journal = must_open({.folder = folder.path(), .segment_bytes = 20'000, .max_bytes = 160'000});
    while (journal->is_writable()) {
        expected.push_back(std::to_string(expected.size()) + std::string(1000, '.'));
        ASSERT_TRUE(append(*journal, expected.back()));
        ASSERT_LT(expected.size(), 1000U);
    }
    expected.push_back("what was taken before still finds room");
    EXPECT_TRUE(append(*journal, expected.back()));
    EXPECT_EQ(journal->counters().failures, 0U);
    EXPECT_EQ(read_all(folder.path()), expected);
    ASSERT_TRUE(journal->remove_before(journal->segments().back()));
    EXPECT_TRUE(becomes_writable(*journal));
    const auto end = journal->end();
    EXPECT_EQ(std::filesystem::file_size(last_segment(folder.path())), end.offset)
        << "the trial left nothing";
    EXPECT_TRUE(append(*journal, "again"));
}

TEST(Journal, FindsOutByItselfThatItCanBeWrittenAgain) {
    const TemporaryFolder folder;
    auto journal = must_open({.folder = folder.path()});
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    rlimit small = before;
    small.rlim_cur = 3000;
    auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    EXPECT_FALSE(append(*journal, std::string(5000, 'x')));
    EXPECT_FALSE(journal->is_writable());
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    std::signal(SIGXFSZ, handler);
    EXPECT_TRUE(becomes_writable(*journal));
    EXPECT_TRUE(append(*journal, "again"));
    EXPECT_EQ(read_all(folder.path()), (Texts{"again"}));
    EXPECT_EQ(journal->append(FrameKind::message, std::string(kMaxPayload + 1, 'x')).error().fault,
              Fault::limit);
    EXPECT_TRUE(journal->is_writable()) << "an entry that is too large says nothing of the next one";
}

TEST(Journal, SegmentsFollowOneAnotherAndGo) {
    const TemporaryFolder folder;
    Texts expected;
    {
        auto journal = must_open({.folder = folder.path(), .segment_bytes = 500});
        for (int i = 0; i < 40; ++i) {
            expected.push_back(std::to_string(i) + std::string(80, '.'));
            EXPECT_TRUE(append(*journal, expected.back()));
            if (i == 20) {
                EXPECT_TRUE(journal->sync());
            }
        }
        const auto segments = journal->segments();
        EXPECT_EQ(segments.size(), 10U);
        EXPECT_EQ(journal->counters().segments, segments.size());
        EXPECT_EQ(read_all(folder.path()), expected);
        ASSERT_TRUE(journal->remove_before(segments[3]));
        EXPECT_EQ(journal->segments().front(), segments[3]);
        EXPECT_FALSE(std::filesystem::exists(journal->path_of(segments[2])));
        EXPECT_TRUE(std::filesystem::exists(journal->path_of(segments[3])));
        EXPECT_TRUE(journal->sync());
    }
    auto journal = must_open({.folder = folder.path()});
    EXPECT_EQ(journal->segments().size(), 8U) << "each start begins a segment of its own";
    EXPECT_EQ(journal->end().segment, 11U);
    EXPECT_TRUE(journal->remove_all());
    EXPECT_TRUE(read_all(folder.path()).empty());
    EXPECT_FALSE(append(*journal, "x"));
}

TEST(Journal, NumbersAreNeverUsedTwice) {
    const TemporaryFolder folder;
    const auto journal = must_open({.folder = folder.path(), .first_segment = 42});
    EXPECT_EQ(journal->end(), (JournalPosition{42, kSegmentHeaderBytes}));
}

TEST(Journal, OneProcessAtATime) {
    const TemporaryFolder folder;
    const auto journal = must_open({.folder = folder.path(), .who = "gatehouse-front"});
    const auto second = Journal::open({.folder = folder.path(), .who = "gatehouse"});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().fault, Fault::unavailable);
    EXPECT_NE(second.error().sentence.find("gatehouse-front"), std::string::npos);
}

TEST(Journal, TornTailsAreCutAtEveryByte) {
    const TemporaryFolder origin;
    {
        auto journal = must_open({.folder = origin.path()});
        EXPECT_TRUE(append(*journal, "first"));
        EXPECT_TRUE(append(*journal, "second"));
        EXPECT_TRUE(append(*journal, "the last one"));
    }
    const auto whole = content_of(last_segment(origin.path()));
    const std::size_t last = whole.size() - kFrameHeaderBytes - std::string_view("the last one").size();
    for (std::size_t length = last; length <= whole.size(); ++length) {
        for (const auto& tail :
             {std::string(), std::string(50, '\0')}) {  // zeros: a power cut of some file systems
            if (length == whole.size() && !tail.empty()) continue;
            const TemporaryFolder folder;
            const auto path = folder / "0000000001.log";
            store::write_content(path, whole.substr(0, length) + tail);
            auto journal = must_open({.folder = folder.path()});
            EXPECT_TRUE(append(*journal, "next"));
            Texts expected{"first", "second"};
            if (length == whole.size()) expected.emplace_back("the last one");
            EXPECT_EQ(std::filesystem::file_size(path), length == whole.size() ? length : last) << length;
            expected.emplace_back("next");
            EXPECT_EQ(read_all(folder.path()), expected) << length;
        }
    }
}

TEST(Journal, FlippedBytesCostOneEntry) {
    const TemporaryFolder folder;
    Texts expected;
    {
        auto journal = must_open({.folder = folder.path()});
        for (int i = 0; i < 10; ++i) EXPECT_TRUE(append(*journal, "entry " + std::to_string(i)));
    }
    const auto path = last_segment(folder.path());
    auto bytes = content_of(path);
    bytes[bytes.find("entry 4")] = 'E';
    store::write_content(path, bytes);
    EXPECT_EQ(read_all(folder.path()).size(), 9U);
    auto reader = SegmentReader::open(path).value();
    while (reader.next(bytes.size()).value()) {
    }
    EXPECT_EQ(reader.damaged_frames(), 1U);
    EXPECT_EQ(reader.offset(), bytes.size());
    (void)must_open({.folder = folder.path()});
    EXPECT_EQ(std::filesystem::file_size(path), bytes.size()) << "damage in the middle is no torn tail";
}

TEST(Journal, StrangeFilesAreSetAsideAndNewerFormatsRefused) {
    const TemporaryFolder folder;
    store::write_content(folder / "0000000001.log", std::string(500, 'x'));
    store::write_content(folder / "0000000002.log", "");  // killed before the header was written
    store::write_content(folder / "0000000003.log", make_segment_header(9) + std::string(100, 'x'));
    store::write_content(folder / "notes.txt", "hello");
    {
        const auto journal = must_open({.folder = folder.path()});
        EXPECT_EQ(journal->segments(), (std::vector<std::uint32_t>{1}));
    }
    EXPECT_TRUE(std::filesystem::exists(folder / "0000000001.log.damaged"));
    EXPECT_FALSE(std::filesystem::exists(folder / "0000000002.log"));
    EXPECT_TRUE(std::filesystem::exists(folder / "0000000003.log.damaged"));
    EXPECT_TRUE(std::filesystem::exists(folder / "notes.txt"));
    auto header = make_segment_header(7);
    header[8] = 2;
    store::write_content(folder / "0000000007.log", header);
    const auto refused = Journal::open({.folder = folder.path()});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::refused);
    EXPECT_NE(refused.error().sentence.find("0000000007.log"), std::string::npos);
}

TEST(Journal, ManyThreadsAppendWhole) {
    const TemporaryFolder folder;
    constexpr int kThreads = 4;
    constexpr int kEach = 500;
    {
        auto journal = must_open({.folder = folder.path(), .segment_bytes = 100'000});
        std::vector<std::jthread> threads;
        threads.reserve(kThreads);
        for (int t = 0; t < kThreads; ++t) {
            threads.emplace_back([&journal, t] {
                for (int i = 0; i < kEach; ++i) {
                    EXPECT_TRUE(append(*journal, fmt::format("{} {} {}", t, i, std::string(300, 'x'))));
                }
            });
        }
        for (int i = 0; i < 20; ++i) EXPECT_TRUE(journal->sync());
        threads.clear();
    }
    const auto all = read_all(folder.path());
    EXPECT_EQ(all.size(), std::size_t{kThreads} * kEach);
    EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
}

TEST(Journal, FullDiskIsAFaultAndLaterEntriesStayReadable) {
    const auto disk = store::SmallDisk::mount(256);
    if (!disk) GTEST_SKIP() << "needs the right to mount";
    const auto folder = disk->path() + "/journal";
    Texts expected;
    {
        auto journal = must_open({.folder = folder});
        const auto add = [&](std::size_t size) {
            const std::string text = std::to_string(expected.size()) + std::string(size, 'x');
            const bool done = append(*journal, text);
            if (done) expected.push_back(text);
            return done;
        };
        EXPECT_TRUE(add(1000));
        disk->fill(6000);
        EXPECT_FALSE(add(100'000)) << "a part of it fits";
        while (add(700)) {
        }
        EXPECT_GT(expected.size(), 1U);
        EXPECT_FALSE(add(5000));
        EXPECT_GE(journal->counters().failures, 3U);
        disk->free();
        EXPECT_TRUE(add(5000));
    }
    EXPECT_EQ(read_all(folder), expected);
}

TEST(Journal, FileSizeLimitIsAFault) {
    const TemporaryFolder folder;
    auto journal = must_open({.folder = folder.path()});
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    rlimit small = before;
    small.rlim_cur = 3000;
    auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    EXPECT_TRUE(journal->is_writable());
    const auto failed = journal->append(FrameKind::message, std::string(5000, 'x'));
    const bool is_writable = journal->is_writable();
    const bool fits = append(*journal, std::string(1000, 'y'));
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    std::signal(SIGXFSZ, handler);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().fault, Fault::unavailable);
    EXPECT_FALSE(is_writable);
    EXPECT_TRUE(fits);
    EXPECT_TRUE(append(*journal, "z"));
    EXPECT_EQ(read_all(folder.path()), (Texts{std::string(1000, 'y'), "z"}));
}

TEST(Journal, KilledAtAnyMomentItLosesNothingAcknowledged) {
    if (!store::can_fork()) GTEST_SKIP() << "other threads are running";
    for (int round = 0; round < 15; ++round) {
        const TemporaryFolder folder;
        const auto said =
            store::run_and_kill(static_cast<useconds_t>(500 + round * 977), [&](const auto& say) {
                auto journal = must_open({.folder = folder.path(), .segment_bytes = 50'000});
                for (int i = 0;; ++i) {
                    const auto text = std::to_string(i);
                    if (!append(*journal, text + std::string(static_cast<std::size_t>(i * 37 % 9000), '.')))
                        ::_exit(2);
                    say(text + "\n");
                }
            });
        (void)must_open({.folder = folder.path()});
        std::multiset<std::string> found;
        for (const auto& text : read_all(folder.path())) found.insert(text.substr(0, text.find('.')));
        std::size_t acknowledged = 0;
        for (const auto& line : store::lines_of(said)) {
            ++acknowledged;
            EXPECT_EQ(found.count(line), 1U) << line << " in round " << round;
        }
        EXPECT_LE(found.size(), acknowledged + 1) << "one may have been written and not said";
    }
}

}  // namespace
}  // namespace gatehouse::record
