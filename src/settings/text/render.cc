#include "settings/text/render.h"

#include <fmt/format.h>

#include "settings/text/later.h"
#include "settings/text/parse.h"

namespace gatehouse::settings::text {
namespace {

using base::Field;
using base::FieldTable;
using base::Value;

constexpr std::string_view kMask = "\"********\"";

std::string bracketed(std::string_view name, bool is_array) {
    return is_array ? fmt::format("[[{}]]", name) : fmt::format("[{}]", name);
}

std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '|') out += '\\';
        out += c;
    }
    return out;
}

std::string_view reload_words(const Field& field) {
    return field.options.reload == base::Reload::live ? "reload" : "restart";
}

/// Each table once, with all entries that bring keys to it.
std::vector<std::vector<const Entry*>> tables_of(const Catalogue& catalogue, File file) {
    std::vector<std::vector<const Entry*>> out;
    for (const auto& entry : catalogue.entries()) {
        auto all = catalogue.find(file, entry.table->name);
        if (!all.empty() && all.front() == &entry) out.push_back(std::move(all));
    }
    return out;
}

void write_fields(std::string& out, const FieldTable& table) {
    const auto defaults = base::defaults_of(table);
    for (std::size_t i = 0; i < table.fields.size(); ++i) {
        const auto& field = table.fields[i];
        const std::string value = field.options.secret ? "(secret)" : defaults.at(i).to_string();
        out += fmt::format("| `{}` | {} | {} | `{}` | {} |\n", field.name, cell(field.help),
                           cell(base::describe(field)), cell(value), reload_words(field));
    }
}

void write_table(std::string& out, const std::vector<const Entry*>& entries) {
    const auto& table = *entries.front()->table;
    out += fmt::format("\n### {}\n\n{}\n\n", bracketed(table.name, table.is_array), table.help);
    out += "| key | meaning | allowed | default | counts from |\n|---|---|---|---|---|\n";
    for (const Entry* entry : entries) write_fields(out, *entry->table);
}

std::string off_words(const LaterKey& key) {
    return key.off.empty() ? cell(base::describe(key.field)) : fmt::format("only `{}`", key.off);
}

/// A table that is built in part: which of its keys there are.
std::string but_for(const Catalogue& catalogue, const LaterTable& table) {
    std::string out;
    for (const Entry* entry : catalogue.find(table.file, table.name)) {
        for (const auto& name : entry->table->names())
            out += fmt::format("{}`{}`", out.empty() ? "" : ", ", name);
    }
    return out;
}

void write_later(std::string& out, const Catalogue& catalogue) {
    out +=
        "\n## Not in this version\n\nThese keys are known and may stand in a file as long as they switch "
        "nothing on.\n\n| file | key | accepted |\n|---|---|---|\n";
    for (const auto& table : later_tables()) {
        const auto file = file_name(table.file);
        if (const auto built = but_for(catalogue, table); !built.empty()) {
            out += fmt::format("| {} | `{}`: every key but {} ({} not in this version) | nothing |\n", file,
                               bracketed(table.name, table.is_array), built, table.title);
        } else if (table.keys.empty()) {
            out += fmt::format("| {} | `{}` | nothing |\n", file, bracketed(table.name, table.is_array));
        }
        for (const auto& key : table.keys) {
            out += fmt::format("| {} | `{}.{}` | {} |\n", file, table.name, key.field.name, off_words(key));
        }
    }
}

/// [[rule.then]] stands inside [[rule]] and is shown with it.
class Shower {
  public:
    explicit Shower(std::vector<const Entry*> entries) : entries_(std::move(entries)) {}

    std::string text(const Value& tree) {
        const auto& table = *entries_.front()->table;
        const Value* at = base::find_path(tree, table.name);
        if (!table.is_array) {
            out_ += fmt::format("\n[{}]\n", table.name);
            fields(at);
            return std::move(out_);
        }
        if (at == nullptr || at->array() == nullptr || at->array()->empty()) {
            return fmt::format("\n# [[{}]]: none\n", table.name);
        }
        for (const auto& member : *at->array()) {
            out_ += fmt::format("\n[[{}]]  # {}\n", table.name, member.place().to_string());
            entries_.front()->checked_elsewhere ? as_written(member) : fields(&member);
        }
        return std::move(out_);
    }

  private:
    void fields(const Value* given) {
        for (const Entry* entry : entries_) {
            const auto defaults = base::defaults_of(*entry->table);
            for (std::size_t i = 0; i < defaults.size(); ++i) {
                const auto& field = entry->table->fields[i];
                const Value* value = given == nullptr ? nullptr : given->find(field.name);
                line(field, value == nullptr ? defaults[i] : *value, value != nullptr);
            }
        }
    }

