// Content expressions: the lists of a policy compiled into one database, and the texts of one message matched
// against it. The one adapter around Hyperscan. Compiling is slow and is done once, in a process of its own
// (inspect/worker/expression_builder.h); what it makes is loaded by the zygote.
//
// Text is UTF-8; letters and case are Unicode's. An expression is found or not, however often it stands
// there. Bounded: an expression that Hyperscan cannot do in linear time, or that needs more than
// kMaxExpressionBytes, is refused at compile time. Matching is linear in the text.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/evidence_id.h"
#include "base/result.h"
#include "message/expression_list.h"
#include "message/facts.h"

namespace gatehouse::inspect::find {

inline constexpr std::size_t kMaxExpressionBytes = 1U << 20;   ///< of one, compiled
inline constexpr std::size_t kMaxExpressionData = 128U << 20;  ///< of all

inline constexpr base::EvidenceInfo kContentExpression{
    "content.expression", "content", base::Strength::fact, 0,
    "a keyword list of the policy matches; facts list, hits (how many of its expressions were found), score "
    "(their sum) and in"};

/// Matching in the form that load() takes. `on_next(i)` is called before the i-th expression of all lists is
/// tried alone; whoever watches knows which one is at work when it takes too long. Fault::usage names file
/// and line.
base::Result<std::string> compile_expressions(std::span<const message::ExpressionList> lists,
                                              const std::function<void(std::size_t)>& on_next = {});

/// A loaded database; immutable but for its scratch memory: one thread at a time.
class Expressions {
  public:
    /// `payload` is what compile_expressions made on a machine of this kind: Fault::malformed if not. It is
    /// trusted in so far as its digest has been checked (lists/generation.h).
    static base::Result<Expressions> load(std::string_view payload);
    Expressions(Expressions&&) noexcept;
    Expressions& operator=(Expressions&&) noexcept;
    ~Expressions();

    /// Which lists these are (message::digest_of): Facts::expressions, and the source of their evidence.
    void set_digest(std::string digest) { digest_ = std::move(digest); }
    const std::string& digest() const { return digest_; }
    std::size_t size() const;

  private:
    friend class ExpressionScan;
    struct State;
    explicit Expressions(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
    std::string digest_;
};

/// The texts of one message.
class ExpressionScan {
  public:
    /// Null: there are no lists, and nothing happens.
    explicit ExpressionScan(const Expressions* expressions);
    ~ExpressionScan();
    ExpressionScan(const ExpressionScan&) = delete;
    ExpressionScan& operator=(const ExpressionScan&) = delete;

    bool is_wanted(message::TextField field) const;
    /// `where`: a part's path, or a header's name.
    void add(message::TextField field, std::string_view where, std::string_view utf8);
    /// content.expression for every list that matches.
    void finish(message::Facts& facts) const;

  private:
    struct Found;
    void match(message::TextField field, std::string_view where, std::string_view utf8);
    const Expressions* expressions_;
    std::unique_ptr<Found> found_;
};

}  // namespace gatehouse::inspect::find
