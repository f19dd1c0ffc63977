#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

#include "base/fd_passing.h"
#include "ipc/channel.h"
#include "ipc/memfd.h"

namespace gatehouse::ipc {
namespace {

TEST(Memfd, SealedFilesCanBeMappedAndNothingElse) {
    auto file = Memfd::make("test").value();
    ASSERT_TRUE(file.append("Subject: x\r\n"));
    ASSERT_TRUE(file.append("\r\nbody\r\n"));
    const base::Fd sealed = std::move(file).seal().value();
    EXPECT_EQ(Mapping::map(sealed.get(), 100).value().bytes(), "Subject: x\r\n\r\nbody\r\n");
    EXPECT_EQ(::write(sealed.get(), "x", 1), -1);
    EXPECT_EQ(::ftruncate(sealed.get(), 0), -1);
    EXPECT_EQ(Mapping::map(sealed.get(), 5).error().fault, base::Fault::limit);

    const base::Fd open(::memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    EXPECT_EQ(check_sealed(open.get(), 100).error().fault, base::Fault::malformed);
}

TEST(Memfd, EmptyFilesAreFine) {
    const base::Fd sealed = Memfd::make("test").value().seal().value();
    EXPECT_EQ(Mapping::map(sealed.get(), 0).value().bytes(), "");
}

TEST(Memfd, BytesStayWhenTheirViewMovesCopiedOrMapped) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{64} * 1024, std::size_t{64} * 1024 + 1}) {
        const std::string content(size, 'x');
        auto file = Memfd::make("test").value();
        ASSERT_TRUE(file.append(content));
        const base::Fd sealed = std::move(file).seal().value();
        auto first = Mapping::map(sealed.get(), size).value();
        const auto bytes = first.bytes();
        Mapping second = std::move(first);
        EXPECT_TRUE(first.bytes().empty());
        EXPECT_EQ(second.bytes().data(), bytes.data());
        Mapping third;
        third = std::move(second);
        EXPECT_EQ(third.bytes(), content);
    }
}

TEST(Channel, AFrameThatIsHeldGoesAheadOfTheNextOne) {
    auto [left, right] = base::make_socket_pair().value();
    Channel a(std::move(left), 1 << 20);
    Channel b(std::move(right), 1 << 20);
    a.hold("early");
    a.hold("");
    EXPECT_EQ(b.receive(0).error().fault, base::Fault::timed_out);
    const base::Fd one = Memfd::make("one").value().seal().value();
    const std::array<int, 1> fds{one.get()};
    ASSERT_TRUE(a.send("late", fds));
    ASSERT_TRUE(a.send("later"));
    EXPECT_EQ(b.receive().value(), "early");
    EXPECT_EQ(b.receive().value(), "");
    EXPECT_EQ(b.receive().value(), "late");
    EXPECT_TRUE(b.take_fd());
    EXPECT_EQ(b.receive().value(), "later");
}

TEST(Channel, CarriesFramesAndDescriptorsInOrder) {
    auto [left, right] = base::make_socket_pair().value();
    Channel a(std::move(left), 1 << 20);
    Channel b(std::move(right), 1 << 20);
    auto file = Memfd::make("one").value();
    ASSERT_TRUE(file.append("one"));
    const base::Fd one = std::move(file).seal().value();
    const std::array<int, 1> fds{one.get()};
    ASSERT_TRUE(a.send("first", fds));
    ASSERT_TRUE(a.send(""));
    ASSERT_TRUE(a.send("third", fds));
    EXPECT_EQ(b.receive().value(), "first");
    EXPECT_EQ(b.receive().value(), "");
    EXPECT_EQ(b.receive().value(), "third");
    EXPECT_EQ(Mapping::map(b.take_fd().value().get(), 10).value().bytes(), "one");
    EXPECT_TRUE(b.take_fd());
    EXPECT_FALSE(b.take_fd());
}

TEST(Channel, CarriesFramesLargerThanTheSocketBuffer) {
    auto [left, right] = base::make_socket_pair().value();
    Channel a(std::move(left), base::kInspectorFrameLimit);
    Channel b(std::move(right), base::kInspectorFrameLimit);
    const std::string large(5'000'000, 'x');
    std::jthread sender([&] { EXPECT_TRUE(a.send(large)); });
    EXPECT_EQ(b.receive().value(), large);
}

