// Messages that are made instead of written: large, nested or carrying the EICAR test string, which must not
// stand in the repository. In a message section, a sole line `generate NAME args` makes the whole message;
// {eicar}, {eicar:base64} and {eicar:qp} are replaced inside written ones.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace gatehouse::cases {

/// CRLF line ends; Fault::usage for an unknown generator.
base::Result<std::string> make_message(std::string_view section);

}  // namespace gatehouse::cases
