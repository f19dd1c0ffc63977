// Opens encrypted zip members with a password that is known: PKWARE's traditional cipher (APPNOTE 6.1) and
// WinZip's AES (AE-1, AE-2). Used by inspect/open with words of the message's text. The adapter of OpenSSL's
// PBKDF2, AES and HMAC for this. Pure, thread-safe; a try of a traditional cipher costs microseconds, one of
// AES 1,000 rounds of PBKDF2 (some 0.5 ms), as its format has it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "inspect/format/zip.h"

namespace gatehouse::inspect::format {

/// Packed data without its encryption, where the password's check passes; a traditional check lets one wrong
/// password in 256 pass, which the checksum of the content then shows.
std::optional<std::string> decrypt_zip_data(std::string_view packed, const ZipMember& member,
                                            std::string_view password);

}  // namespace gatehouse::inspect::format
