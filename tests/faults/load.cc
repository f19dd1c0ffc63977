#include "faults/load.h"

#include <fmt/format.h>

#include <deque>
#include <memory>

#include "support/gateway/smtp_talk.h"

namespace gatehouse::faults {

using testing::SmtpTalk;
using namespace std::chrono_literals;

namespace {

struct Recipient {
    const char* address;
    Place place;
};

std::vector<Recipient> recipients_of(int message) {
    constexpr int kEvery = 10;
    constexpr int kForOneHop = 5;
    const int kind = message % kEvery;
    if (kind == kEvery - 1) return {{kHeldRecipient, Place::quarantine}};
    if (kind < kForOneHop) return {{kInnerRecipient, Place::inner}};
    return {{kInnerRecipient, Place::inner}, {kOuterRecipient, Place::outer}};
}

std::string content_of(const Name& name, std::size_t size) {
    std::string out = fmt::format(
        "From: <a@sender.test>\r\nTo: <user@gw.test>\r\nSubject: {}\r\nMessage-ID: {}\r\n"
        "Date: Mon, 01 Jun 2026 10:00:00 +0000\r\n\r\n",
        name.id, message_id(name));
    while (out.size() < size)
        out += "The quick brown fox jumps over the lazy dog, and does it once more.\r\n";
    return out;
}

Answer answer_of(const std::string& reply) {
    if (reply.starts_with('2')) return Answer::accepted;
    if (reply.starts_with('4')) return Answer::later;
    if (reply.starts_with('5')) return Answer::refused;
    return Answer::lost;
}

}  // namespace

class Load::Sender {
  public:
    static constexpr std::size_t kMostWaiting = 100;
    static constexpr auto kBackOff = 150ms;
    static constexpr auto kPauseAfterCut = 20ms;

    Sender(Load& load, int number) : load_(load), number_(number) {}

    void run() {
        for (int message = 0; !load_.is_stopping_;) {
            if (const auto now = Steady::now(); !waiting_.empty() && waiting_.front().due <= now) {
                auto again = std::move(waiting_.front());
                waiting_.pop_front();
                send(std::move(again));
            } else if (waiting_.size() < kMostWaiting) {
                // The kinds of the senders are spread, so that all kinds are under way at any moment.
                send({{fmt::format("s{}-{}", number_, message), 1},
                      recipients_of(message + number_ * 3),
                      now});
                ++message;
            }
            std::this_thread::sleep_for(load_.plan_.pause);
        }
    }

  private:
    struct Letter {
        Name name;
        std::vector<Recipient> to;
        Time due;
    };

    void send(Letter letter) {
        const auto answer = deliver(letter.name, letter.to);
        if (answer == Answer::accepted || answer == Answer::refused) return;
        if (answer == Answer::lost) std::this_thread::sleep_for(kPauseAfterCut);
        ++letter.name.number;
        letter.due = Steady::now() + kBackOff;
        waiting_.push_back(std::move(letter));
    }

    Answer deliver(const Name& name, const std::vector<Recipient>& to) {
        Try one{name};
        one.begun = Steady::now();
        one.reply = converse(one, to);
        one.ended = Steady::now();
        one.answer = answer_of(one.reply);
        if (one.answer == Answer::lost || one.reply.starts_with("421")) talk_.reset();
        const auto answer = one.answer;
        load_.ledger_.add(std::move(one));
        return answer;
    }

    /// The reply to the final dot, or the first one that ended it before.
    std::string converse(Try& one, const std::vector<Recipient>& to) {
        if (const auto refusal = greet(); !refusal.starts_with("250")) return refusal;
        if (const auto mail = talk_->ask("MAIL FROM:<a@sender.test>"); !mail.starts_with("250")) return mail;
        std::string refusal;
        for (const auto& recipient : to) {
            const auto reply = talk_->ask(fmt::format("RCPT TO:<{}>", recipient.address));
            if (reply.empty() || reply.starts_with("421")) return reply;
            if (reply.starts_with("250"))
                one.places.push_back(recipient.place);
            else
                refusal = reply;
        }
        if (one.places.empty()) {
            talk_->ask("RSET");
            return refusal;
        }
        if (const auto data = talk_->ask("DATA"); !data.starts_with("354")) {
            if (!data.empty() && !data.starts_with("421")) talk_->ask("RSET");
            return data;
        }
        talk_->send(content_of(one.name, load_.size_) + ".\r\n");
        return talk_->hear();
    }

    std::string greet() {
        if (talk_) return "250";
        talk_ = std::make_unique<SmtpTalk>(load_.port_(), load_.plan_.patience_seconds);
        if (!talk_->is_open()) return {};
        if (const auto greeting = talk_->hear(); !greeting.starts_with("220")) {
            talk_.reset();
            return greeting;
        }
        auto hello = talk_->ask("EHLO client.test");
        if (!hello.starts_with("250")) talk_.reset();
        return hello;
    }

    Load& load_;
    int number_;
    std::unique_ptr<SmtpTalk> talk_;
    std::deque<Letter> waiting_;  // by due, as all wait the same time
};

Load::Load(LoadPlan plan, std::function<int()> port, Ledger& ledger)
    : plan_(plan), port_(std::move(port)), ledger_(ledger), size_(plan.size) {
    for (int i = 0; i < plan_.senders; ++i) threads_.emplace_back([this, i] { Sender(*this, i).run(); });
}

void Load::stop() {
    is_stopping_ = true;
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

}  // namespace gatehouse::faults
