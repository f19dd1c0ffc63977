#include "inspect/find/expressions.h"

#include <fmt/format.h>
#include <hs.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/text.h"
#include "inspect/find/expression_syntax.h"
#include "inspect/find/expressions.pb.h"
#include "inspect/find/text_urls.h"

namespace gatehouse::inspect::find {

using base::Fault;
using base::Result;
using message::ListMatch;
using message::TextField;

namespace {

constexpr std::size_t kPlacesKept = 3;

struct FreeDatabase {
    void operator()(hs_database_t* database) const { hs_free_database(database); }
};
using Database = std::unique_ptr<hs_database_t, FreeDatabase>;

struct FreeScratch {
    void operator()(hs_scratch_t* scratch) const { hs_free_scratch(scratch); }
};

// Bits of ExpressionListData.forms; the literal's length stands above them.
constexpr std::uint32_t kEndsWord = 1;
constexpr std::uint32_t kBeginsWord = 2;
constexpr unsigned kLiteralShift = 2;

/// Everything that Hyperscan wants to know about one form of an expression.
struct Source {
    ExpressionForm form;
    unsigned flags = 0;
    std::size_t index = 0;  ///< of its expression in all lists
    const message::ExpressionList* list = nullptr;
    const message::Expression* expression = nullptr;
};

std::vector<Source> sources_of(std::span<const message::ExpressionList> lists) {
    std::vector<Source> out;
    std::size_t index = 0;
    for (const auto& list : lists) {
        for (const auto& one : list.expressions) {
            for (auto& form : forms_of(one.pattern)) {
                unsigned flags = HS_FLAG_UTF8 | HS_FLAG_MULTILINE;
                if (!form.needs_check()) flags |= HS_FLAG_SINGLEMATCH;
                if (form.is_unicode) flags |= HS_FLAG_UCP;
                if (!one.case_sensitive) flags |= HS_FLAG_CASELESS;
                out.push_back({std::move(form), flags, index, &list, &one});
            }
            ++index;
        }
    }
    return out;
}

std::unexpected<base::Error> refuse(const Source& source, std::string_view why) {
    const auto place = source.expression->place.to_string();
    const auto& place_or_list = source.expression->place.line == 0 ? source.list->name : place;
    return base::fail(Fault::usage, "{}: the expression \"{}\" is refused: {}", place_or_list,
                      base::printable(source.expression->pattern, 120), why);
}

/// Hyperscan's words, and what to do about them.
std::string advice(std::string_view message) {
    std::string out(message);
    while (out.ends_with('.') || out.ends_with(' ')) out.pop_back();
    if (out.contains("empty buffer")) return "it is found in every text, also in an empty one";
    if (out.contains("Zero-width") || out.contains("Back-references"))
        out += " (write several expressions instead)";
    if (out.contains("too large")) out += " (repeat less, or less within each other)";
    return out;
}

struct FreeError {
    void operator()(hs_compile_error_t* error) const { hs_free_compile_error(error); }
};
using CompileError = std::unique_ptr<hs_compile_error_t, FreeError>;

Result<Database> compile(std::span<const Source> sources) {
    std::vector<const char*> patterns;
    std::vector<unsigned> flags;
    std::vector<unsigned> ids;
    for (const auto& source : sources) {
        patterns.push_back(source.form.pattern.c_str());
        flags.push_back(source.flags);
        ids.push_back(static_cast<unsigned>(ids.size()));
    }
    hs_database_t* raw = nullptr;
    hs_compile_error_t* raw_error = nullptr;
    const auto count = static_cast<unsigned>(sources.size());
    const auto code = hs_compile_multi(patterns.data(), flags.data(), ids.data(), count, HS_MODE_BLOCK,
                                       nullptr, &raw, &raw_error);
    Database database(raw);
    const CompileError error(raw_error);
    if (code == HS_SUCCESS) return database;
    const std::string_view words = error && error->message != nullptr ? error->message : "not enough memory";
    const auto at = error && error->expression >= 0 ? static_cast<std::size_t>(error->expression) : 0;
    const bool is_of_all = !error || error->expression < 0 || words.contains("memory");
    if (is_of_all && count > 1) return base::fail(Fault::limit, "the expressions together: {}", words);
    return refuse(sources[at], advice(words));
}

/// Words alone are never a danger.
Result<void> try_alone(const Source& source) {
    if (source.form.literal != 0) return {};
    GATEHOUSE_TRY(const auto database, compile({&source, 1}));
    std::size_t size = 0;
    hs_database_size(database.get(), &size);
    if (size <= kMaxExpressionBytes) return {};
    return refuse(source, fmt::format("it needs {} KiB compiled, more than {} (repeat less)", size >> 10,
                                      kMaxExpressionBytes >> 10));
}

std::string version() {
    return hs_version();
}

}  // namespace

Result<std::string> compile_expressions(std::span<const message::ExpressionList> lists,
                                        const std::function<void(std::size_t)>& on_next) {
    if (hs_valid_platform() != HS_SUCCESS)
        return base::fail(Fault::unavailable,
                          "this processor lacks SSSE3, without which expressions are not found");
    const auto sources = sources_of(lists);
    for (const auto& source : sources) {
        if (on_next) on_next(source.index);
        GATEHOUSE_CHECK(try_alone(source));
    }
    if (on_next) on_next(sources.empty() ? 0 : sources.back().index + 1);
    GATEHOUSE_TRY(const auto database, compile(sources));
    char* bytes = nullptr;
    std::size_t size = 0;
    if (hs_serialize_database(database.get(), &bytes, &size) != HS_SUCCESS)
        return base::fail(Fault::limit, "not enough memory for the compiled expressions");
    const std::unique_ptr<char, decltype(&std::free)> owner(bytes, &std::free);
    if (size > kMaxExpressionData) {
        return base::fail(Fault::limit, "the expressions together need {} MiB compiled, more than {}",
                          size >> 20, kMaxExpressionData >> 20);
    }
    pb::ExpressionData data;
    for (const auto& list : lists) {
        auto& to = *data.add_lists();
        to.set_name(list.name);
        to.set_match(static_cast<std::uint32_t>(list.match));
        to.set_threshold(list.threshold);
        to.set_fields(list.fields);
        for (const auto& one : list.expressions) to.add_scores(one.score);
    }
    for (const auto& source : sources) {
        auto& to = *data.add_forms();
        to.set_expression(static_cast<std::uint32_t>(source.index));
        to.set_check((source.form.ends_word ? kEndsWord : 0) | (source.form.begins_word ? kBeginsWord : 0) |
                     source.form.literal << kLiteralShift);
    }
    data.set_database(bytes, size);
    data.set_version(version());
    return data.SerializeAsString();
}

// --- matching

struct Expressions::State {
    struct List {
        std::string name;
        ListMatch match = ListMatch::any;
        std::int64_t threshold = 0;
        std::uint8_t fields = 0;
        std::size_t first = 0;  ///< index of its first expression
        std::size_t count = 0;
    };
    std::vector<List> lists;
    std::vector<std::uint32_t> list_of;  ///< by expression
    std::vector<std::int64_t> scores;    ///< by expression
    struct Form {
        std::uint32_t expression = 0;
        std::uint32_t check = 0;
    };
    std::vector<Form> forms;  ///< by the database's ids
    std::uint8_t fields = 0;  ///< of all lists
    Database database;
    std::unique_ptr<hs_scratch_t, FreeScratch> scratch;
};

Expressions::Expressions(std::unique_ptr<State> state) : state_(std::move(state)) {}
Expressions::Expressions(Expressions&&) noexcept = default;
Expressions& Expressions::operator=(Expressions&&) noexcept = default;
Expressions::~Expressions() = default;

std::size_t Expressions::size() const {
    return state_->scores.size();
}

Result<Expressions> Expressions::load(std::string_view payload) {
    pb::ExpressionData data;
    if (payload.size() > 2 * kMaxExpressionData ||
        !data.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
        return base::fail(Fault::malformed, "these are no compiled expressions");
    }
    if (data.version() != version())
        return base::fail(Fault::malformed, "the expressions were compiled by another Hyperscan ({})",
                          base::printable(data.version(), 60));
    auto state = std::make_unique<State>();
    for (const auto& list : data.lists()) {
        const auto count = static_cast<std::size_t>(list.scores_size());
        if (list.match() > static_cast<std::uint32_t>(ListMatch::score) || count == 0)
            return base::fail(Fault::malformed, "a list of compiled expressions is none");
        state->lists.push_back({list.name(), static_cast<ListMatch>(list.match()), list.threshold(),
                                static_cast<std::uint8_t>(list.fields()), state->scores.size(), count});
        state->fields = static_cast<std::uint8_t>(state->fields | list.fields());
        state->scores.insert(state->scores.end(), list.scores().begin(), list.scores().end());
        state->list_of.resize(state->scores.size(), static_cast<std::uint32_t>(state->lists.size() - 1));
    }
    for (const auto& form : data.forms()) {
        if (form.expression() >= state->scores.size())
            return base::fail(Fault::malformed, "a compiled expression is of no list");
        state->forms.push_back({form.expression(), form.check()});
    }
    hs_database_t* database = nullptr;
    const auto& bytes = data.database();
    if (hs_deserialize_database(bytes.data(), bytes.size(), &database) != HS_SUCCESS)
        return base::fail(Fault::malformed, "the compiled expressions are damaged or of another machine");
    state->database.reset(database);
    hs_scratch_t* scratch = nullptr;
    if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS)
        return base::fail(Fault::limit, "not enough memory for the compiled expressions");
    state->scratch.reset(scratch);
    return Expressions(std::move(state));
}

