#include "faults/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace gatehouse::faults {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kDomain = "@faults.test>";
constexpr std::array<std::string_view, 3> kPlaceNames{"the inner hop", "the outer hop", "quarantine"};
/// Between a copy's arrival and the death that kept us from noting it; our note takes milliseconds, the
/// machine may be busy.
constexpr milliseconds kWindow = 1s;

std::string_view to_string(Place place) {
    return kPlaceNames.at(static_cast<std::size_t>(place));
}

/// The process died when the hop had said 250 for the first copy and we had hardly had time to note it.
bool is_in_window(const std::vector<Death>& deaths, const Copy& first, const Copy& second) {
    return std::any_of(deaths.begin(), deaths.end(), [&](const Death& death) {
        return first.at <= death.to && first.at + kWindow >= death.from && second.at >= death.from;
    });
}

/// That try heard nothing because the process died.
bool is_cut_by_death(const std::vector<Death>& deaths, const Try& one) {
    return one.answer == Answer::lost && std::any_of(deaths.begin(), deaths.end(), [&](const Death& death) {
               return one.begun <= death.to && one.ended >= death.from;
           });
}

class Judge {
  public:
    explicit Judge(const Seen& seen) : seen_(seen), kept_(seen.kept.begin(), seen.kept.end()) {
        for (const auto& one : seen.tries) tries_[one.name] = &one;
    }

    Judgement run() {
        for (const auto& one : seen_.tries) count(one);
        for (const auto& [where, copies] : seen_.copies) {
            if (copies.size() > 1) doubled(where.first, where.second, copies);
        }
        for (const auto* set : {&in_window_, &sent_again_, &unexplained_})
            doubled_.insert(set->begin(), set->end());
        out_.doubled = doubled_.size();
        out_.in_window = in_window_.size();
        out_.sent_again = sent_again_.size();
        out_.unexplained = unexplained_.size();
        return std::move(out_);
    }

  private:
    void count(const Try& one) {
        ++out_.answers.at(static_cast<std::size_t>(one.answer));
        out_.slowest = std::max(out_.slowest, std::chrono::ceil<milliseconds>(one.ended - one.begun));
        if (one.answer != Answer::accepted) return;
        ++out_.acknowledged;
        bool is_lost = false;
        for (const auto place : one.places) {
            if (is_there(one.name, place)) continue;
            is_lost = true;
            out_.findings.push_back(fmt::format("lost: {} was acknowledged and is not at {} nor kept ({})",
                                                message_id(one.name), to_string(place), one.reply));
        }
        out_.lost += is_lost ? 1 : 0;
    }

    bool is_there(const Name& name, Place place) const {
        if (kept_.contains({name, place})) return true;
        const auto at = seen_.copies.find({name.id, place});
        return at != seen_.copies.end() &&
               std::any_of(at->second.begin(), at->second.end(),
                           [&](const Copy& copy) { return copy.number == name.number; });
    }

    void doubled(const std::string& id, Place hop, std::vector<Copy> copies) {
        std::sort(copies.begin(), copies.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
        for (std::size_t i = 0; i + 1 < copies.size(); ++i) {
            const auto& first = copies[i];
            const auto& second = copies[i + 1];
            if (first.number == second.number && is_in_window(seen_.deaths, first, second)) {
                in_window_.insert(id);
            } else if (first.number != second.number &&
                       was_cut({id, std::min(first.number, second.number)})) {
                sent_again_.insert(id);
            } else {
                unexplained_.insert(id);
                out_.findings.push_back(describe(id, hop, first, second));
            }
        }
    }

    bool was_cut(const Name& name) const {
        const auto at = tries_.find(name);
        return at != tries_.end() && is_cut_by_death(seen_.deaths, *at->second);
    }

    std::string describe(const std::string& id, Place hop, const Copy& first, const Copy& second) const {
        const auto at = tries_.find({id, std::min(first.number, second.number)});
        const auto after = std::chrono::duration_cast<milliseconds>(second.at - first.at);
        return fmt::format(
            "unexplained: {} (tries {} and {}) is twice at {}, {} ms apart; the client had heard \"{}\"", id,
            first.number, second.number, to_string(hop), after.count(),
            at == tries_.end() ? "?" : at->second->reply);
    }

    const Seen& seen_;
    std::set<std::pair<Name, Place>> kept_;
    std::map<Name, const Try*> tries_;
    std::set<std::string> in_window_;
    std::set<std::string> sent_again_;
    std::set<std::string> unexplained_;
    std::set<std::string> doubled_;
    Judgement out_;
};

}  // namespace

std::string message_id(const Name& name) {
    return fmt::format("<{}.t{}{}", name.id, name.number, kDomain);
}

std::optional<Name> find_name(std::string_view text) {
    const auto end = text.find(kDomain);
    if (end == std::string_view::npos) return std::nullopt;
    const auto begin = text.rfind('<', end);
    const auto mark = text.rfind(".t", end);
    if (begin == std::string_view::npos || mark == std::string_view::npos || mark < begin)
        return std::nullopt;
    const std::string number(text.substr(mark + 2, end - mark - 2));
    return Name{std::string(text.substr(begin + 1, mark - begin - 1)), std::atoi(number.c_str())};
}

Judgement judge(const Seen& seen) {
    return Judge(seen).run();
}

void Ledger::add(Try one) {
    const std::lock_guard lock(mutex_);
    seen_.tries.push_back(std::move(one));
}

void Ledger::arrived(Place hop, const Name& name) {
    const auto now = Steady::now();
    const std::lock_guard lock(mutex_);
    seen_.copies[{name.id, hop}].push_back({now, name.number});
}

void Ledger::kept(Place place, const Name& name) {
    const std::lock_guard lock(mutex_);
    seen_.kept.emplace_back(name, place);
}

void Ledger::died(Death death) {
    const std::lock_guard lock(mutex_);
    seen_.deaths.push_back(death);
}

std::optional<milliseconds> Ledger::recovered(Time end) const {
    const std::lock_guard lock(mutex_);
    std::optional<Time> first;
    for (const auto& one : seen_.tries) {
        if (one.answer != Answer::accepted || one.begun < end) continue;
        if (!first || one.ended < *first) first = one.ended;
    }
    if (!first) return std::nullopt;
    return std::chrono::ceil<milliseconds>(*first - end);
}

std::size_t Ledger::accepted() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(seen_.tries.begin(), seen_.tries.end(),
                      [](const auto& one) { return one.answer == Answer::accepted; }));
}

Seen Ledger::seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
}

}  // namespace gatehouse::faults