TEST(Channel, BoundsLengthsAndSeesTheEnd) {
    auto [left, right] = base::make_socket_pair().value();
    Channel b(std::move(right), 1000);
    ASSERT_TRUE(base::write_all(left.get(), base::frame_header(1001)));
    EXPECT_EQ(b.receive().error().fault, base::Fault::limit);

    auto [third, fourth] = base::make_socket_pair().value();
    Channel d(std::move(fourth), 1000);
    EXPECT_EQ(d.receive(1).error().fault, base::Fault::timed_out);
    third.reset();
    EXPECT_EQ(d.receive().error().fault, base::Fault::unavailable);
}

TEST(Channel, APeerThatStopsReadingHoldsTheSenderNoLongerThanItsPatience) {
    auto [left, right] = base::make_socket_pair().value();
    Channel a(std::move(left), base::kInspectorFrameLimit);
    const std::string large(5'000'000, 'x');
    EXPECT_EQ(a.send(large, {}, 20).error().fault, base::Fault::timed_out);
    Channel b(std::move(right), base::kInspectorFrameLimit);
    EXPECT_EQ(b.receive(20).error().fault, base::Fault::timed_out) << "half a frame is none";
}

TEST(Channel, AFrameThatFitsIsSentWithinNoTime) {
    auto [left, right] = base::make_socket_pair().value();
    Channel a(std::move(left), 1000);
    Channel b(std::move(right), 1000);
    ASSERT_TRUE(a.send("now", {}, 0));
    EXPECT_EQ(b.receive(0).value(), "now");
}

/// The patience is for the frame, not for each of its pieces.
TEST(Channel, PiecesDoNotRenewThePatience) {
    auto [left, right] = base::make_socket_pair().value();
    Channel b(std::move(right), 1'000'000);
    ASSERT_TRUE(base::write_all(left.get(), base::frame_header(1'000'000)));
    std::atomic<bool> stop{false};
    std::jthread dripping([&, fd = left.get()] {
        while (!stop) {
            (void)base::write_all(fd, "x");
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    });
    EXPECT_EQ(b.receive(50).error().fault, base::Fault::timed_out);
    stop = true;
}

TEST(PeerRights, AreThoseOfRootOurselvesAndTheGroup) {
    constexpr unsigned kGroup = 61840;
    const unsigned other = ::geteuid() + 4321;
    EXPECT_EQ(rights_of({1, 0, 0, {}}, kGroup), PeerRights::change);
    EXPECT_EQ(rights_of({1, ::geteuid(), 0, {}}, kGroup), PeerRights::change);
    EXPECT_EQ(rights_of({1, other, kGroup, {}}, kGroup), PeerRights::read);
    EXPECT_EQ(rights_of({1, other, 5, {4, kGroup}}, kGroup), PeerRights::read) << "a supplementary group";
    EXPECT_EQ(rights_of({1, other, 5, {4, 6}}, kGroup), PeerRights::none);
}

TEST(UnixSockets, TellTheSupplementaryGroupsOfThePeer) {
    std::vector<gid_t> own(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
    ASSERT_GE(::getgroups(static_cast<int>(own.size()), own.data()), 0);
    const auto [left, right] = base::make_socket_pair().value();
    auto told = peer_of(left.get()).value().groups;
    std::sort(told.begin(), told.end());
    std::sort(own.begin(), own.end());
    EXPECT_EQ(told, std::vector<unsigned>(own.begin(), own.end()));
}

TEST(UnixSockets, WorkWithLongPathsAndNameThePeer) {
    const auto folder = std::filesystem::temp_directory_path() /
                        ("gatehouse-ipc-" + std::to_string(::getpid())) / std::string(100, 'd');
    std::filesystem::create_directories(folder);
    const std::string path = folder / "front.sock";
    const base::Fd listener = listen_unix(path, 0600).value();
    const base::Fd client = connect_unix(path).value();
    EXPECT_EQ(peer_of(client.get()).value().pid, ::getpid());
    EXPECT_FALSE(connect_unix(path + ".none"));
    std::filesystem::remove_all(folder.parent_path());
}

}  // namespace
}  // namespace gatehouse::ipc