struct ExpressionScan::Found {
    struct List {
        std::uint8_t fields = 0;  ///< where something was found
        std::vector<std::string> places;
        std::size_t texts = 0;
    };
    std::vector<bool> expressions;
    std::vector<List> lists;
};

ExpressionScan::ExpressionScan(const Expressions* expressions) : expressions_(expressions) {
    if (expressions_ == nullptr) return;
    found_ = std::make_unique<Found>();
    found_->expressions.resize(expressions_->state_->scores.size());
    found_->lists.resize(expressions_->state_->lists.size());
}

ExpressionScan::~ExpressionScan() = default;

bool ExpressionScan::is_wanted(TextField field) const {
    return expressions_ != nullptr && (expressions_->state_->fields & static_cast<std::uint8_t>(field)) != 0;
}

void ExpressionScan::add(TextField field, std::string_view where, std::string_view utf8) {
    if (!is_wanted(field) || utf8.empty()) return;
    if (!base::is_valid_utf8(utf8)) {  // Hyperscan's one condition
        std::string clean;
        clean.reserve(utf8.size());
        for (const char c : utf8) clean += static_cast<unsigned char>(c) < 0x80 ? c : '?';
        return match(field, where, clean);
    }
    match(field, where, utf8);
    if (base::is_ascii(utf8)) return;
    const auto seen = without_invisible(utf8);  // words that were taken apart for programs only
    if (seen.size() != utf8.size()) match(field, where, seen);
}

