// Rewriting any bytes by any plan: the body stays byte for byte, removed fields are gone, a plan without
// effect gives the same bytes. Input: kind, length of name, length of text (a byte each), name, text,
// message.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.h"
#include "inspect/mime/parser.h"
#include "inspect/rewrite/rewrite.h"

namespace {

using namespace gatehouse;
using Kind = message::HeaderEdit::Kind;

std::string_view take(std::string_view& input, std::size_t length) {
    const auto out = input.substr(0, length);
    input.remove_prefix(out.size());
    return out;
}

void check(std::string_view raw, const message::HeaderEdit& edit, std::string_view out) {
    const auto before = inspect::mime::parse_header(raw);
    const auto body = raw.substr(before.root().header.end);
    if (!out.ends_with(body)) std::abort();
    const auto after = inspect::mime::parse_header(out);
    if (out.size() - after.root().header.end != body.size()) std::abort();
    if (edit.kind == Kind::remove_named && after.headers().count(edit.name) != 0) std::abort();
    if (edit.kind == Kind::append &&
        after.headers().count(edit.name) != before.headers().count(edit.name) + 1) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    if (input.size() < 3) return 0;
    message::HeaderEdit edit;
    edit.kind = static_cast<Kind>(static_cast<unsigned char>(input[0]) % 6);
    const std::size_t name_length = static_cast<unsigned char>(input[1]) % 32;
    const std::size_t text_length = static_cast<unsigned char>(input[2]);
    input.remove_prefix(3);
    edit.name = take(input, name_length);
    edit.text = take(input, text_length);
    const std::string raw(input);
    const auto done = inspect::rewrite::rewrite(raw, {{edit}});
    if (!done) return 0;
    const std::string out = done->header + std::string(done->body);
    if (done->size() != out.size()) std::abort();
    // Fields beyond the parser's limits are kept by both readings, but not counted.
    if (raw.size() < 100'000) check(raw, edit, out);
    const auto unchanged = inspect::rewrite::rewrite(raw, {{{Kind::remove_named, "No-Such-Field-Here", ""}}});
    if (!unchanged || std::string(unchanged->header) + std::string(unchanged->body) != raw) {
        if (raw.find("No-Such-Field-Here") == std::string::npos) std::abort();
    }
    return 0;
}
