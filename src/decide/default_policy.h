// The policy and settings that are in force where no file says otherwise, as text that people can read and
// start from. `./run` and the package write them; a test makes the policy from them.
#pragma once

#include <string_view>

namespace gatehouse::decide {

std::string_view default_policy_text();
std::string_view default_settings_text();

}  // namespace gatehouse::decide
