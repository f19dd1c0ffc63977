#include "consult/engines/database_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "base/fd.h"
#include "consult/engines/clamd_config.h"
#include "consult/engines/clamd_reply.h"

namespace gatehouse::consult::engines {

namespace fs = std::filesystem;
using base::Fault;
using base::Result;

namespace {

constexpr std::size_t kMaxFiles = 1000;
constexpr unsigned kFolderMode = 0755;  // the engine's uid reads it; there is nothing secret in it
constexpr unsigned kFileMode = 0644;

std::optional<CvdHeader> read_header(int fd) {
    std::array<char, kCvdHeaderSize> bytes{};
    const ssize_t got = ::pread(fd, bytes.data(), bytes.size(), 0);
    if (got != static_cast<ssize_t>(bytes.size())) return std::nullopt;
    return parse_cvd_header(std::string_view(bytes.data(), bytes.size()));
}

/// Nullopt for what is no readable regular file.
std::optional<DatabaseFile> look_at(const fs::path& path) {
    const base::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat info{};
    if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
    DatabaseFile out;
    out.name = path.filename().string();
    out.size = static_cast<std::uint64_t>(info.st_size);
    const auto changed =
        std::chrono::seconds(info.st_mtim.tv_sec) + std::chrono::nanoseconds(info.st_mtim.tv_nsec);
    out.changed = base::WallTime(std::chrono::floor<std::chrono::microseconds>(changed));
    out.header = read_header(fd.get());
    return out;
}

Result<void> link_files(const std::string& folder, const std::string& operator_folder,
                        const DatabaseSet& set) {
    std::error_code error;
    const auto from = fs::absolute(operator_folder, error);
    for (const auto& file : set.files) {
        fs::create_symlink(from / file.name, fs::path(folder) / file.name, error);
        if (error) {
            return base::fail(Fault::unavailable, "cannot link the database {} into {}: {}", file.name,
                              folder, error.message());
        }
    }
    return {};
}

Result<void> open_to_readers(const std::string& path, unsigned mode) {
    if (::chmod(path.c_str(), mode) == 0) return {};  // whatever our umask is
    return base::fail_errno(Fault::unavailable, fmt::format("cannot set the mode of {}", path), errno);
}

/// `db.*` folders but the present one and the one before, which the engine may just be reading.
void remove_others(const std::string& engine_folder, const std::string& kept, const std::string& before) {
    std::error_code error;
    const std::string prefix = std::string(kClamdDatabase) + ".";
    std::vector<fs::path> old;
    for (const auto& entry : fs::directory_iterator(engine_folder, error)) {
        const auto name = entry.path().filename().string();
        if (name.starts_with(prefix) && name != kept && name != before) old.push_back(entry.path());
    }
    for (const auto& path : old) fs::remove_all(path, error);
}

}  // namespace

DatabaseSet survey_database(const std::string& operator_folder) {
    std::vector<DatabaseFile> files;
    std::string problem;
    std::size_t refused = 0;
    if (!operator_folder.empty()) {
        std::error_code error;
        fs::directory_iterator entries(operator_folder, error);
        for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
            if (!is_database_name(entries->path().filename().string())) continue;
            auto file = files.size() < kMaxFiles ? look_at(entries->path()) : std::nullopt;
            if (file) {
                files.push_back(std::move(*file));
            } else {
                ++refused;
            }
        }
        if (error) problem = fmt::format("antivirus.database {}: {}", operator_folder, error.message());
    }
    if (problem.empty() && refused > 0) {
        problem = fmt::format("{} files of {} could not be taken", refused, operator_folder);
    } else if (problem.empty() && files.empty() && !operator_folder.empty()) {
        problem = fmt::format("antivirus.database {} holds no database", operator_folder);
    }
    auto set = make_database_set(std::move(files));
    set.problem = std::move(problem);
    return set;
}

Result<bool> install_database(const std::string& engine_folder, const std::string& operator_folder,
                              const DatabaseSet& set) {
    const std::string name = std::string(kClamdDatabase) + "." + to_string_generation(set.generation);
    const std::string link = engine_folder + "/" + std::string(kClamdDatabase);
    const std::string target = engine_folder + "/" + name;
    std::error_code error;
    const std::string own_file = target + "/" + std::string(kOwnSignatureFile);
    const std::string before = fs::read_symlink(link, error).string();
    if (before == name && fs::exists(own_file, error)) return false;
    fs::remove_all(target, error);
    GATEHOUSE_CHECK(base::make_folders(target, kFolderMode));
    GATEHOUSE_CHECK(link_files(target, operator_folder, set));
    // Last, because its presence says that the folder is whole.
    GATEHOUSE_CHECK(base::replace_file(own_file, own_signatures(set.generation), kFileMode));
    GATEHOUSE_CHECK(open_to_readers(own_file, kFileMode));
    GATEHOUSE_CHECK(open_to_readers(target, kFolderMode));
    const std::string fresh = link + ".new";
    fs::remove_all(fresh, error);
    fs::create_symlink(name, fresh, error);
    if (!error) fs::rename(fresh, link, error);
    if (error) return base::fail(Fault::unavailable, "cannot make {}: {}", link, error.message());
    remove_others(engine_folder, name, before);
    return true;
}

}  // namespace gatehouse::consult::engines
