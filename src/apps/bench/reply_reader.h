// SMTP replies out of a stream of bytes, for the load generator. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::apps {

struct ReadReply {
    int code = 0;      ///< 0: what came is no SMTP reply
    std::string text;  ///< the lines without code, joined by LF
};

class ReplyReader {
  public:
    void feed(std::string_view bytes) { buffer_.append(bytes); }
    /// The next whole reply, RFC 5321 4.2.1 with its further lines; none = more bytes are needed.
    std::optional<ReadReply> next();
    void clear();

  private:
    std::string buffer_;
    ReadReply begun_;
};

}  // namespace gatehouse::apps
