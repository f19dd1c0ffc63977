// The server's side of SMTP for the sink of `bench smtp`: takes everything, keeps nothing. Pure: bytes in,
// replies out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::apps {

class SinkTalk {
  public:
    static constexpr std::string_view kGreeting = "220 sink.test ESMTP\r\n";

    /// Appends the replies that `bytes` call for, pipelined commands included. Nothing is taken after QUIT.
    void feed(std::string_view bytes, std::string& replies);
    std::uint64_t messages() const { return messages_; }
    bool is_over() const { return is_over_; }

  private:
    void command(std::string_view line, std::string& replies);
    /// How many of the bytes belong to the message; npos = all, and it goes on.
    std::size_t end_of_message(std::string_view bytes) const;

    std::string line_;  // a command that has not ended yet
    std::string tail_;  // the last bytes of the message, at most 4
    bool in_message_ = false;
    bool is_over_ = false;
    std::uint64_t messages_ = 0;
};

}  // namespace gatehouse::apps
