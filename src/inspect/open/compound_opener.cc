// OLE compound files: every stream, the source of macros, and the files in packages.
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "inspect/format/compound_file.h"
#include "inspect/format/inflate.h"
#include "inspect/format/vba.h"
#include "inspect/open/compound_records.h"
#include "inspect/open/openers.h"

namespace gatehouse::inspect::open {

namespace {

using format::CompoundEntry;
using format::CompoundFile;
using format::CompoundKind;
using message::GapReason;

class CompoundOpener {
  public:
    CompoundOpener(const CompoundFile& file, Visitor& visitor) : file_(file), visitor_(visitor) {}

    void run() {
        if (file_.is_damaged())
            visitor_.on_gap("", GapReason::corrupt, "the tables of this file are damaged");
        if (!look_at_macros()) return;
        for (const auto& entry : file_.entries()) {
            if (entry.kind == CompoundKind::stream && entry.size > 0 && !look_at(entry)) return;
        }
    }

  private:
    bool look_at_macros() {
        for (const auto& project : format::read_vba(file_)) {
            if (project.modules.empty()) continue;
            visitor_.on_evidence(kMacro, project.storage,
                                 fmt::format("{} modules of Visual Basic", project.modules.size()));
            if (project.is_damaged)
                visitor_.on_gap(project.storage, GapReason::corrupt, "this Visual Basic project is damaged");
            for (const auto& module : project.modules) {
                if (!look_at_module(module)) return false;
            }
        }
        return true;
    }

    bool look_at_module(const format::VbaModule& module) {
        const auto name = module.name + (module.is_document ? ".cls" : ".bas");
        if (module.is_stomped) visitor_.on_evidence(kMacroStomped, name, std::string(kMacroStomped.help));
        if (!module.is_complete)
            visitor_.on_gap(name, GapReason::too_large, "only the beginning of this macro was inspected");
        if (module.is_damaged) visitor_.on_gap(name, GapReason::corrupt, "this macro's source is damaged");
        return module.source.empty() || visitor_.on_member({name, module.source, true});
    }

    bool look_at(const CompoundEntry& entry) {
        const auto content = file_.read(entry, visitor_.room());
        if (!content.is_complete)
            visitor_.on_gap(entry.path, GapReason::too_large, "only the beginning was inspected");
        if (content.is_damaged)
            visitor_.on_gap(entry.path, GapReason::corrupt,
                            "this stream is damaged; what could be read was inspected");
        note(entry, content.bytes);
        if (entry.name == "Equation Native")
            visitor_.on_evidence(kEquation, entry.path, std::string(kEquation.help));
        if (entry.name.ends_with("Ole10Native")) return look_at_package(entry, content.bytes);
        if (entry.name == "PowerPoint Document") return look_at_presentation(entry, content.bytes);
        // Excel keeps archives of its own in pieces there.
        const bool is_workbook = entry.name == "Workbook" || entry.name == "Book";
        return visitor_.on_member({entry.path, content.bytes, false, is_workbook});
    }

    /// Its records hold what is embedded, and its macros.
    bool look_at_presentation(const CompoundEntry& entry, std::string_view bytes) {
        const auto facts = read_presentation(bytes);
        if (facts.is_encrypted) note_encrypted();
        if (!visitor_.on_member({entry.path, bytes, false, true})) return false;
        std::size_t number = 0;
        for (const auto& object : facts.objects) {
            const auto name = fmt::format("object-{}", ++number);
            if (!object.is_deflated) {
                if (!visitor_.on_member({name, object.bytes, false})) return false;
                continue;
            }
            const auto plain = format::inflate(object.bytes, format::Wrapper::zlib, visitor_.room());
            // Some end without a checksum.
            if (plain.end != format::InflateEnd::complete && plain.bytes.size() != object.size)
                visitor_.on_gap(name, GapReason::corrupt, "this object could not be unpacked wholly");
            if (!visitor_.on_member({name, plain.bytes, false})) return false;
        }
        return true;
    }

    void note(const CompoundEntry& entry, std::string_view bytes) {
        if (entry.name == "Workbook" || entry.name == "Book") {
            const auto facts = read_workbook(bytes);
            if (facts.has_macro_sheet) visitor_.on_evidence(kMacro, "", "a sheet of Excel 4.0 macros");
            if (facts.has_dde) visitor_.on_evidence(kDde, "", std::string(kDde.help));
            if (facts.is_encrypted) note_encrypted();
        } else if (entry.name == "WordDocument") {
            if (has_dde_field(bytes)) visitor_.on_evidence(kDde, "", std::string(kDde.help));
            if (is_encrypted_word(bytes)) note_encrypted();
        }
    }

    void note_encrypted() {
        visitor_.on_evidence(kEncrypted, "", "the document is encrypted");
        visitor_.on_gap("", GapReason::encrypted, "the document is encrypted");
    }

    bool look_at_package(const CompoundEntry& entry, std::string_view bytes) {
        const auto package = read_package(bytes);
        if (!package) return visitor_.on_member({entry.path, bytes, false});
        visitor_.on_evidence(kEmbeddedFile, package->name, std::string(kEmbeddedFile.help));
        if (package->is_damaged)
            visitor_.on_gap(package->name, GapReason::corrupt, "this embedded file ends early");
        return visitor_.on_member({package->name, package->bytes, true});
    }

    const CompoundFile& file_;
    Visitor& visitor_;
};

}  // namespace

void open_compound(const Item& item, Visitor& visitor) {
    const auto file = CompoundFile::open(item.bytes, visitor.max_members());
    if (!file) return visitor.on_gap("", GapReason::corrupt, "this compound file cannot be read");
    CompoundOpener(*file, visitor).run();
}

}  // namespace gatehouse::inspect::open
