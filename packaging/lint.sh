#!/bin/bash
# Format check over every source, then clang-tidy-19 over what a Clang build without precompiled headers compiles.
# packaging/lint.sh [FILE ...] limits clang-tidy to the named sources.
set -eu
cd "$(dirname "$0")/.."
mapfile -t sources < <(git ls-files 'src/*.h' 'src/*.cc' 'tests/*.h' 'tests/*.cc')
clang-format-19 --dry-run --Werror "${sources[@]}"
echo "format: ${#sources[@]} files are clean"
cmake --preset tidy > /dev/null
cmake --build --preset tidy --target gatehouse_generated
mapfile -t units < <(if [ $# -gt 0 ]; then printf '%s\n' "$@"; else git ls-files 'src/*.cc' | grep -v _test.cc; fi)
printf '%s\n' "${units[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy-19 --quiet -p build/tidy
echo "tidy: ${#units[@]} files are clean"
