// inspect/find's reading of expressions (not Hyperscan, which compiles in a process of its own), and the
// matching of a fixed list in any text.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "inspect/find/expression_syntax.h"
#include "inspect/find/expressions.h"

namespace {

using namespace gatehouse;

const inspect::find::Expressions& fixed_list() {
    static const auto kLoaded = [] {
        message::ExpressionList list{"x", message::ListMatch::any, 1, 15, {}, {}};
        for (const auto* pattern : {"\\bcaf\xC3\xA9\\b", "a.*b", "\\bfoo|bar\\b", "^x", "[a-z]{3,9}\\b"})
            list.expressions.push_back({pattern, 1, false, "", {}});
        const auto payload = inspect::find::compile_expressions({&list, 1});
        if (!payload) std::abort();
        auto loaded = inspect::find::Expressions::load(*payload);
        if (!loaded) std::abort();
        return std::move(*loaded);
    }();
    return kLoaded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto& form : inspect::find::forms_of(text)) {
        if (form.literal > size || form.pattern.size() > 2 * size + 16) std::abort();
    }
    inspect::find::ExpressionScan scan(&fixed_list());
    scan.add(message::TextField::body, "1", text);
    message::Facts facts;
    scan.finish(facts);
    return 0;
}
