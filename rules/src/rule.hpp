// One rule at work. A group owns its rules and evaluates them in order.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "memory_codec.hpp"
#include "tocsin/core/alert.hpp"
#include "tocsin/core/memory.hpp"
#include "tocsin/core/observation.hpp"
#include "tocsin/rules/group.hpp"
#include "tocsin/rules/promql/engine.hpp"
#include "tocsin/rules/rule_file.hpp"
#include "tocsin/store/store.hpp"

namespace tocsin::rules {

/// What a rule gets to know for one evaluation.
struct Round {
  store::Store& store;
  core::TimePoint at;       // the evaluation's time: alerts are judged at it
  core::TimePoint data_at;  // what expressions see and records carry: `at` less the group's query offset
  promql::EvalLimits limits;
  const GroupSpec& group;
  const GroupSettings& settings;
  const std::string& group_id;  // "file;group"
  const std::string& memory_prefix;
  bool settling = false;  // nothing ends for want of data
  std::vector<core::AlertChange>& changes;
  std::vector<core::Memory>& memories;
};

/// What a rule gets to know when it takes up what another process left.
struct Revival {
  core::TimePoint alive;  // when that was last alive, by the clock of that time
  core::TimePoint now;    // on the same clock: `alive` and the time away
  bool too_long = false;  // it was away for longer than a pending alert bears
  core::Duration valid_for{0};
  RestoreReport& report;
};
enum class Revived { yes, unclaimed, broken, over };

/// The series that a rule writes: a block of its own, because the rules of a group see each other's results at one
/// time, and a block takes a time once.
class Output {
 public:
  /// Starts the rows of one evaluation.
  void begin() { table_.begin(); }
  void add(const core::Labels& labels, double value) { (void)table_.add(labels, value); }
  /// Where a series stands in the table: whoever adds it again and again need not make its labels each time.
  struct Place {
    core::Slot slot = 0;
    std::uint32_t serial = 0;
  };
  [[nodiscard]] std::optional<Place> add_placed(const core::Labels& labels, double value) {
    const auto slot = table_.add(labels, value);
    return slot ? std::optional(Place{*slot, table_.serial(*slot)}) : std::nullopt;
  }
  /// False if the place stands for something else by now.
  [[nodiscard]] bool add(const Place& place, double value) { return table_.add(place.slot, place.serial, value); }
  /// Hands the rows over. Series of the evaluation before that are not among them end. Gives what went wrong; with
  /// `shared`, that others give some of the series too is not wrong.
  [[nodiscard]] std::optional<std::string> commit(store::Store& store, const std::string& name, core::TimePoint at,
                                                  bool shared = false);
  void close(store::Store& store, core::TimePoint at);
  [[nodiscard]] bool open() const { return block_.has_value(); }

 private:
  core::SeriesTable table_;
  std::optional<store::BlockId>
      block_;  // opened with the first rows: a rule that is replaced before leaves nothing behind
};

class Rule {
 public:
  Rule(const RuleSpec& spec, RuleMark mark) : spec_(spec), mark_(mark) {}
  virtual ~Rule() = default;
  Rule(const Rule&) = delete;
  Rule& operator=(const Rule&) = delete;

  /// What went wrong, if anything. After an error of the expression the rule's series and alerts are as they were.
  [[nodiscard]] virtual std::optional<std::string> evaluate(Round& round) = 0;
  /// Instead of an evaluation, while nothing is known of what it reads: alerts stay as they are, and are told again.
  virtual void hold(Round& /*round*/) {}
  /// What it does not know for sure although nothing went wrong: data that is missing.
  [[nodiscard]] virtual std::string doubt() const { return {}; }
  [[nodiscard]] virtual std::vector<core::Alert> alerts() const { return {}; }
  [[nodiscard]] virtual std::vector<LineStatus> lines() const { return {}; }
  /// Goes on where `old`, of the same kind, name and labels, is.
  virtual void take_from(Rule& old) { std::swap(output_, old.output_); }
  /// Takes up one memory, of a key with this rule's mark.
  virtual Revived restore(const MemoryKey&, std::string_view, const Revival&) { return Revived::unclaimed; }
  /// After the last of them.
  virtual void finish_restore() {}
  /// Appends the deletion of all that it has written.
  virtual void forget(const std::string& /*prefix*/, std::vector<core::Memory>& /*out*/) const {}
  /// Whether it has anything that must outlive the process.
  [[nodiscard]] virtual bool remembers() const { return false; }
  /// All times move.
  virtual void shift(core::Duration) {}
  /// The expressions it reads.
  virtual void visit(const std::function<void(const promql::Expr&)>& visitor) const = 0;

  [[nodiscard]] const RuleSpec& spec() const { return spec_; }
  [[nodiscard]] RuleMark mark() const { return mark_; }
  [[nodiscard]] Output& output() { return output_; }

 protected:
  const RuleSpec& spec_;  // lives in the group
  const RuleMark mark_;
  Output output_;
};

/// `spec` and `templates` must outlive the rule.
[[nodiscard]] std::unique_ptr<Rule> make_rule(const RuleSpec& spec, RuleMark mark, const std::string& group_id,
                                              const TemplateContext& templates);

/// An expression's result as rules take it: a scalar is one sample without labels. The error, or the samples.
[[nodiscard]] std::variant<promql::Vector, std::string> run(promql::Plan& plan, const Round& round, core::TimePoint at);

}  // namespace tocsin::rules
