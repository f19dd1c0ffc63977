#include "inspect/detect/disguise/disguise.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "inspect/format/file_extension.h"

namespace gatehouse::inspect::detect::disguise {

namespace {

using format::FileGroup;

// As UTF-8: U+202A to 202E, U+2066 to 2069, U+200F, U+061C (UAX 9).
constexpr auto kTurning = std::to_array<std::string_view>(
    {"\xE2\x80\xAA", "\xE2\x80\xAB", "\xE2\x80\xAC", "\xE2\x80\xAD", "\xE2\x80\xAE", "\xE2\x81\xA6",
     "\xE2\x81\xA7", "\xE2\x81\xA8", "\xE2\x81\xA9", "\xE2\x80\x8F", "\xD8\x9C"});
// What is shown as nothing: U+00A0, 2000 to 200A, 2800, 3000, 3164, as UTF-8; a plain blank is looked at
// apart.
constexpr auto kBlank = std::to_array<std::string_view>(
    {" ", "_", "\xC2\xA0", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84",
     "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A",
     "\xE2\xA0\x80", "\xE3\x80\x80", "\xE3\x85\xA4"});
constexpr std::size_t kManyBlanks = 8;

bool is_turned(std::string_view name) {
    return std::ranges::any_of(kTurning, [&](std::string_view mark) { return name.contains(mark); });
}

/// Blanks in a row, and something after them.
bool is_padded(std::string_view name) {
    std::size_t run = 0;
    while (!name.empty()) {
        const auto blank =
            std::ranges::find_if(kBlank, [&](std::string_view one) { return name.starts_with(one); });
        if (blank == kBlank.end()) {
            if (run >= kManyBlanks) return true;
            run = 0;
            name.remove_prefix(1);
        } else {
            ++run;
            name.remove_prefix(blank->size());
        }
    }
    return false;
}

bool is_harmless(FileGroup group) {
    return group == FileGroup::document || group == FileGroup::image || group == FileGroup::text ||
           group == FileGroup::media || group == FileGroup::mail;
}

bool is_double(std::string_view name) {
    const auto last = format::extension_of(name);
    if (last.empty() || format::group_of_extension(last) != FileGroup::executable) return false;
    const auto before = name.substr(0, static_cast<std::size_t>(last.data() - name.data()) - 1);
    const auto inner = format::group_of_extension(format::extension_of(before));
    return inner && is_harmless(*inner);
}

/// Kinds that pass for each other without any intent.
bool is_near(FileGroup name, FileGroup content) {
    using enum FileGroup;
    const auto is_one = [&](FileGroup a, FileGroup b) {
        return (name == a && content == b) || (name == b && content == a);
    };
    return name == content || content == other || is_one(text, document) || is_one(text, executable) ||
           is_one(text, mail) || is_one(image, media) || is_one(archive, disk) || is_one(archive, document);
}

class Judge {
  public:
    explicit Judge(const Object& object) : object_(object), name_(object.part->name) {}

    Finding run() {
        if (is_turned(name_)) add(kReversed, std::string(kReversed.help));
        if (is_padded(name_)) add(kPadded, std::string(kPadded.help));
        if (is_double(name_)) add(kDouble, std::string(kDouble.help));
        compare();
        return std::move(finding_);
    }

  private:
    void compare() {
        const auto* type = format::find_file_type(object_.part->type);
        const auto promised = format::group_of_extension(format::extension_of(name_));
        if (type == nullptr || !promised) return;
        // Scripts are text, and whether text is one is a guess: no program by it.
        const bool is_program =
            type->group == FileGroup::executable && type->name != "script" && type->name != "bat";
        if (is_program && *promised != FileGroup::executable && *promised != FileGroup::archive) {
            add(kProgram, fmt::format("{}, and its name says that it is none", type->title));
        } else if (!is_near(*promised, type->group)) {
            add(kMismatch, fmt::format("{}, and its name says something else", type->title));
        }
    }

    void add(const base::EvidenceInfo& info, std::string text) {
        auto evidence = make_evidence(info, object_.path, std::move(text));
        evidence.facts = {{"name", name_.substr(0, message::kMaxFactText)}, {"type", object_.part->type}};
        finding_.evidence.push_back(std::move(evidence));
    }

    const Object& object_;
    const std::string& name_;
    Finding finding_;
};

}  // namespace

Finding inspect(const Object& object, const MessageFacts& /*facts*/, base::Budget& budget) {
    if (object.part == nullptr || object.part->name.empty()) return {};
    if (!budget.take_steps(object.part->name.size())) return {};
    return Judge(object).run();
}

}  // namespace gatehouse::inspect::detect::disguise
