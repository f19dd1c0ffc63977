#include "inspect/engine/engine.h"

#include <algorithm>

#include "base/digest.h"
#include "inspect/engine/form.h"
#include "inspect/engine/header_facts.h"
#include "inspect/engine/part_facts.h"
#include "inspect/engine/readings.h"
#include "inspect/format/true_type.h"
#include "inspect/mime/decode.h"
#include "inspect/mime/parser.h"
#include "message/charset.h"

namespace gatehouse::inspect::engine {

namespace {

using message::GapReason;

// One answer has to hold everything (base::kInspectorFrameLimit), and people have to read it.
constexpr std::size_t kMaxEvidence = 2000;
constexpr std::size_t kMaxGaps = 2000;
constexpr std::size_t kMaxUuencoded = 100;

/// Microseconds since the last lap; 0 without a Stopwatch.
class Laps {
  public:
    explicit Laps(base::Stopwatch* watch) : watch_(watch), first_(now()), last_(first_) {}
    std::uint64_t lap() {
        const auto before = std::exchange(last_, now());
        return last_ - before;
    }
    std::uint64_t total() const { return last_ - first_; }

  private:
    std::uint64_t now() const { return watch_ == nullptr ? 0 : watch_->micros(); }
    base::Stopwatch* watch_;
    std::uint64_t first_;
    std::uint64_t last_;
};

mime::ParseLimits parse_limits(const Settings& settings) {
    const auto budget = settings.budget();
    mime::ParseLimits limits;
    limits.max_parts = budget.max_parts;
    limits.max_depth = budget.max_depth;
    limits.max_decoded = std::min<std::size_t>(limits.max_decoded, budget.max_held);
    return limits;
}

class Inspection {
  public:
    explicit Inspection(const Job& job)
        : job_(job),
          budget_(job.settings.budget()),
          structure_(mime::parse(job.raw, parse_limits(job.settings))) {}

    message::Facts run() {
        facts_.sha256 = base::sha256(job_.raw);
        facts_.size = job_.raw.size();
        add_header(structure_, facts_);
        if (job_.listener != nullptr) job_.listener->on_early(early_questions(structure_));
        paths_ = part_paths(structure_);
        facts_.micros.parse = laps_.lap();
        look_at_parts();
        add_form(structure_, paths_, facts_);
        run_detectors(detect::Stage::message, {"", job_.raw, nullptr});
        bound();
        facts_.micros.total = laps_.total();
        return std::move(facts_);
    }

  private:
    void look_at_parts() {
        for (std::size_t i = 0; i < structure_.parts.size(); ++i) {
            const auto& part = structure_.parts[i];
            if (part.role == mime::Role::multipart) {
                look_at_other_readings(i);
                continue;
            }
            if (!budget_.take_part())
                return add_gap("", GapReason::too_many, "there are more parts than the limit");
            if (part.role == mime::Role::message) {
                add_row(describe_part(part, paths_[i]), structure_.body(part));
            } else {
                look_at_leaf(i);
            }
        }
    }

    void look_at_leaf(std::size_t index) {
        auto& part = structure_.parts[index];
        const auto body = mime::decode_body(structure_, part, room());
        part.anomalies.merge(body.anomalies());
        structure_.kinds.merge(body.anomalies());
        if (!body.complete()) add_gap(paths_[index], GapReason::too_large, "only the beginning was decoded");
        if (body.is_owned()) budget_.take_decoded(body.bytes().size());
        const auto row = describe_part(part, paths_[index]);
        part.reading_text = is_reading_text(part, body.bytes());
        show(row, body.bytes(), part.reading_text);
        look_at_other_readings(index);
        if (part.reading_text) look_for_uuencoded(index, row.path, body.bytes());
    }

    // Where mail programs differ, what the others show is inspected, too; then the difference hides nothing.
    void look_at_other_readings(std::size_t index) {
        const auto readings = other_readings(structure_, index, room());
        budget_.take_decoded(readings.decoded);
        for (const auto& reading : readings.found) {
            message::Part row;
            row.path = member_path(paths_[index], reading.name);
            if (!budget_.take_part())
                return add_gap(row.path, GapReason::too_many, "there are more parts than the limit");
            if (!reading.complete) add_gap(row.path, GapReason::too_large, "only the beginning was decoded");
            row.claimed_type = reading.claimed_type;
            row.name = reading.file_name;
            row.attachment = reading.is_file;
            show(row, reading.bytes, !reading.is_file);
            if (!reading.is_file) look_for_uuencoded(index, row.path, reading.bytes);
        }
        structure_.parts[index].settled.merge(readings.settled);
    }

