// Openers: what is inside an archive or a compressed file, one member after the other, in memory. The engine
// calls open() for everything it shows to the detectors, and looks at each member in turn, so that an opener
// knows nothing of depth, paths or evidence of others. Whatever is a container and cannot be opened, wholly
// or at all, becomes a gap with its reason: not opened is never clean.
//
// Pure but for what libarchive keeps in the heap while a call lasts; thread-safe. Nothing is written to a
// disk. Work is bounded by what the Visitor allows: a member never has more bytes than room(), and open()
// ends when on_member() says so.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/evidence_id.h"
#include "inspect/format/true_type.h"
#include "message/evidence.h"

namespace gatehouse::inspect::open {

struct Item {
    std::string_view name;  ///< its file name; may be empty
    std::string_view bytes;
    const format::FileType* type = nullptr;  ///< by content; never null
};

struct Member {
    std::string_view name;  ///< as it stands in the container, any bytes; empty = it has none
    std::string_view bytes;
    /// Another engine that looks into the container itself would not see this one.
    bool is_hidden = false;
    /// What is in it comes as members of its own.
    bool is_taken_apart = false;
};

class Visitor {
  public:
    virtual ~Visitor() = default;
    /// Bytes that the next member may have.
    virtual std::size_t room() const = 0;
    /// Members that this container may have.
    virtual std::size_t max_members() const = 0;
    /// The bytes are gone afterwards. False: there is no more room, and the opener has to end.
    virtual bool on_member(const Member& member) = 0;
    /// `member` empty: the container itself.
    virtual void on_gap(std::string_view member, message::GapReason reason, std::string_view text) = 0;
    /// `where`: a member, or empty for the container.
    virtual void on_evidence(const base::EvidenceInfo& info, std::string_view where, std::string text) = 0;
    /// A URL that the document names as one, as it stands there; `where` as above.
    virtual void on_link(std::string_view url, std::string_view where) = 0;
    /// What may be passwords: words of the message, best first.
    virtual std::span<const std::string> passwords() = 0;
};

/// Whether there is an opener, or a gap to be named, for files of this type, or another file hangs at its
/// end.
bool is_container(const Item& item);

void open(const Item& item, Visitor& visitor);

inline constexpr base::EvidenceInfo kAmbiguous{
    "archive.ambiguous", "archive", base::Strength::weak, 0,
    "programs see other files in this archive, because its parts contradict each other; all were inspected"};
inline constexpr base::EvidenceInfo kEncrypted{"archive.encrypted", "archive", base::Strength::fact, 0,
                                               "files of this archive are encrypted"};
inline constexpr base::EvidenceInfo kPasswordInText{
    "archive.password_in_text", "archive", base::Strength::strong, 0,
    "files of this archive are encrypted with a word that stands in the message"};
inline constexpr base::EvidenceInfo kAttached{
    "archive.attached", "archive", base::Strength::weak, 0,
    "an archive hangs at the end of this file, which is of another kind; both were inspected"};
inline constexpr base::EvidenceInfo kMacro{"document.macro", "document", base::Strength::fact, 0,
                                           "this document holds macros"};
inline constexpr base::EvidenceInfo kMacroStomped{
    "document.macro_stomped", "document", base::Strength::weak, 0,
    "the compiled code of this document's macros knows names that their source does not: it may do other "
    "things than it shows"};
inline constexpr base::EvidenceInfo kDde{
    "document.dde", "document", base::Strength::strong, 0,
    "a field of this document starts another program or asks it for data (DDE)"};
inline constexpr base::EvidenceInfo kRemoteTemplate{
    "document.remote_template", "document", base::Strength::strong, 0,
    "opening this document fetches its template, frame or object from elsewhere"};
inline constexpr base::EvidenceInfo kEmbeddedFile{"document.embedded_file", "document", base::Strength::fact,
                                                  0, "another file is embedded in this document"};
inline constexpr base::EvidenceInfo kScript{"document.script", "document", base::Strength::fact, 0,
                                            "this document holds a script"};
inline constexpr base::EvidenceInfo kLaunch{"document.launch", "document", base::Strength::strong, 0,
                                            "an action of this document starts a program"};
inline constexpr base::EvidenceInfo kSmuggled{
    "document.smuggled_file", "document", base::Strength::strong, 0,
    "a script of this page carries a file in its text and hands it to the reader as a download"};
inline constexpr base::EvidenceInfo kEquation{
    "document.equation_object", "document", base::Strength::weak, 0,
    "an object of the Equation Editor, which was withdrawn because documents could take it over"};
inline constexpr std::array kEvidence = {kAmbiguous,    kEncrypted, kPasswordInText, kAttached,     kMacro,
                                         kMacroStomped, kDde,       kRemoteTemplate, kEmbeddedFile, kScript,
                                         kLaunch,       kSmuggled,  kEquation};

}  // namespace gatehouse::inspect::open
