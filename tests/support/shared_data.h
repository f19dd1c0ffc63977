// Corpora and vectors that are too big or too foreign to stand in this repository. They are found at run time
// in the folder named by GATEHOUSE_SHARED, else in `shared` beside the source root (tests run from there);
// without it tests that want them are skipped. Each such test says how many cases it ran, or had to skip:
// ./test prints the sum.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::test {

/// The file below the shared folder, when it is there.
std::optional<std::filesystem::path> shared_file(const std::string& relative_path);

/// Adds to the sum that ./test prints; `name` is unique to the test.
void count_shared_cases(const std::string& name, std::size_t cases);

/// Calls `use` for each regular file of a zstd-compressed tar, in order. False when the archive cannot be
/// read.
bool for_each_file(const std::filesystem::path& tar_zst,
                   const std::function<void(const std::string& name, std::string_view bytes)>& use);

}  // namespace gatehouse::test
