// The labels and annotations of an alert: templates, parsed once, and what they make of a result.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "rule.hpp"
#include "tocsin/rules/template.hpp"

namespace tocsin::rules {

class AlertTexts {
 public:
  AlertTexts(const RuleSpec& spec, const TemplateContext& context);

  /// The alert's labels: the result's without its name, then the rule's, then alertname.
  [[nodiscard]] core::Labels labels(const core::Labels& result, double value, const Round& round);
  [[nodiscard]] core::Labels annotations(const core::Labels& result, double value, const Round& round);

 private:
  using Named = std::vector<std::pair<std::string, Template>>;
  [[nodiscard]] TemplateData data(const core::Labels& result, double value, const Round& round);
  [[nodiscard]] std::variant<promql::Vector, std::string> query(std::string_view text, const Round& round);

  std::string name_;
  const TemplateContext& context_;
  Named labels_;
  Named annotations_;
  std::map<std::string, promql::Plan, std::less<>> plans_;  // of queries inside templates
};

}  // namespace tocsin::rules
