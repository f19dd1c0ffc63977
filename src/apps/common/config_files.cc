// From the files an operator names to a checked Config. Apart from config.cc, because it knows the detectors:
// the roles, which are handed texts, do not link them.
#include <cstdlib>
#include <filesystem>

#include "apps/common/config.h"
#include "base/fd.h"
#include "decide/default_policy.h"
#include "inspect/engine/catalogue.h"
#include "settings/text/parse.h"

namespace gatehouse::apps {

using base::Fault;
using base::Result;
using settings::text::File;

namespace {

constexpr std::size_t kLargestFile = settings::text::kMaxText;

Result<std::string> read_or(const std::string& path, std::string_view fallback) {
    auto text = base::read_file(path, kLargestFile);
    if (!text && text.error().fault == Fault::not_found) return std::string(fallback);
    return text;
}

}  // namespace

std::string find_config(const std::string& named) {
    if (!named.empty()) return named;
    if (const char* path = std::getenv("GATEHOUSE_CONFIG"); path != nullptr && *path != '\0') return path;
    for (const char* path : {"gatehouse.toml", "var/gatehouse.toml", "/etc/gatehouse/gatehouse.toml"}) {
        std::error_code error;
        if (std::filesystem::exists(path, error)) return path;
    }
    return {};
}

Result<Config> load_config(const std::string& path) {
    ConfigTexts texts;
    texts.path = path;
    if (!path.empty()) {
        auto text = base::read_file(path, kLargestFile);
        if (!text) return base::fail(Fault::usage, "{}", text.error().sentence);
        texts.gatehouse = std::move(*text);
        std::error_code error;
        texts.folder = std::filesystem::absolute(path, error).parent_path().string();
    } else {
        texts.folder = std::filesystem::current_path().string();
    }
    PathSettings paths;
    GATEHOUSE_TRY(const auto tree, settings::text::parse(texts.gatehouse, path.empty() ? "built-in" : path));
    GATEHOUSE_CHECK(catalogue().check(File::gatehouse, tree));
    GATEHOUSE_CHECK(base::fill_from(kPathTable, tree, &paths));
    GATEHOUSE_TRY(texts.settings,
                  read_or(path_beside(texts.folder, paths.settings), decide::default_settings_text()));
    GATEHOUSE_TRY(texts.policy,
                  read_or(path_beside(texts.folder, paths.policy), decide::default_policy_text()));
    return Config::read(std::move(texts), inspect::engine::all_evidence());
}

}  // namespace gatehouse::apps
