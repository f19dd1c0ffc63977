// Three-valued truth (Kleene): a condition whose evidence is not known is `unknown`, never a guess.
#pragma once

#include <algorithm>
#include <cstdint>

namespace gatehouse::decide {

enum class Truth : std::uint8_t { no = 0, unknown = 1, yes = 2 };

constexpr Truth either(Truth a, Truth b) {
    return std::max(a, b);
}
constexpr Truth both(Truth a, Truth b) {
    return std::min(a, b);
}
constexpr Truth opposite(Truth a) {
    return static_cast<Truth>(2 - static_cast<int>(a));
}
constexpr Truth known(bool value) {
    return value ? Truth::yes : Truth::no;
}

}  // namespace gatehouse::decide
