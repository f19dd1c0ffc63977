#include "inspect/engine/settings.h"

#include <algorithm>

#include "inspect/engine/settings.pb.h"

namespace gatehouse::inspect::engine {

using base::Fault;
using base::Result;
using base::Value;

namespace {

void write_value(const Value& from, pb::Setting& to) {
    if (const auto* boolean = from.boolean()) to.set_boolean(*boolean);
    if (const auto* integer = from.integer()) to.set_integer(*integer);
    if (const auto* real = from.real()) to.set_real(*real);
    if (const auto* text = from.text()) to.set_text(*text);
    if (const auto* array = from.array()) {
        auto* list = to.mutable_list();
        for (const auto& item : *array) list->add_texts(*item.text());
    }
}

Value read_value(const pb::Setting& from) {
    switch (from.value_case()) {
        case pb::Setting::kBoolean:
            return Value(Value::Data(from.boolean()));
        case pb::Setting::kInteger:
            return Value(Value::Data(std::int64_t{from.integer()}));
        case pb::Setting::kReal:
            return Value(Value::Data(from.real()));
        case pb::Setting::kText:
            return Value(Value::Data(from.text()));
        case pb::Setting::kList: {
            Value::Array list;
            for (const auto& text : from.list().texts()) list.emplace_back(Value::Data(text));
            return Value(Value::Data(std::move(list)));
        }
        case pb::Setting::VALUE_NOT_SET:
            break;
    }
    return {};
}

}  // namespace

base::BudgetLimits Settings::budget() const {
    const auto u32 = [](std::int64_t value) {
        return static_cast<std::uint32_t>(
            std::min<std::int64_t>(value, std::numeric_limits<std::uint32_t>::max()));
    };
    const auto u64 = [](std::int64_t value) { return static_cast<std::uint64_t>(value); };
    return {.max_depth = u32(process.max_depth),
            .max_parts = u32(process.max_parts),
            .max_decoded = u64(process.max_decoded),
            .max_held = u64(process.max_held),
            .max_steps = u64(process.max_steps)};
}

std::vector<BoundTable> bind(Settings& settings) {
    return {{&kProcessTable, &settings.process},
            {&detect::malformed::kTable, &settings.malformed},
            {&detect::loop::kTable, &settings.loop},
            {&open::kTable, &settings.open}};
}

std::string encode_settings(const Settings& settings) {
    pb::InspectorSettings out;
    auto copy = settings;
    for (const auto& [table, object] : bind(copy)) {
        auto* to = out.add_tables();
        to->set_name(std::string(table->name));
        for (const auto& field : table->fields) {
            auto* setting = to->add_settings();
            setting->set_name(std::string(field.name));
            write_value(field.read(object), *setting);
        }
    }
    return out.SerializeAsString();
}

Result<Settings> decode_settings(std::string_view bytes) {
    pb::InspectorSettings in;
    if (bytes.size() > (1U << 20) || !in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        return base::fail(Fault::malformed, "an inspector was started with settings that are none");
    }
    Settings settings;
    const auto known = bind(settings);
    for (const auto& table : in.tables()) {
        const auto at =
            std::ranges::find(known, table.name(), [](const BoundTable& b) { return b.table->name; });
        if (at == known.end()) {
            return base::fail(Fault::usage, "an inspector was started with settings of another version ({})",
                              table.name());
        }
        Value::Table members;
        for (const auto& setting : table.settings())
            members.emplace_back(setting.name(), read_value(setting));
        GATEHOUSE_CHECK(base::fill(*at->table, Value(Value::Data(std::move(members))), at->object));
    }
    return settings;
}

}  // namespace gatehouse::inspect::engine
