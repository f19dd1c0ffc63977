#include "message/codec.h"

#include "message/facts.pb.h"
#include "message/on_arena.h"

namespace gatehouse::message {
namespace {

using base::Fault;

// Bounds for one decoded value, far above what an honest inspector sends and far below what could hurt the
// reader.
constexpr int kMaxList = 200'000;
constexpr std::size_t kMaxText = 64 * 1024;

/// Collects the first fault while many fields are read; cheaper to write, and never lets one slip.
class Reader {
  public:
    std::string text(const std::string& from) {
        if (from.size() > kMaxText) fault("a text longer than 64 KiB");
        return from;
    }
    template <typename Enum>
    Enum word(std::uint32_t from, Enum last) {
        if (from != 0 && from <= static_cast<std::uint32_t>(last)) return static_cast<Enum>(from);
        fault("an unknown word");
        return last;
    }
    template <typename From, typename To, typename Read>
    void list(const google::protobuf::RepeatedPtrField<From>& from, std::vector<To>& to, Read read) {
        if (from.size() > kMaxList) return fault("a list that is too long");
        to.reserve(static_cast<std::size_t>(from.size()));
        for (const auto& item : from) to.push_back(read(item));
    }
    void texts(const google::protobuf::RepeatedPtrField<std::string>& from, std::vector<std::string>& to) {
        list(from, to, [this](const std::string& item) { return text(item); });
    }
    void fault(std::string_view what) {
        if (fault_.empty()) fault_ = what;
    }
    template <typename T>
    base::Result<T> finish(T value, std::string_view noun) {
        if (!fault_.empty())
            return base::fail(Fault::malformed, "a stored or sent {} holds {}", noun, fault_);
        return value;
    }

