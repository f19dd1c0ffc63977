#include "base/fd_passing.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <vector>

#include "base/test_support.h"

namespace gatehouse::base {
namespace {

TEST(FdPassing, ADescriptorThereIsNoRoomForIsALimitOfOursAndTheBytesAreKept) {
    auto [left, right] = make_socket_pair().value();
    const std::array<int, 1> fds{left.get()};
    ASSERT_EQ(send_with_fds(left.get(), "spawned", "", fds).value(), 7U);
    ASSERT_EQ(send_with_fds(left.get(), "again", "", fds).value(), 5U);
    std::array<char, 100> bytes{};
    std::deque<Fd> got;
    {
        const NoDescriptorFree none;
        EXPECT_EQ(receive_with_fds(right.get(), bytes, got).value(), 7U);
    }
    EXPECT_EQ(std::string_view(bytes.data(), 7), "spawned");
    ASSERT_EQ(got.size(), 1U) << "its place is kept, so that the next descriptor is not taken for it";
    EXPECT_FALSE(got.front());
    EXPECT_EQ(take_first(got).error().fault, Fault::limit);
    EXPECT_EQ(receive_with_fds(right.get(), bytes, got).value(), 5U);
    const auto second = take_first(got);
    ASSERT_TRUE(second);
    EXPECT_TRUE(*second);
    EXPECT_EQ(take_first(got).error().fault, Fault::malformed) << "never sent";
}

TEST(FdPassing, TooManyDescriptorsAreThePeersFault) {
    auto [left, right] = make_socket_pair().value();
    constexpr std::size_t kMany = kMaxPassedFds + 10;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMany)> control{};
    char byte = 'x';
    iovec part{&byte, 1};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * kMany);
    const std::vector<int> fds(kMany, left.get());
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size() * sizeof(int));
    ASSERT_EQ(::sendmsg(left.get(), &message, 0), 1);
    std::array<char, 100> bytes{};
    std::deque<Fd> got;
    EXPECT_EQ(receive_with_fds(right.get(), bytes, got).error().fault, Fault::malformed);
}

}  // namespace
}  // namespace gatehouse::base
