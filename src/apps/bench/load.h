// The load generator of `bench smtp`: N sessions at once, each one message after another, MAIL, RCPT and DATA
// in one go as sending servers do it. One thread, one epoll; runs in a process of its own.
#pragma once

#include "apps/bench/board.h"
#include "base/ip_address.h"

namespace gatehouse::apps {

struct Load {
    base::Endpoint to{};             ///< IPv4
    std::size_t sessions = 1;        ///< at once
    std::size_t messages = 1;        ///< in all; room for as many numbers in the board
    std::size_t bytes = 5'000;       ///< of a message
    std::size_t per_connection = 1;  ///< messages before QUIT
    std::uint64_t first_number = 0;  ///< no two messages of a bench have the same
    std::string recipient = "recipient@example.com";
};

/// Sends until `messages` were accepted. The numbers of the board are microseconds from MAIL to the last
/// reply. What is refused is sent again; too many refusals or a minute without any answer are an error.
base::Result<void> send_load(const Load& load, const Shared<LoadBoard>& board);

}  // namespace gatehouse::apps
