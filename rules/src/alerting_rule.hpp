// An alert by an expression, as Prometheus evaluates it.
#pragma once

#include "alert_book.hpp"
#include "alert_texts.hpp"
#include "rule.hpp"

namespace tocsin::rules {

class AlertingRule : public Rule {
 public:
  AlertingRule(const RuleSpec& spec, const std::string& group_id, const TemplateContext& templates);
  [[nodiscard]] std::optional<std::string> evaluate(Round& round) override;
  [[nodiscard]] std::vector<core::Alert> alerts() const override { return book_.alerts(); }
  void take_from(Rule& old) override;
  void visit(const std::function<void(const promql::Expr&)>& visitor) const override { visitor(*spec_.parsed); }

 private:
  promql::Plan plan_;
  AlertTexts texts_;
  AlertBook book_;
};

/// What both kinds of alerts do once it is clear what holds: alerts move on, series are written, changes are told.
[[nodiscard]] std::optional<std::string> conclude(Round& round, const RuleSpec& spec, AlertBook& book, Output& output,
                                                  std::vector<Found> found, const std::vector<core::Labels>& frozen);

}  // namespace tocsin::rules
