#include "act/delivery/hop_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "act/delivery/pool_core.h"
#include "base/text.h"

namespace gatehouse::act::delivery {

using base::fail;
using base::Fault;
using base::Result;
using base::SteadyTime;
using message::Envelope;
using message::Recipient;

namespace {

Reply no_smtputf8() {
    return make_own_reply(550, "5.6.7", "the next hop does not take internationalised mail (SMTPUTF8)");
}

/// RCPTs sent before their replies are read; keeps both sides' buffers far from full (RFC 2920 section 3.1).
constexpr std::size_t kWindow = 100;

FinalAnswer refused(Reply reply) {
    return {DataOutcome::refused, std::move(reply), {}};
}

FinalAnswer lost(DataOutcome outcome, std::string_view when, base::Error reason) {
    reason.sentence = fmt::format("{}: {}", when, reason.sentence);
    return {outcome, {}, std::move(reason)};
}

bool has_eight_bit(std::string_view content) {
    return std::any_of(content.begin(), content.end(),
                       [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

}  // namespace

std::string_view to_string(DataOutcome outcome) {
    static constexpr std::array<std::string_view, 4> kWords{"accepted", "refused", "in_doubt", "not_sent"};
    return kWords.at(static_cast<std::size_t>(outcome));
}

HopSession::HopSession(std::unique_ptr<HopSlot> slot, std::unique_ptr<HopConnection> connection,
                       bool refuse_eight_bit)
    : slot_(std::move(slot)),
      connection_(std::move(connection)),
      info_(connection_->info()),
      refuse_eight_bit_(refuse_eight_bit) {}

HopSession::HopSession(HopSession&&) noexcept = default;

HopSession::~HopSession() {
    abandon();
}

void HopSession::abandon() {
    if (!connection_) {
        slot_.reset();
        return;
    }
    PoolCore& core = slot_->core();
    if (connection_->machine().is_idle()) {
        core.give_back(std::move(slot_), std::move(connection_));
    } else {
        core.reset(std::move(slot_), std::move(connection_));
    }
}

const Capabilities& HopSession::offers() const {
    static const Capabilities kNothing;
    return connection_ ? connection_->machine().offers() : kNothing;
}

SteadyTime HopSession::after(std::int64_t seconds) const {
    return slot_->core().after(seconds);
}

bool HopSession::replaceable(const base::Error& error) const {
    return info_.reused && !answered_ && error.fault != Fault::internal && error.fault != Fault::usage;
}

net::Task<Result<StartAnswers>> HopSession::start(const Envelope& envelope,
                                                  std::span<const Recipient> recipients, SteadyTime give_up) {
    give_up_ = give_up;
    if (!connection_) co_return fail(Fault::internal, "this session with the next hop is over");
    auto answers = co_await try_start(envelope, recipients);
    if (answers || !replaceable(answers.error())) co_return answers;
    PoolCore& core = slot_->core();
    ++core.tally().found_dead;
    auto fresh = co_await core.connect(slot_->state(), give_up_);
    GATEHOUSE_CO_TRY(connection_, std::move(fresh));
    info_ = connection_->info();
    auto second = co_await try_start(envelope, recipients);
    co_return second;
}

net::Task<Result<StartAnswers>> HopSession::try_start(const Envelope& envelope,
                                                      std::span<const Recipient> recipients) {
    StartAnswers answers;
    answers.recipients.resize(recipients.size());
    taken_ = 0;
    const auto asked = co_await send_mail(envelope, recipients, answers.recipients);
    const bool is_refused =
        mail_.code != 0 && !mail_.is_positive();  // that stands, whoever hangs up behind it
    if (!asked && !is_refused) {
        heard_ = std::move(answers.recipients);
        co_return std::unexpected(asked.error());
    }
    if (!mail_.is_positive()) std::fill(answers.recipients.begin(), answers.recipients.end(), mail_);
    answers.mail = mail_;
    co_return answers;
}

net::Task<Result<void>> HopSession::send_mail(const Envelope& envelope, std::span<const Recipient> recipients,
                                              std::span<Reply> answers) {
    auto& machine = connection_->machine();
    mail_ = Reply();
    // RFC 6531 3.5: it is needed where an address or the header is internationalised, not where it was
    // offered.
    lacks_smtputf8_ = envelope.smtputf8 && !offers().smtputf8;
    if (lacks_smtputf8_ && !base::is_ascii(envelope.sender)) {
        mail_ = no_smtputf8();
    } else if (const auto written = machine.mail(envelope); !written) {
        mail_ = make_own_reply(553, "5.1.7", written.error().sentence);
    }
    if (mail_.code != 0) co_return Result<void>{};
    ++connection_->messages;
    const std::size_t window = machine.offers().pipelining ? kWindow : 1;
    bool mail_waits = true;
    if (window == 1 || recipients.empty()) {
        auto reply = co_await answer();
        GATEHOUSE_CO_TRY(mail_, std::move(reply));
        mail_waits = false;
    }
    for (std::size_t at = 0; at < recipients.size() && (mail_waits || mail_.is_positive()); at += window) {
        const auto part = recipients.subspan(at, std::min(window, recipients.size() - at));
        const auto asked = co_await send_recipients(part, answers.subspan(at, part.size()), mail_waits);
        GATEHOUSE_CO_CHECK(asked);
        mail_waits = false;
    }
    co_return Result<void>{};
}

/// One window: all commands in one write, then all replies.
net::Task<Result<void>> HopSession::send_recipients(std::span<const Recipient> recipients,
                                                    std::span<Reply> answers, bool mail_waits) {
    auto& machine = connection_->machine();
    for (std::size_t i = 0; i < recipients.size(); ++i) {
        if (lacks_smtputf8_ && !base::is_ascii(recipients[i].address)) {
            answers[i] = no_smtputf8();
            continue;
        }
        const auto written = machine.rcpt(recipients[i]);
        if (!written) answers[i] = make_own_reply(553, "5.1.3", written.error().sentence);
    }
    if (mail_waits) {
        auto reply = co_await answer();
        GATEHOUSE_CO_TRY(mail_, std::move(reply));
    }
    for (auto& waiting : answers) {
        if (waiting.code != 0) continue;
        auto reply = co_await answer();
        GATEHOUSE_CO_TRY(waiting, std::move(reply));
        if (waiting.is_positive() && mail_.is_positive()) ++taken_;
    }
    co_return Result<void>{};
}

net::Task<Result<Reply>> HopSession::answer() {
    const auto patience = after(slot_->core().settings().command_timeout);
    auto reply = co_await connection_->answer(std::min(give_up_, patience));
    if (reply && reply->code == 421 && info_.reused && !answered_) {
        co_return fail(Fault::unavailable, "the next hop was closing the pooled connection: {}",
                       reply->to_string());
    }
    answered_ = answered_ || reply;
    co_return reply;
}

net::Task<Result<Reply>> HopSession::rcpt(const Recipient& recipient) {
    if (!connection_ || mail_.code == 0)
        co_return fail(Fault::internal, "no transaction was started with the next hop");
    if (!mail_.is_positive()) co_return mail_;
    std::array<Reply, 1> into;
    const auto asked = co_await send_recipients(std::span(&recipient, 1), into, false);
    GATEHOUSE_CO_CHECK(asked);
    co_return std::move(into[0]);
}

/// Our own refusal where the hop is known not to take it.
std::optional<Reply> HopSession::cannot_take(std::string_view head, std::string_view content,
                                             bool header_is_8bit) const {
    const auto& hop = offers();
    if (taken_ == 0) return make_own_reply(554, "5.5.1", "no valid recipients");
    if (hop.size_limit != 0 && head.size() + content.size() > hop.size_limit) {  // RFC 1870 section 6.3
        return make_own_reply(552, "5.3.4",
                              fmt::format("the next hop takes at most {} bytes", hop.size_limit));
    }
    if (lacks_smtputf8_ && header_is_8bit) return no_smtputf8();
    if (refuse_eight_bit_ && !hop.eight_bit && has_eight_bit(content)) {
        return make_own_reply(550, "5.6.3", "the next hop does not take 8-bit content (8BITMIME)");
    }
    return std::nullopt;
}

net::Task<FinalAnswer> HopSession::data(std::string_view head, std::string_view content, SteadyTime give_up,
                                        bool header_is_8bit) {
    if (!connection_) {
        co_return FinalAnswer{
            DataOutcome::not_sent, {}, {Fault::internal, "this session with the next hop is over"}};
    }
    if (auto own = cannot_take(head, content, header_is_8bit)) co_return refused(std::move(*own));
    connection_->machine().data();
    give_up_ = give_up;
    auto go_ahead = co_await answer();
    if (!go_ahead) co_return lost(DataOutcome::not_sent, "at DATA", go_ahead.error());
    if (go_ahead->code != 354) co_return refused(std::move(*go_ahead));
    auto final_answer = co_await send_content(head, content, give_up);
    co_return final_answer;
}

net::Task<FinalAnswer> HopSession::send_content(std::string_view head, std::string_view content,
                                                SteadyTime give_up) {
    const auto& settings = slot_->core().settings();
    const auto sent = co_await connection_->send_content(
        head, content, {slot_->core().clock(), give_up, std::chrono::seconds(settings.data_timeout)});
    if (!sent) co_return lost(DataOutcome::not_sent, "before the final dot", sent.error());
    const auto patience = patience_ ? patience_->count() : settings.final_timeout;
    auto reply = co_await connection_->answer(after(patience));
    if (!reply && !*sent) co_return lost(DataOutcome::not_sent, "before the final dot", reply.error());
    if (!reply) co_return lost(DataOutcome::in_doubt, "after the final dot", reply.error());
    if (!reply->is_positive()) co_return refused(std::move(*reply));
    co_return FinalAnswer{DataOutcome::accepted, std::move(*reply), {}};
}

}  // namespace gatehouse::act::delivery
