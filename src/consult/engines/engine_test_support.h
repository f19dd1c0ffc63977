// For the tests of this module: a loop that runs one coroutine to its end, files in memory, a folder of its
// own.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/digest.h"
#include "base/fd.h"
#include "consult/asker.h"
#include "consult/engines/clamd_engine.h"
#include "ipc/memfd.h"
#include "net/asio.h"

namespace gatehouse::consult::engines {

inline base::Fd sealed(std::string_view content) {
    auto file = ipc::Memfd::make("test").value();
    EXPECT_TRUE(file.append(content));
    return std::move(file).seal().value();
}

inline Subject subject_of(const base::Fd& file, std::string_view content) {
    return {.fd = file.get(), .size = content.size(), .sha256 = base::sha256(content)};
}

class TestFolder {
  public:
    TestFolder() {
        static int count = 0;
        path_ = std::filesystem::temp_directory_path() /
                ("gatehouse engine " + std::to_string(::getpid()) + " " + std::to_string(++count));
        std::filesystem::remove_all(path_);
        std::filesystem::create_directories(path_);
    }
    ~TestFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TestFolder(const TestFolder&) = delete;
    TestFolder& operator=(const TestFolder&) = delete;
    std::string operator/(std::string_view name) const { return (path_ / name).string(); }
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

/// Runs the loop until the task has ended; other coroutines that were spawned go on meanwhile.
template <typename T>
T run(net::Io& io, net::Task<T> task) {
    std::optional<T> out;
    net::asio::co_spawn(io, std::move(task), [&out](const std::exception_ptr& error, T value) {
        if (error) std::rethrow_exception(error);
        out = std::move(value);
    });
    io.restart();
    while (!out && io.run_one() > 0) {
    }
    return std::move(out).value();
}
inline void run(net::Io& io, net::Task<void> task) {
    bool done = false;
    net::asio::co_spawn(io, std::move(task), [&done](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
        done = true;
    });
    io.restart();
    while (!done && io.run_one() > 0) {
    }
}

inline ClamdEngine::Options test_options(std::string socket) {
    ClamdEngine::Options out;
    out.socket = std::move(socket);
    out.max_file_bytes = 1 << 20;
    out.slots = 2;
    out.waiting = 4;
    out.cache = {.entries = 1000, .bytes = 1 << 20, .age = std::chrono::hours(1)};
    return out;
}

}  // namespace gatehouse::consult::engines
