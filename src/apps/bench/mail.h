// The mail that `bench smtp` sends: ordinary text with a link now and then, and from 8,000 bytes on a picture
// as attachment. No two are alike, so nobody answers from a memory of verdicts. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace gatehouse::apps {

inline constexpr std::size_t kSmallestMail = 500;
inline constexpr std::size_t kLargestMail = 50'000'000;

/// Exactly that many bytes (kSmallestMail at least), CRLF lines of at most 998, none beginning with a dot.
std::string make_mail(std::size_t bytes);
/// Writes `number` into the Message-ID and into the text; the size stays.
void stamp_mail(std::string& mail, std::uint64_t number);

}  // namespace gatehouse::apps
