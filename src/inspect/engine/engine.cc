#include "inspect/engine/engine.h"

#include <algorithm>
#include <unordered_set>

#include "base/digest.h"
#include "inspect/engine/form.h"
#include "inspect/engine/header_facts.h"
#include "inspect/engine/inside.h"
#include "inspect/engine/part_facts.h"
#include "inspect/engine/reading_text.h"
#include "inspect/engine/readings.h"
#include "inspect/engine/words.h"
#include "inspect/find/qr_code.h"
#include "inspect/find/similarity.h"
#include "inspect/format/picture.h"
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
constexpr std::size_t kMaxFilesInText = 100;
constexpr std::uint64_t kMaxPixelsOfMessage = 8 * format::kMaxPixels;

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
        read_header(structure_, readers_);
        if (job_.listener != nullptr) job_.listener->on_early(early_questions(structure_));
        paths_ = part_paths(structure_);
        facts_.micros.parse = laps_.lap();
        look_at_parts();
        urls_.finish(facts_);
        expressions_.finish(facts_);
        facts_.fingerprint = fingerprint_.finish();
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
        source_ = {part.charset(), base_of(structure_, part)};
        show(row, body.bytes(), part.reading_text);
        look_at_what_is_elsewhere(part, row, body.bytes());
        look_at_other_readings(index);
        if (part.reading_text) look_for_files_in_text(index, row.path, body.bytes());
    }

    /// RFC 2046 5.2.2 and 5.2.3: mail programs put together or fetch what is not here.
    void look_at_what_is_elsewhere(const mime::Part& part, const message::Part& row, std::string_view body) {
        if (part.type.is("message", "partial")) {
            add_gap(row.path, GapReason::refused, "a piece of a message; the others come in other messages");
            if (depth_ < budget_.limits().max_depth) look_at_message(row, body);
        } else if (part.type.is("message", "external-body")) {
            add_gap(row.path, GapReason::refused,
                    "the content is elsewhere, and mail programs fetch it from there");
        }
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
            source_ = {structure_.parts[index].charset(), base_of(structure_, structure_.parts[index])};
            show(row, reading.bytes, !reading.is_file);
            if (!reading.is_file) look_for_files_in_text(index, row.path, reading.bytes);
        }
        structure_.parts[index].settled.merge(readings.settled);
    }

    // Files in the middle of a text, as mailers attached them before MIME.
    void look_for_files_in_text(std::size_t index, const std::string& parent, std::string_view text) {
        look_at_files_in_text(index, parent, text,
                              {mime::find_uuencoded, mime::decode_uuencode, "uuencoded"});
        look_at_files_in_text(index, parent, text, {mime::find_yenc, mime::decode_yenc, "yEnc"});
    }

    struct TextEncoding {
        std::vector<mime::UuencodedFile> (*find)(std::string_view, std::size_t);
        mime::Decoded (*decode)(std::string_view, std::size_t);
        std::string_view label;
    };

    void look_at_files_in_text(std::size_t index, const std::string& parent, std::string_view text,
                               const TextEncoding& encoding) {
        const auto files = encoding.find(text, kMaxFilesInText);
        for (const auto& file : files) {
            if (!budget_.take_part())
                return add_gap(parent, GapReason::too_many, "there are more parts than the limit");
            const auto decoded = encoding.decode(text.substr(file.begin, file.end - file.begin), room());
            budget_.take_decoded(decoded.bytes.size());
            structure_.parts[index].anomalies.merge(decoded.anomalies);
            structure_.kinds.merge(decoded.anomalies);
            message::Part row;
            row.name = tidy_name(file.name, 255);
            row.path = member_path(parent, file.name.empty() ? encoding.label : file.name);
            row.claimed_type = "application/octet-stream";
            row.attachment = true;
            if (!decoded.complete) add_gap(row.path, GapReason::too_large, "only the beginning was decoded");
            source_ = {};
            show(row, decoded.bytes, false);
        }
        if (files.size() == kMaxFilesInText)
            add_gap(parent, GapReason::too_many, "there may be more files in this text than the limit");
    }

    /// To the detectors, and to third-party engines unless it is text that people read.
    void show(const message::Part& described, std::string_view bytes, bool reading_text) {
        const auto& type = add_row(described, bytes);
        const auto row = facts_.parts.back();
        if (!reading_text) hand_to_engines(row, bytes);
        run_detectors(detect::Stage::part, {row.path, bytes, &row});
        read_text_of(row, bytes, type, reading_text);
        look_at_picture(row, bytes, type);
        if (!reading_text || !is_looked_through(type)) look_inside(row, bytes, type);
    }

    /// Who looks at text finds these files in it.
    static bool is_looked_through(const format::FileType& type) {
        return type.name == "uuencode" || type.name == "yenc" || type.name == "message";
    }

    void read_text_of(const message::Part& row, std::string_view bytes, const format::FileType& type,
                      bool reading_text) {
        using message::TextField;
        const auto source = std::exchange(source_, {});
        const auto field = reading_text && depth_ == 0 ? TextField::body : TextField::attachment;
        read_text({row, bytes, type_when_opened(row, type), source.charset, source.base, reading_text, field},
                  room(), readers_);
    }

    /// Codes in pictures lead somewhere, too.
    void look_at_picture(const message::Part& row, std::string_view bytes, const format::FileType& type) {
        if (!format::is_known_picture(type.name) || !seen_pictures_.insert(row.sha256).second) return;
        format::Picture picture;
        const auto result = format::read_picture(bytes, type.name, picture);
        pixels_ += picture.grey.size();
        if (result == format::PictureResult::too_large || pixels_ > kMaxPixelsOfMessage) {
            add_gap(row.path, GapReason::too_large, "a picture that is too large to look for codes in it");
        } else if (result != format::PictureResult::unknown) {
            for (const auto& text : find::read_codes(picture)) urls_.add_code(text, row.path);
        }
    }

    void hand_to_engines(const message::Part& row, std::string_view bytes) {
        if (job_.listener == nullptr || job_.listener->on_part(row, bytes)) return;
        add_gap(row.path, GapReason::too_large, "too much to hand to the engines part by part");
    }

    /// Containers; what is in them is looked at like them, one level deeper.
    void look_inside(const message::Part& row, std::string_view bytes, const format::FileType& type) {
        const open::Item item{row.name, bytes, &type_when_opened(row, type)};
        const bool is_message = type.name == "message";
        if (!is_message && !open::is_container(item)) return;
        // The same bytes hold the same again: an archive may hold itself, or one file a thousand times.
        if (!opened_.insert(row.sha256).second) return;
        if (depth_ == budget_.limits().max_depth)
            return add_gap(row.path, GapReason::too_deep, "archives within archives beyond the limit");
        ++depth_;
        if (is_message) look_at_message(row, bytes);
        Inside inside(opening_, row, bytes.size(),
                      [this](const message::Part& described, const open::Member& member) {
                          show_member(described, member);
                      });
        open::open(item, inside);
        --depth_;
    }

    /// A message that came as a file.
    void look_at_message(const message::Part& row, std::string_view bytes) {
        auto limits = parse_limits(job_.settings);
        limits.max_decoded = std::min<std::size_t>(limits.max_decoded, room());
        const auto inner = mime::parse(bytes, limits);
        const auto paths = part_paths(inner);
        for (std::size_t i = 0; i < inner.parts.size(); ++i) {
            const auto& part = inner.parts[i];
            if (!part.is_leaf()) continue;
            if (!budget_.take_part())
                return add_gap(row.path, GapReason::too_many, "there are more parts than the limit");
            const auto body = mime::decode_body(inner, part, room());
            if (body.is_owned()) budget_.take_decoded(body.bytes().size());
            auto member = describe_part(part, member_path(row.path, paths[i]));
            if (!body.complete())
                add_gap(member.path, GapReason::too_large, "only the beginning was decoded");
            auto doubts = part.anomalies;
            doubts.merge(body.anomalies());
            const bool is_text = is_reading_text(part, body.bytes());
            source_ = {part.charset(), base_of(inner, part)};
            if (!mime::doubts(doubts, is_text).is_empty())
                add_gap(member.path, GapReason::ambiguous,
                        "mail programs read this part of an attached message differently");
            show(member, body.bytes(), is_text);
        }
        if (inner.kinds.has(mime::Weight::limit))
            add_gap(row.path, GapReason::too_many,
                    "this attached message goes beyond a limit of its structure");
    }

    /// Engines beside us open the usual containers themselves.
    void show_member(const message::Part& described, const open::Member& member) {
        const auto& type = add_row(described, member.bytes);
        const auto row = facts_.parts.back();
        if (member.is_hidden) hand_to_engines(row, member.bytes);
        run_detectors(detect::Stage::part, {row.path, member.bytes, &row});
        source_ = {};
        read_text_of(row, member.bytes, type, false);
        look_at_picture(row, member.bytes, type);
        if (!member.is_taken_apart) look_inside(row, member.bytes, type);
    }

    const format::FileType& add_row(message::Part row, std::string_view bytes) {
        const auto& type = format::true_type(bytes);
        row.size = bytes.size();
        row.sha256 = base::sha256(bytes);
        row.type = type.name;
        row.similarity = find::similarity_digest(bytes);
        facts_.parts.push_back(std::move(row));
        return type;
    }

    std::span<const std::string> passwords() {
        if (!words_) words_ = words_of_texts(structure_);
        return *words_;
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
    std::optional<std::vector<std::string>> words_;
    /// How the text that is shown next is to be read.
    struct Source {
        std::string_view charset = {};
        std::string base = {};
    };
    Source source_;
    find::UrlList urls_;
    find::ExpressionScan expressions_{job_.expressions};
    find::TextFingerprint fingerprint_;
    TextReaders readers_{urls_, expressions_, fingerprint_};
    std::unordered_set<std::string> seen_pictures_;  ///< digests
    std::uint64_t pixels_ = 0;                       ///< of all pictures
    std::uint32_t depth_ = 0;
    std::unordered_set<std::string> opened_;  ///< digests of the containers that were looked into
    Opening opening_{job_.settings.open,
                     budget_,
                     facts_,
                     0,
                     [this] { return passwords(); },
                     [this](std::string_view url, std::string_view where) {
                         urls_.enter(where, false);
                         urls_.add_link(url, where);
                     }};
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
