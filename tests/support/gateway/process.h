// Runs programs for tests: with a time limit, and with what they printed.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace gatehouse::testing {

struct Finished {
    int exit_code = -1;  ///< 128 + signal when killed, -1 when it did not end in time
    std::string out;
    std::string err;
};

Finished run_program(const std::vector<std::string>& words, const std::string& input = {}, int seconds = 120);

/// An empty folder of its own, removed with everything in it at the end of its life.
class TemporaryFolder {
  public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

/// The folder of the programs under test: GATEHOUSE_BIN, else what the build says.
std::string program_folder();

}  // namespace gatehouse::testing
