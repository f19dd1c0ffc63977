#include <algorithm>
#include <array>

#include "base/text.h"
#include "decide/default_policy.h"
#include "decide/evaluate.h"
#include "decide/findings.h"
#include "decide/make_policy.h"
#include "inspect/engine/engine.h"
#include "inspect/find/expressions.h"
#include "levels.h"
#include "message/json.h"
#include "settings/text/parse.h"

namespace gatehouse::cases {

using base::Fault;
using base::Result;

namespace {

Result<message::Answers> scripted_answers(const CaseFile& file) {
    message::Answers answers;
    for (const auto& script : file.answers) {
        if (script.subject != "clamd") {
            return base::fail(Fault::usage, "{}:{}: only clamd can be scripted at this level", file.path,
                              script.line);
        }
        message::Answer answer;
        answer.question = {message::QuestionKind::engine_message, "clamd", ""};
        if (script.value == "ok") answer.state = message::AnswerState::clean;
        if (script.value.starts_with("found ")) {
            answer.state = message::AnswerState::found;
            answer.name = script.value.substr(6);
        }
        answers.push_back(std::move(answer));
    }
    return answers;
}

Result<inspect::engine::Settings> inspector_settings(const CaseFile& file, const SplitSettings& split) {
    inspect::engine::Settings settings;
    settings.process.hostname = "gateway.test";
    GATEHOUSE_TRY(const auto tree, settings::text::parse(split.settings, file.path));
    for (const auto& bound : inspect::engine::bind(settings)) {
        if (bound.table == &inspect::engine::kProcessTable) continue;
        GATEHOUSE_CHECK(base::fill_from(*bound.table, tree, bound.object));
    }
    return settings;
}

}  // namespace

SplitSettings split_settings(const std::string& text) {
    static constexpr std::array<std::string_view, 9> kGatehouse{
        "limits", "delivery", "inspect", "next_hop", "store", "paths", "process", "testing", "queue"};
    SplitSettings out;
    std::string* into = &out.settings;
    for (const auto line : base::split(text, '\n')) {
        const auto trimmed = base::trim(line);
        if (trimmed.starts_with('[') && trimmed.find(']') != std::string_view::npos) {
            auto name = trimmed.substr(trimmed.find_first_not_of('['));
            name = name.substr(0, name.find_first_of("]."));
            const bool is_ours = std::find(kGatehouse.begin(), kGatehouse.end(), name) != kGatehouse.end();
            into = name == "smtp" ? &out.smtp : is_ours ? &out.gatehouse : &out.settings;
            if (name == "smtp") continue;
        }
        into->append(line).append("\n");
    }
    return out;
}

Result<std::optional<inspect::find::Expressions>> expressions_of(const base::Value& policy) {
    GATEHOUSE_TRY(const auto lists, message::read_expression_lists(policy));
    if (lists.empty()) return std::nullopt;
    GATEHOUSE_TRY(const auto payload, inspect::find::compile_expressions(lists));
    GATEHOUSE_TRY(auto expressions, inspect::find::Expressions::load(payload));
    expressions.set_digest(message::digest_of(lists));
    return std::optional(std::move(expressions));
}

Result<boost::json::value> run_pure(const CaseFile& file) {
    if (!file.then.empty())
        return base::fail(Fault::usage, "{}:{}: only level = walk has a then", file.path,
                          file.then.front().line);
    const auto split = split_settings(file.settings);
    GATEHOUSE_TRY(const auto settings, inspector_settings(file, split));
    message::Envelope envelope;
    envelope.client.address = file.envelope.client;
    envelope.client.helo = file.envelope.helo;
    envelope.sender = file.envelope.from.address;
    for (const auto& to : file.envelope.to) envelope.recipients.push_back({to.address, 0, ""});
    envelope.size = file.message.size();
    GATEHOUSE_TRY(const auto answers, scripted_answers(file));
    message::Circumstances circumstances;
    if (!answers.empty()) circumstances.engines = {"clamd"};
    circumstances.authserv_id = "gateway.test";
    const auto known = inspect::engine::all_evidence();
    const std::string policy_text =
        file.policy.empty() ? std::string(decide::default_policy_text()) : file.policy;
    GATEHOUSE_TRY(auto settings_tree, settings::text::parse(split.settings, file.path));
    GATEHOUSE_TRY(auto policy_tree, settings::text::parse(policy_text, file.path));
    GATEHOUSE_TRY(const auto expressions, expressions_of(policy_tree));
    const auto facts = inspect::engine::inspect({.raw = file.message,
                                                 .envelope = &envelope,
                                                 .settings = settings,
                                                 .detectors = inspect::engine::catalogue(),
                                                 .expressions = expressions ? &*expressions : nullptr});
    GATEHOUSE_TRY(
        const auto policy,
        decide::make_policy(message::make_revision(std::move(settings_tree), std::move(policy_tree)), known));
    const auto decision = decide::evaluate(
        {.envelope = envelope, .facts = &facts, .answers = answers, .circumstances = circumstances}, policy);
    const auto evidence = decide::all_evidence(&facts, answers);
    const auto gaps = decide::all_gaps(&facts, answers);
    boost::system::error_code error;
    auto value = boost::json::parse(message::scan_json({file.path, facts, evidence, gaps, decision}), error);
    if (error) return base::fail(Fault::internal, "the scan JSON is no JSON: {}", error.message());
    return value;
}

}  // namespace gatehouse::cases
