// From the files an operator names to a checked Config. Apart from config.cc, because it knows the detectors:
// the roles, which are handed texts, do not link them.
#include <cstdlib>
#include <filesystem>

#include "apps/common/check_machine.h"
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

struct Read {
    std::string text;
    bool is_built_in = false;
};

/// The built-in text stands in for a file that nobody named and that does not exist.
Result<Read> read_or(const ConfigTexts& texts, const std::string& path, std::string_view fallback,
                     const base::Value* named) {
    auto text = base::read_file(path_beside(texts.folder, path), kLargestFile);
    if (text) return Read{*std::move(text), false};
    const bool is_missing = text.error().fault == Fault::not_found;
    if (is_missing && named == nullptr) return Read{std::string(fallback), true};
    return base::fail(Fault::usage, "{}{}", named == nullptr ? "" : named->place().to_string() + ": ",
                      text.error().sentence);
}

Result<ConfigTexts> read_gatehouse(const std::string& path) {
    ConfigTexts texts;
    texts.path = path;
    std::error_code error;
    if (path.empty()) {
        texts.folder = std::filesystem::current_path(error).string();
        return texts;
    }
    auto text = base::read_file(path, kLargestFile);
    if (!text) return base::fail(Fault::usage, "{}", text.error().sentence);
    texts.gatehouse = std::move(*text);
    texts.folder = std::filesystem::absolute(path, error).parent_path().string();
    return texts;
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

namespace {

Result<Config> load(const std::string& path) {
    GATEHOUSE_TRY(auto texts, read_gatehouse(path));
    PathSettings paths;
    GATEHOUSE_TRY(const auto tree,
                  settings::text::parse(texts.gatehouse, path.empty() ? settings::text::kBuiltIn : path));
    GATEHOUSE_CHECK(catalogue().check(File::gatehouse, tree));
    GATEHOUSE_CHECK(base::fill_from(kPathTable, tree, &paths));
    GATEHOUSE_TRY(auto settings, read_or(texts, paths.settings, decide::default_settings_text(),
                                         base::find_path(tree, "paths.settings")));
    GATEHOUSE_TRY(auto policy, read_or(texts, paths.policy, decide::default_policy_text(),
                                       base::find_path(tree, "paths.policy")));
    texts.settings = std::move(settings.text);
    texts.settings_is_built_in = settings.is_built_in;
    texts.policy = std::move(policy.text);
    texts.policy_is_built_in = policy.is_built_in;
    GATEHOUSE_TRY(auto config, Config::read(std::move(texts), inspect::engine::all_evidence()));
    GATEHOUSE_CHECK(check_machine(config));
    return config;
}

/// Whatever is wrong with a configuration is the operator's to mend.
Result<Config> as_usage(Result<Config> loaded) {
    if (!loaded && loaded.error().fault != Fault::internal) loaded.error().fault = Fault::usage;
    return loaded;
}

}  // namespace

Result<Config> load_config(const std::string& path) {
    return as_usage(load(path));
}

Result<Config> load_places(const std::string& path) {
    GATEHOUSE_TRY(auto texts, read_gatehouse(path));
    return as_usage(Config::read_places(std::move(texts)));
}

}  // namespace gatehouse::apps