    void line(const Field& field, const Value& value, bool is_given) {
        const bool is_masked = field.options.secret && value.to_string() != "\"\"";
        out_ += fmt::format("{} = {}  # {}\n", field.name, is_masked ? std::string(kMask) : value.to_string(),
                            is_given ? value.place().to_string() : kBuiltIn);
    }

    void as_written(const Value& member) {
        if (member.table() == nullptr) return;
        for (const auto& [key, value] : *member.table()) {
            out_ += fmt::format("{} = {}\n", key, value.to_string());
        }
    }

    std::vector<const Entry*> entries_;
    std::string out_;
};

}  // namespace

std::string reference(const Catalogue& catalogue) {
    std::string out =
        "# Settings\n\nA number whose unit is named counts in that unit, and may be written with one of its "
        "own "
        "instead, in quotes: \"30 MiB\" (B, KiB, MiB, GiB, kB, MB, GB), \"10 min\" (ms, s, min, h, d). Where "
        "a "
        "list is wanted a single string will do. Relative paths count from the folder of gatehouse.toml. "
        "Changed "
        "values count from `gatehouse reload` or, where it says restart, from `gatehouse restart all`.\n";
    for (const File file : kFiles) {
        out += fmt::format("\n## {}\n", file_name(file));
        for (const auto& entries : tables_of(catalogue, file)) write_table(out, entries);
    }
    write_later(out, catalogue);
    return out;
}

std::vector<ReferenceKey> reference_keys(const Catalogue& catalogue) {
    std::vector<ReferenceKey> out;
    for (const auto& entry : catalogue.entries()) {
        const auto defaults = base::defaults_of(*entry.table);
        for (std::size_t i = 0; i < entry.table->fields.size(); ++i) {
            const auto& field = entry.table->fields[i];
            out.push_back({entry.file, std::string(entry.table->name), std::string(field.name),
                           std::string(field.help), base::describe(field),
                           field.options.secret ? Value() : defaults.at(i), field.options.reload,
                           field.options.secret, false});
        }
    }
    for (const auto& table : later_tables()) {
        for (const auto& key : table.keys) {
            out.push_back({table.file, std::string(table.name), std::string(key.field.name),
                           fmt::format("{} not in this version", table.title),
                           key.off.empty() ? base::describe(key.field) : fmt::format("only {}", key.off),
                           Value(), base::Reload::restart, false, true});
        }
    }
    return out;
}

std::string show(const Catalogue& catalogue, const Trees& trees) {
    std::string out;
    for (const File file : kFiles) {
        out += fmt::format("{}# {}\n", out.empty() ? "" : "\n", file_name(file));
        for (auto& entries : tables_of(catalogue, file)) {
            if (catalogue.is_inside_an_array(file, entries.front()->table->name)) continue;
            out += Shower(std::move(entries)).text(trees.of(file));
        }
    }
    return out;
}

std::vector<ShownKey> shown_keys(const Catalogue& catalogue, const Trees& trees) {
    std::vector<ShownKey> out;
    const auto add_fields = [&](const Entry& entry, const std::string& name, const Value* given) {
        const auto defaults = base::defaults_of(*entry.table);
        for (std::size_t i = 0; i < defaults.size(); ++i) {
            const auto& field = entry.table->fields[i];
            const Value* value = given == nullptr ? nullptr : given->find(field.name);
            const bool is_masked = field.options.secret && value != nullptr;
            out.push_back({entry.file, fmt::format("{}.{}", name, field.name),
                           is_masked          ? Value()
                           : value == nullptr ? defaults[i]
                                              : *value,
                           value == nullptr ? std::string(kBuiltIn) : value->place().to_string()});
        }
    };
    for (const auto& entry : catalogue.entries()) {
        const std::string name(entry.table->name);
        if (catalogue.is_inside_an_array(entry.file, name)) continue;
        const Value* at = base::find_path(trees.of(entry.file), name);
        if (!entry.table->is_array) {
            add_fields(entry, name, at);
            continue;
        }
        for (std::size_t i = 0; at != nullptr && at->array() != nullptr && i < at->array()->size(); ++i) {
            const Value& member = at->array()->at(i);
            const std::string full = fmt::format("{}[{}]", name, i);
            if (!entry.checked_elsewhere) {
                add_fields(entry, full, &member);
                continue;
            }
            for (const auto& [key, value] : member.table() != nullptr ? *member.table() : Value::Table())
                out.push_back({entry.file, full + "." + key, value, value.place().to_string()});
        }
    }
    return out;
}

}  // namespace gatehouse::settings::text
