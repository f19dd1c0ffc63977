// Header values: types, parameters, encoded words, addresses, transfer encodings. The first byte chooses the
// reader.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/text.h"
#include "inspect/mime/address.h"
#include "inspect/mime/content_type.h"
#include "inspect/mime/decode.h"
#include "inspect/mime/encoded_word.h"
#include "inspect/mime/header.h"
#include "message/charset.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::inspect::mime;

void require(bool promise) {
    if (!promise) std::abort();
}

void check_parameters(const std::vector<Parameter>& parameters) {
    for (const Parameter& parameter : parameters) {
        if (parameter.name == "boundary") continue;  // bytes
        require(base::is_valid_utf8(parameter.value));
        for (const std::string& other : parameter.other_readings) require(base::is_valid_utf8(other));
    }
}

void check_addresses(std::string_view value) {
    const AddressList list = parse_address_list(value, 50);
    require(list.mailboxes.size() <= 50);
    for (const Mailbox& mailbox : list.mailboxes) {
        require(base::is_valid_utf8(mailbox.name));
        require(mailbox.local_part().size() + mailbox.domain().size() <= mailbox.address.size());
    }
}

void check_charset(std::string_view value) {
    const std::size_t end = value.find('\n');
    const std::string_view bytes = end == std::string_view::npos ? std::string_view() : value.substr(end + 1);
    message::charset_name(value.substr(0, end));
    for (const std::size_t limit : {std::size_t{7}, std::size_t{4096}}) {
        const auto text = message::to_utf8(bytes, value.substr(0, end), limit);
        require(!text || (text->text.size() <= limit && base::is_valid_utf8(text->text)));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view value(reinterpret_cast<const char*>(data) + 1, size - 1);
    ParseNotes notes;
    switch (data[0] % 6) {
        case 0:
            check_parameters(parse_content_type(value, notes).parameters);
            break;
        case 1:
            check_parameters(parse_disposition(value, notes).parameters);
            break;
        case 2:
            parse_transfer_encoding(value, notes);
            break;
        case 3: {
            const std::string text = decode_encoded_words(value);
            require(base::is_valid_utf8(text) && text.size() <= 4 * value.size() + 4);
            break;
        }
        case 4:
            check_addresses(value);
            break;
        default:
            check_charset(value);
            break;
    }
    require(unfold(value).size() <= value.size());
    return 0;
}
