// Replies of a next hop, read from hostile bytes: multi-line form and enhanced status codes (RFC 5321 4.2,
// RFC 2034). Used by the client machine; the walk hands Reply on to our own client through for_client().
// Pure. A reply is bounded in line length, lines and bytes; what breaks a bound or the grammar is
// Fault::malformed and stays so.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gatehouse::act::delivery {

struct Reply {
    int code = 0;          ///< 200 to 599
    std::string enhanced;  ///< "5.1.1", or empty when the hop gave none that fits the code
    std::string
        text;  ///< without code and enhanced code; lines joined with '\n'; any bytes but NUL, CR and LF
    bool ours = false;  ///< made by us without asking the hop, e.g. 550 5.6.7

    bool is_positive() const { return code / 100 == 2; }
    bool is_transient() const { return code / 100 == 4; }
    bool is_permanent() const { return code / 100 == 5; }
    /// One line for tracking: "450 4.2.0 try later"; printable ASCII, at most about 400 bytes.
    std::string to_string() const;
    /// What our own client may be told: one printable line with an enhanced code always present, and 421,
    /// which would close our session instead of the hop's, turned into 451.
    Reply for_client() const;
};

/// A reply of our own making.
Reply make_own_reply(int code, std::string_view enhanced, std::string_view text);

class ReplyParser {
  public:
    static constexpr std::size_t kMaxLine = 2048;  ///< RFC 5321 4.5.3.1.5 asks for 512
    static constexpr std::size_t kMaxLines = 128;
    static constexpr std::size_t kMaxBytes = 32 * 1024;

    /// Takes bytes off the front of `bytes` until one reply is complete; nullopt = all taken, more needed.
    base::Result<std::optional<Reply>> take(std::string_view& bytes);
    /// True in the middle of a reply.
    bool has_partial() const { return !line_.empty() || lines_ > 0; }

  private:
    base::Result<bool> take_line(std::string_view line);
    base::Result<void> add_text(std::string_view text);

    std::string line_;  // an incomplete line
    Reply reply_;       // lines so far
    std::size_t lines_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace gatehouse::act::delivery
