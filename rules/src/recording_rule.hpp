// Writes an expression's result under a name of its own.
#pragma once

#include "rule.hpp"

namespace tocsin::rules {

class RecordingRule : public Rule {
 public:
  RecordingRule(const RuleSpec& spec, RuleMark mark) : Rule(spec, mark), plan_(*spec.parsed) {}
  [[nodiscard]] std::optional<std::string> evaluate(Round& round) override;
  void visit(const std::function<void(const promql::Expr&)>& visitor) const override { visitor(*spec_.parsed); }

 private:
  promql::Plan plan_;
};

}  // namespace tocsin::rules
