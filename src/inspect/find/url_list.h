// Every URL of one message: parsed as browsers parse it, unwrapped, each listed once with what is odd about
// it. The engine feeds it texts, pages and single URLs as it meets them; at the end it gives the list and the
// evidence. One per message; not thread-safe. Bounded: kMaxUrls entries and kMaxUrlText bytes; more is a gap.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/evidence_id.h"
#include "inspect/find/page.h"
#include "inspect/find/text_urls.h"
#include "inspect/format/url.h"
#include "message/facts.h"

namespace gatehouse::inspect::find {

inline constexpr std::size_t kMaxUrls = 5000;
inline constexpr std::size_t kMaxUrlText = 2U << 20;
inline constexpr std::size_t kMaxLayers = 8;

inline constexpr base::EvidenceInfo kTextMismatch{
    "url.text_mismatch", "url", base::Strength::weak, 0,
    "the text of a link names another site than the one that it leads to"};
inline constexpr base::EvidenceInfo kHomograph{
    "url.homograph", "url", base::Strength::strong, 0,
    "the name of a site mixes letters of different scripts that look alike"};
inline constexpr base::EvidenceInfo kUserinfo{
    "url.userinfo", "url", base::Strength::weak, 0,
    "a URL names a user before its site, which readers take for the site"};
inline constexpr base::EvidenceInfo kInvisible{
    "url.invisible_characters", "url", base::Strength::strong, 0,
    "characters that nobody sees stand in a URL, so that programs read another one than people"};
inline constexpr base::EvidenceInfo kObfuscated{
    "url.obfuscated", "url", base::Strength::weak, 0,
    "a URL is written in an odd way that browsers still follow: numbers for addresses, odd slashes, %XX in "
    "its site"};
inline constexpr base::EvidenceInfo kDefanged{"url.defanged", "url", base::Strength::fact, 0,
                                              "a URL is written so that no program makes a link of it"};
inline constexpr base::EvidenceInfo kWrapped{
    "url.wrapped", "url", base::Strength::fact, 0,
    "a link leads through a protection or counting service; what it wraps was looked at"};
inline constexpr base::EvidenceInfo kRewrappedOften{
    "url.wrapped_often", "url", base::Strength::weak, 0,
    "a link leads through four or more different protection services"};
inline constexpr base::EvidenceInfo kCode{"url.qr_code", "url", base::Strength::weak, 0,
                                          "a picture holds a code that leads to a site"};
inline constexpr base::EvidenceInfo kForm{"url.form", "url", base::Strength::fact, 0,
                                          "a form in the message sends what is typed to a site"};
inline constexpr base::EvidenceInfo kPasswordForm{"url.password_form", "url", base::Strength::strong, 0,
                                                  "a form in the message asks for a password"};
inline constexpr base::EvidenceInfo kRemoteFile{
    "url.file_share", "url", base::Strength::strong, 0,
    "a link opens a file on another machine's share, which hands over the reader's password hash"};
inline constexpr base::EvidenceInfo kTooMany{
    "url.too_many", "url", base::Strength::fact, 0,
    "an attached file holds more links than are listed; the rest was not compared"};
inline constexpr base::EvidenceInfo kHiddenText{
    "text.hidden", "text", base::Strength::fact, 0,
    "text of a page is not seen by its reader; the facts name how it is hidden, and how much"};
inline constexpr base::EvidenceInfo kInvisibleText{"text.invisible_characters", "text", base::Strength::weak,
                                                   0, "characters that nobody sees stand within words"};
inline constexpr std::array kEvidence = {kTextMismatch, kHomograph,  kUserinfo,     kInvisible,
                                         kObfuscated,   kDefanged,   kWrapped,      kRewrappedOften,
                                         kCode,         kForm,       kPasswordForm, kRemoteFile,
                                         kTooMany,      kHiddenText, kInvisibleText};

class UrlList {
  public:
    /// What follows comes from there: a part's path, or a header's name. In text that people read as their
    /// message every link counts; files full of links are data, of which bare names are none, and the rest of
    /// a long list is a fact and no gap.
    void enter(std::string_view where, bool is_message_text);
    /// Text for people in UTF-8.
    void add_text(std::string_view utf8);
    /// What read_page made of a page. `base`: what relative links count from when the page has no base of
    /// its own; may be empty.
    void add_page(const Page& page, std::string_view base);
    /// A URL that a document names as one: a link of a PDF, a relationship of an Office document.
    void add_link(std::string_view url, std::string_view where);
    /// What a code in a picture says.
    void add_code(std::string_view text, std::string_view where);
    /// Some of what was to be read was beyond a limit.
    void note_cut();
    /// Moves everything into the Facts.
    void finish(message::Facts& facts);

  private:
    struct Circumstances;
    void add_text_url(const TextUrl& found, bool hidden);
    void add_script(std::string_view code, const Circumstances& how);
    void add_found(std::string_view text, const Circumstances& how);
    void add_parsed(const format::Url& url, std::string_view text, const Circumstances& how);
    void add_inner(const format::Url& url, const Circumstances& how);
    void list(const format::Url& url, std::string_view text, const Circumstances& how);
    void judge(const format::Url& url, std::string_view text, const Circumstances& how, std::uint32_t& flags);
    void judge_host(const format::UrlHost& host, std::string_view where, std::uint32_t& flags);
    void compare_shown(const format::Url& url, const Circumstances& how, std::uint32_t& flags);
    void note(const base::EvidenceInfo& info, std::string_view where, std::string_view url,
              std::string_view shown = {});
    void note_hidden(const Page& page);
    void note_invisible(std::string_view text);

    struct Noted {
        message::Evidence evidence;
        std::size_t count = 0;
    };
    std::vector<message::Url> urls_;
    std::vector<std::uint32_t> flags_;  ///< by index of urls_
    std::unordered_map<std::string, std::size_t> by_canonical_;
    std::map<std::string_view, Noted> noted_;  ///< by id
    std::vector<message::Evidence> texts_;     ///< one per part and kind
    std::size_t bytes_ = 0;
    std::string where_;
    bool is_message_text_ = true;
    std::optional<std::string> cut_;  ///< the place of the first thing that did not fit
};

}  // namespace gatehouse::inspect::find