    // Files in the middle of a text, as mailers attached them before MIME.
    void look_for_uuencoded(std::size_t index, const std::string& parent, std::string_view text) {
        for (const auto& file : mime::find_uuencoded(text, kMaxUuencoded)) {
            if (!budget_.take_part())
                return add_gap(parent, GapReason::too_many, "there are more parts than the limit");
            const auto decoded =
                mime::decode_uuencode(text.substr(file.begin, file.end - file.begin), room());
            budget_.take_decoded(decoded.bytes.size());
            structure_.parts[index].anomalies.merge(decoded.anomalies);
            structure_.kinds.merge(decoded.anomalies);
            message::Part row;
            row.name = tidy_name(file.name, 255);
            row.path = member_path(parent, file.name.empty() ? "uuencoded" : file.name);
            row.claimed_type = "application/octet-stream";
            row.attachment = true;
            if (!decoded.complete) add_gap(row.path, GapReason::too_large, "only the beginning was decoded");
            show(row, decoded.bytes, false);
        }
    }

    /// To the detectors, and to third-party engines unless it is text that people read.
    void show(const message::Part& described, std::string_view bytes, bool reading_text) {
        add_row(described, bytes);
        const auto row = facts_.parts.back();
        if (!reading_text && job_.listener != nullptr && !job_.listener->on_part(row, bytes)) {
            add_gap(row.path, GapReason::too_large, "too much to hand to the engines part by part");
        }
        run_detectors(detect::Stage::part, {row.path, bytes, &row});
    }

    void add_row(message::Part row, std::string_view bytes) {
        row.size = bytes.size();
        row.sha256 = base::sha256(bytes);
        row.type = format::true_type(bytes).name;
        facts_.parts.push_back(std::move(row));
    }

    void run_detectors(detect::Stage stage, const detect::Object& object) {
        const detect::MessageFacts known{structure_, paths_, facts_, job_.envelope,
                                         job_.settings.process.hostname};
        facts_.micros.open += laps_.lap();
        for (const auto& detector : job_.detectors) {
            if (detector.info->stage != stage) continue;
            auto finding = detector.inspect(object, known, budget_, job_.settings);
            std::ranges::move(finding.evidence, std::back_inserter(facts_.evidence));
            std::ranges::move(finding.gaps, std::back_inserter(facts_.coverage.gaps));
        }
        facts_.micros.detect += laps_.lap();
    }

    void bound() {
        if (budget_.steps() >= budget_.limits().max_steps) {
            add_gap("", GapReason::too_large, "the detectors' budget of steps was used up");
        }
        if (facts_.evidence.size() <= kMaxEvidence && facts_.coverage.gaps.size() <= kMaxGaps) return;
        facts_.evidence.resize(std::min(facts_.evidence.size(), kMaxEvidence));
        facts_.coverage.gaps.resize(std::min(facts_.coverage.gaps.size(), kMaxGaps));
        add_gap("", GapReason::too_many, "more was found than one record holds");
    }

    /// How much one more decoding may produce.
    std::size_t room() const {
        const auto& limits = budget_.limits();
        return std::min(limits.max_held, limits.max_decoded - budget_.decoded());
    }

    void add_gap(std::string_view part, GapReason reason, std::string_view text) {
        facts_.coverage.gaps.push_back({std::string(part), reason, std::string(text), ""});
    }

    const Job& job_;
    base::Budget budget_;
    Laps laps_{job_.stopwatch};
    mime::Structure structure_;
    std::vector<std::string> paths_;
    message::Facts facts_;
};

}  // namespace

message::Facts inspect(const Job& job) {
    return Inspection(job).run();
}

std::optional<View> view(std::string_view raw, std::string_view path, std::size_t limit) {
    const auto structure = mime::parse(raw);
    const auto paths = part_paths(structure);
    const auto found = std::ranges::find(paths, path);
    if (found == paths.end()) return std::nullopt;
    const auto& part = structure.parts[static_cast<std::size_t>(found - paths.begin())];
    // Four bytes of any charset make at least one of UTF-8, so nothing that fits is cut here.
    const auto body = mime::decode_body(structure, part, 4 * limit + 4);
    const auto text = message::to_utf8_or_guess(body.bytes(), part.charset(), limit);
    return View{text.text, !text.complete || !body.complete()};
}

}  // namespace gatehouse::inspect::engine
