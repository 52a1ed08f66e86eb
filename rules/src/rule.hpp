// One rule at work. A group owns its rules and evaluates them in order.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tocsin/core/alert.hpp"
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
  std::vector<core::AlertChange>& changes;
};

/// The series that a rule writes: a block of its own, because the rules of a group see each other's results at one
/// time, and a block takes a time once.
class Output {
 public:
  /// Starts the rows of one evaluation.
  void begin() { table_.begin(); }
  void add(const core::Labels& labels, double value) { table_.add(labels, value); }
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
  explicit Rule(const RuleSpec& spec) : spec_(spec) {}
  virtual ~Rule() = default;
  Rule(const Rule&) = delete;
  Rule& operator=(const Rule&) = delete;

  /// What went wrong, if anything. After an error of the expression the rule's series and alerts are as they were.
  [[nodiscard]] virtual std::optional<std::string> evaluate(Round& round) = 0;
  /// What it does not know for sure although nothing went wrong: data that is missing.
  [[nodiscard]] virtual std::string doubt() const { return {}; }
  [[nodiscard]] virtual std::vector<core::Alert> alerts() const { return {}; }
  /// Goes on where `old`, of the same kind, name and labels, is.
  virtual void take_from(Rule& old) { std::swap(output_, old.output_); }
  /// The expressions it reads.
  virtual void visit(const std::function<void(const promql::Expr&)>& visitor) const = 0;

  [[nodiscard]] const RuleSpec& spec() const { return spec_; }
  [[nodiscard]] Output& output() { return output_; }

 protected:
  const RuleSpec& spec_;  // lives in the group
  Output output_;
};

/// `spec` and `templates` must outlive the rule.
[[nodiscard]] std::unique_ptr<Rule> make_rule(const RuleSpec& spec, const std::string& group_id,
                                              const TemplateContext& templates);

/// An expression's result as rules take it: a scalar is one sample without labels. The error, or the samples.
[[nodiscard]] std::variant<promql::Vector, std::string> run(promql::Plan& plan, const Round& round, core::TimePoint at);

}  // namespace tocsin::rules
