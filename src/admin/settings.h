// The `admin` table of gatehouse.toml.
#pragma once

#include <array>
#include <string>

#include "base/field_table.h"
#include "base/ip_address.h"

namespace gatehouse::admin {

struct AdminSettings {
    std::string listen = "127.0.0.1:8445";
};

inline base::Result<void> check_listen(std::string_view text) {
    if (text == "off") return {};
    GATEHOUSE_CHECK(base::Endpoint::parse(text));
    return {};
}

inline constexpr std::array kAdminFields = {
    base::field<&AdminSettings::listen>(
        "listen", "address:port of health, metrics and status over HTTPS; \"off\" = none",
        {.check = check_listen}),
};
inline constexpr base::FieldTable kAdminTable =
    base::make_table<AdminSettings>("admin", "the console's and API's address", kAdminFields);

}  // namespace gatehouse::admin
