// The EICAR anti-malware test string and small containers around content, for tests only. The string stands
// encoded in our sources and is put together at run time, so that no scanner takes the repository or our
// binaries for the test file.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::testing {

/// The 68 bytes.
std::string eicar();

/// RFC 4648 section 4, with a line break every 76 characters.
std::string base64(std::string_view bytes);
/// A zip with one stored member.
std::string stored_zip(std::string_view name, std::string_view content);
/// A mail with one base64 attachment.
std::string mail_with(std::string_view name, std::string_view content);

}  // namespace gatehouse::testing