  private:
    std::string fault_;
};

template <typename T>
std::uint32_t number(T value) {
    return static_cast<std::uint32_t>(value);
}

Envelope read_envelope(Reader& in, const pb::Envelope& from) {
    Envelope to;
    const auto reference = base::Reference::from_bytes(from.reference());
    if (!reference) in.fault("no reference");
    to.reference = reference.value_or(base::Reference());
    to.received = base::WallTime(std::chrono::microseconds(from.received_us()));
    to.utc_offset = std::chrono::minutes(from.utc_offset_min());
    const auto& client = from.client();
    to.client = {in.text(client.address()),       static_cast<std::uint16_t>(client.port()),
                 in.text(client.helo()),          in.text(client.protocol()),
                 in.text(client.tls_version()),   in.text(client.tls_cipher()),
                 client.permitted_sender(),       client.early_talker(),
                 client.unauthorised_pipelining()};
    to.sender = in.text(from.sender());
    in.list(from.recipients(), to.recipients, [&](const pb::Recipient& r) {
        return Recipient{in.text(r.address()), static_cast<std::uint8_t>(r.notify()), in.text(r.orcpt()),
                         static_cast<std::uint8_t>(std::min(r.doubts(), 255U))};
    });
    to.declared_size = from.declared_size();
    to.size = from.size();
    to.smtputf8 = from.smtputf8();
    to.eight_bit = from.eight_bit();
    to.ret = in.text(from.ret());
    to.envid = in.text(from.envid());
    to.revision = in.text(from.revision());
    return to;
}

Evidence read_evidence(Reader& in, const pb::Evidence& from) {
    Evidence to{in.text(from.feature()),
                in.text(from.id()),
                in.text(from.where()),
                from.confidence(),
                from.score(),
                in.text(from.text()),
                {},
                in.text(from.source())};
    in.list(from.facts(), to.facts,
            [&](const pb::Fact& f) { return std::pair{in.text(f.key()), in.text(f.value())}; });
    return to;
}

Url read_url(Reader& in, const pb::Url& from) {
    Url to{in.text(from.url()),    in.text(from.canonical()),
           in.text(from.host()),   in.text(from.where()),
           from.score(),           {},
           in.text(from.source()), {}};
    in.texts(from.categories(), to.categories);
    in.texts(from.flags(), to.flags);
    return to;
}

HeaderSummary read_header(Reader& in, const pb::HeaderSummary& from) {
    HeaderSummary to{in.text(from.message_id()),
                     in.text(from.subject()),
                     {},
                     {},
                     in.text(from.date()),
                     from.received_count(),
                     from.from_list(),
                     in.text(from.list_id()),
                     {}};
    in.texts(from.from(), to.from);
    in.texts(from.list_post(), to.list_post);
    in.texts(from.to(), to.to);
    return to;
}

Facts read_facts(Reader& in, const pb::Facts& from) {
    Facts to;
    to.sha256 = in.text(from.sha256());
    if (!to.sha256.empty() && to.sha256.size() != 32) in.fault("a digest of the wrong length");
    to.size = from.size();
    to.header = read_header(in, from.header());
    in.list(from.parts(), to.parts, [&](const pb::Part& p) {
        return Part{in.text(p.path()), in.text(p.claimed_type()), in.text(p.type()), in.text(p.name()),
                    p.size(),          in.text(p.sha256()),       p.attachment(),    in.text(p.similarity())};
    });
    in.list(from.urls(), to.urls, [&](const pb::Url& u) { return read_url(in, u); });
    in.list(from.evidence(), to.evidence, [&](const pb::Evidence& e) { return read_evidence(in, e); });
    in.list(from.gaps(), to.coverage.gaps, [&](const pb::Gap& g) {
        return Gap{in.text(g.part()), in.word(g.reason(), GapReason::ambiguous), in.text(g.text()),
                   in.text(g.engine())};
    });
    to.header_is_8bit = from.header_is_8bit();
    to.header_bytes = from.header_bytes();
    in.texts(from.stripped_headers(), to.stripped_headers);
    in.texts(from.authserv_ids(), to.authserv_ids);
    to.expressions = in.text(from.expressions());
    to.fingerprint = in.text(from.fingerprint());
    to.micros = {from.micros().parse(), from.micros().open(), from.micros().detect(), from.micros().total()};
    return to;
}

Answer read_answer(Reader& in, const pb::Answer& from) {
    return {{in.word(from.question().kind(), QuestionKind::engine_part), in.text(from.question().asked()),
             in.text(from.question().where())},
            in.word(from.state(), AnswerState::unavailable),
            in.text(from.name()),
            in.text(from.gap_reason()),
            in.text(from.database()),
            from.micros(),
            from.from_cache()};
}

HeaderEdit read_edit(Reader& in, const pb::HeaderEdit& from) {
    return {in.word(from.kind(), HeaderEdit::Kind::append), in.text(from.name()), in.text(from.text())};
}

GroupDecision read_group(Reader& in, const pb::GroupDecision& from) {
    GroupDecision to;
    in.texts(from.recipients(), to.recipients);
    to.rule = in.text(from.rule());
    in.texts(from.matched(), to.matched);
    in.list(from.actions(), to.actions, [&](const pb::Action& a) {
        return Action{in.word(a.kind(), ActionKind::hand_off), in.text(a.area()), in.text(a.name()),
                      in.text(a.text())};
    });
    if (to.actions.empty()) in.fault("a decision without an action");
    in.texts(from.because(), to.because);
    in.texts(from.flips(), to.flips);
    in.list(from.plan(), to.plan.edits, [&](const pb::HeaderEdit& e) { return read_edit(in, e); });
    return to;
}

void write_decision(const Decision& from, pb::Decision& to) {
    to.set_decide_version(from.decide_version);
    to.set_verdict(number(from.verdict));
    to.set_spam_score(from.spam_score);
    to.set_spam_threshold(from.spam_threshold);
    for (const auto& group : from.groups) {
        auto& out = *to.add_groups();
        for (const auto& recipient : group.recipients) out.add_recipients(recipient);
        out.set_rule(group.rule);
        for (const auto& rule : group.matched) out.add_matched(rule);
        for (const auto& action : group.actions) {
            auto& a = *out.add_actions();
            a.set_kind(number(action.kind));
            a.set_area(action.area);
            a.set_name(action.name);
            a.set_text(action.text);
        }
        for (const auto& id : group.because) out.add_because(id);
        for (const auto& flip : group.flips) out.add_flips(flip);
        for (const auto& edit : group.plan.edits) to_pb(edit, *out.add_plan());
    }
}

void write_answer(const Answer& from, pb::Answer& to) {
    to.mutable_question()->set_kind(number(from.question.kind));
    to.mutable_question()->set_asked(from.question.asked);
    to.mutable_question()->set_where(from.question.where);
    to.set_state(number(from.state));
    to.set_name(from.name);
    to.set_gap_reason(from.gap_reason);
    to.set_database(from.database);
    to.set_micros(from.micros);
    to.set_from_cache(from.from_cache);
}

}  // namespace

void to_pb(const Envelope& from, pb::Envelope& to) {
    to.set_reference(from.reference.to_bytes());
    to.set_received_us(from.received.time_since_epoch().count());
    to.set_utc_offset_min(static_cast<std::int32_t>(from.utc_offset.count()));
    auto& client = *to.mutable_client();
    client.set_address(from.client.address);
    client.set_port(from.client.port);
    client.set_helo(from.client.helo);
    client.set_protocol(from.client.protocol);
    client.set_tls_version(from.client.tls_version);
    client.set_tls_cipher(from.client.tls_cipher);
    client.set_permitted_sender(from.client.permitted_sender);
    client.set_early_talker(from.client.early_talker);
    client.set_unauthorised_pipelining(from.client.unauthorised_pipelining);
    to.set_sender(from.sender);
    for (const auto& recipient : from.recipients) {
        auto& out = *to.add_recipients();
        out.set_address(recipient.address);
        out.set_notify(recipient.notify);
        out.set_orcpt(recipient.orcpt);
        out.set_doubts(recipient.doubts);
    }
    to.set_declared_size(from.declared_size);
    to.set_size(from.size);
    to.set_smtputf8(from.smtputf8);
    to.set_eight_bit(from.eight_bit);
    to.set_ret(from.ret);
    to.set_envid(from.envid);
    to.set_revision(from.revision);
}

base::Result<Envelope> from_pb(const pb::Envelope& from) {
    Reader in;
    return in.finish(read_envelope(in, from), "envelope");
}

void to_pb(const HeaderSummary& from, pb::HeaderSummary& to) {
    to.set_message_id(from.message_id);
    to.set_subject(from.subject);
    for (const auto& address : from.from) to.add_from(address);
    for (const auto& address : from.to) to.add_to(address);
    to.set_date(from.date);
    to.set_received_count(from.received_count);
    to.set_from_list(from.from_list);
    to.set_list_id(from.list_id);
    for (const auto& address : from.list_post) to.add_list_post(address);
}

void to_pb(const Facts& from, pb::Facts& to) {
    to.set_sha256(from.sha256);
    to.set_size(from.size);
    to_pb(from.header, *to.mutable_header());
    for (const auto& part : from.parts) {
        auto& out = *to.add_parts();
        out.set_path(part.path);
        out.set_claimed_type(part.claimed_type);
        out.set_type(part.type);
        out.set_name(part.name);
        out.set_size(part.size);
        out.set_sha256(part.sha256);
        out.set_attachment(part.attachment);
        if (!part.similarity.empty()) out.set_similarity(part.similarity);
    }
    for (const auto& url : from.urls) {
        auto& out = *to.add_urls();
        out.set_url(url.url);
        out.set_canonical(url.canonical);
        out.set_host(url.host);
        out.set_where(url.where);
        out.set_score(url.score);
        for (const auto& category : url.categories) out.add_categories(category);
        out.set_source(url.source);
        for (const auto& flag : url.flags) out.add_flags(flag);
    }
    for (const auto& item : from.evidence) {
        auto& out = *to.add_evidence();
        out.set_feature(item.feature);
        out.set_id(item.id);
        out.set_where(item.where);
        out.set_confidence(item.confidence);
        out.set_score(item.score);
        out.set_text(item.text);
        for (const auto& [key, value] : item.facts) {
            auto& fact = *out.add_facts();
            fact.set_key(key);
            fact.set_value(value);
        }
        out.set_source(item.source);
    }
    for (const auto& gap : from.coverage.gaps) {
        auto& out = *to.add_gaps();
        out.set_part(gap.part);
        out.set_reason(number(gap.reason));
        out.set_text(gap.text);
        out.set_engine(gap.engine);
    }
    to.set_header_is_8bit(from.header_is_8bit);
    to.set_header_bytes(from.header_bytes);
    for (const auto& name : from.stripped_headers) to.add_stripped_headers(name);
    for (const auto& id : from.authserv_ids) to.add_authserv_ids(id);
    if (!from.expressions.empty()) to.set_expressions(from.expressions);
    if (!from.fingerprint.empty()) to.set_fingerprint(from.fingerprint);
    auto& micros = *to.mutable_micros();
    micros.set_parse(from.micros.parse);
    micros.set_open(from.micros.open);
    micros.set_detect(from.micros.detect);
    micros.set_total(from.micros.total);
}

base::Result<Facts> from_pb(const pb::Facts& from) {
    Reader in;
    return in.finish(read_facts(in, from), "set of facts");
}

void to_pb(const HeaderEdit& from, pb::HeaderEdit& to) {
    to.set_kind(number(from.kind));
    to.set_name(from.name);
    to.set_text(from.text);
}

base::Result<HeaderEdit> from_pb(const pb::HeaderEdit& from) {
    Reader in;
    return in.finish(read_edit(in, from), "header edit");
}

void to_pb(const Record& from, pb::Record& to) {
    to.set_format(kRecordFormat);
    to_pb(from.envelope, *to.mutable_envelope());
    to.set_inspected(from.inspected);
    to.set_is_attempt(from.is_attempt);
    if (from.inspected) {
        to_pb(from.facts, *to.mutable_facts());
        write_decision(from.decision, *to.mutable_decision());
    }
    for (const auto& answer : from.answers) write_answer(answer, *to.add_answers());
    auto& circumstances = *to.mutable_circumstances();
    for (const auto& engine : from.circumstances.engines) circumstances.add_engines(engine);
    circumstances.set_engine_expected_back(from.circumstances.engine_expected_back);
    circumstances.set_authserv_id(from.circumstances.authserv_id);
    for (const auto& step : from.steps) {
        auto& out = *to.add_steps();
        out.set_name(step.name);
        out.set_at_us(step.at_us);
        out.set_result(step.result);
    }
    for (const auto& outcome : from.outcomes) {
        auto& out = *to.add_outcomes();
        out.set_recipient(outcome.recipient);
        out.set_outcome(number(outcome.outcome));
        out.set_reply(outcome.reply);
        out.set_next_hop(outcome.next_hop);
        out.set_item(outcome.item);
    }
}

base::Result<Record> from_pb(const pb::Record& from) {
    if (from.format() == 0 || from.format() > kRecordFormat) {
        return base::fail(Fault::refused,
                          "a record of format {} cannot be read by this version (it knows formats up to {})",
                          from.format(), kRecordFormat);
    }
    Reader in;
    Record to;
    to.envelope = read_envelope(in, from.envelope());
    to.inspected = from.inspected();
    to.is_attempt = from.is_attempt();
    if (to.inspected) {
        to.facts = read_facts(in, from.facts());
        const auto& decision = from.decision();
        to.decision.decide_version = decision.decide_version();
        to.decision.verdict = in.word(decision.verdict(), Verdict::clean);
        to.decision.spam_score = decision.spam_score();
        to.decision.spam_threshold = decision.spam_threshold();
        in.list(decision.groups(), to.decision.groups,
                [&](const pb::GroupDecision& g) { return read_group(in, g); });
    }
    in.list(from.answers(), to.answers, [&](const pb::Answer& a) { return read_answer(in, a); });
    in.texts(from.circumstances().engines(), to.circumstances.engines);
    to.circumstances.engine_expected_back = from.circumstances().engine_expected_back();
    to.circumstances.authserv_id = in.text(from.circumstances().authserv_id());
    in.list(from.steps(), to.steps,
            [&](const pb::Step& s) { return Step{in.text(s.name()), s.at_us(), in.text(s.result())}; });
    in.list(from.outcomes(), to.outcomes, [&](const pb::RecipientOutcome& o) {
        return RecipientOutcome{in.text(o.recipient()), in.word(o.outcome(), kLastOutcome),
                                in.text(o.reply()), in.text(o.next_hop()), in.text(o.item())};
    });
    return in.finish(std::move(to), "record");
}

std::string encode_record(const Record& record) {
    OnArena<pb::Record> out;
    to_pb(record, *out);
    return out->SerializeAsString();
}

base::Result<Record> decode_record(std::string_view bytes) {
    OnArena<pb::Record> in;
    if (!in->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        return base::fail(Fault::malformed, "a stored record is damaged");
    }
    return from_pb(*in);
}

std::string encode_envelope(const Envelope& envelope) {
    pb::Envelope out;
    to_pb(envelope, out);
    return out.SerializeAsString();
}

base::Result<Envelope> decode_envelope(std::string_view bytes) {
    pb::Envelope in;
    if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        return base::fail(Fault::malformed, "a stored envelope is damaged");
    }
    return from_pb(in);
}

}  // namespace gatehouse::message