void ExpressionScan::match(TextField field, std::string_view where, std::string_view utf8) {
    struct Context {
        const Expressions::State& state;
        Found& found;
        TextField field;
        std::string_view where;
        std::string_view text;
    };
    Context context{*expressions_->state_, *found_, field, where, utf8};
    const auto on_match = [](unsigned form_id, unsigned long long, unsigned long long to, unsigned,
                             void* opaque) {
        auto& at = *static_cast<Context*>(opaque);
        if (form_id >= at.state.forms.size()) return 0;
        const auto& form = at.state.forms[form_id];
        if ((form.check & kEndsWord) != 0 && !is_word_edge(at.text, to)) return 0;
        if ((form.check & kBeginsWord) != 0 &&
            !is_word_edge(at.text, step_back(at.text, to, form.check >> kLiteralShift)))
            return 0;
        const auto id = form.expression;
        const auto list = at.state.list_of[id];
        const auto bit = static_cast<std::uint8_t>(at.field);
        if ((at.state.lists[list].fields & bit) == 0) return 0;
        at.found.expressions[id] = true;
        auto& places = at.found.lists[list];
        places.fields = static_cast<std::uint8_t>(places.fields | bit);
        const bool is_new = std::ranges::find(places.places, at.where) == places.places.end();
        if (is_new && places.places.size() < kPlacesKept) places.places.emplace_back(at.where);
        return 0;
    };
    // A text of 4 GiB cannot be: no message is that large, and no budget makes it so.
    hs_scan(context.state.database.get(), utf8.data(), static_cast<unsigned>(utf8.size()), 0,
            context.state.scratch.get(), on_match, &context);
}

namespace {

std::string names_of(std::uint8_t fields) {
    std::string out;
    for (std::size_t i = 0; i < message::kTextFields.size(); ++i) {
        if ((fields & (1U << i)) == 0) continue;
        if (!out.empty()) out += ", ";
        out += message::kTextFields.at(i);
    }
    return out;
}

bool holds(ListMatch match, std::size_t hits, std::size_t count, std::int64_t score, std::int64_t threshold) {
    switch (match) {
        case ListMatch::any:
            return hits > 0;
        case ListMatch::all:
            return hits == count;
        case ListMatch::none:
            return hits == 0;
        case ListMatch::score:
            return score >= threshold && hits > 0;
    }
    return false;
}

}  // namespace

void ExpressionScan::finish(message::Facts& facts) const {
    if (expressions_ == nullptr) return;
    const auto& state = *expressions_->state_;
    facts.expressions = expressions_->digest();
    const auto source = "expressions:" + base::to_hex(std::string_view(expressions_->digest()).substr(0, 8));
    for (std::size_t i = 0; i < state.lists.size(); ++i) {
        const auto& list = state.lists[i];
        std::size_t hits = 0;
        std::int64_t score = 0;
        for (std::size_t at = list.first; at < list.first + list.count; ++at) {
            if (!found_->expressions[at]) continue;
            ++hits;
            score += state.scores[at];
        }
        if (!holds(list.match, hits, list.count, score, list.threshold)) continue;
        const auto& found = found_->lists[i];
        message::Evidence evidence;
        evidence.feature = kContentExpression.feature;
        evidence.id = kContentExpression.id;
        if (found.places.size() == 1) evidence.where = found.places.front();
        evidence.score = kContentExpression.default_score;
        evidence.text = hits == 0
                            ? fmt::format("nothing of the list \"{}\" is in the message", list.name)
                            : fmt::format("{} of {} expressions of the list \"{}\" found ({}), score {}",
                                          hits, list.count, list.name, fmt::join(found.places, ", "), score);
        evidence.facts = {{"list", list.name},
                          {"hits", fmt::format("{}", hits)},
                          {"score", fmt::format("{}", score)},
                          {"in", names_of(found.fields)}};
        evidence.source = source;
        facts.evidence.push_back(std::move(evidence));
    }
}

}  // namespace gatehouse::inspect::find
