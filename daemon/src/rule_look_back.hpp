// How far back a rule sees: for so long after a change it still sees what was before.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tocsin/core/matcher.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/rules/rule_file.hpp"

namespace tocsin::daemon {

/// Looks through recording rules. A plain selector sees the present only: what is gone is marked as stale.
class RuleLookBack {
 public:
  explicit RuleLookBack(const std::vector<rules::GroupSpec>& groups);

  /// The longest of the rules that define this alert and whose labels may match, with `keep_firing_for` added; nothing
  /// if there is none.
  [[nodiscard]] std::optional<core::Duration> of_alert(const std::string& name,
                                                       std::span<const core::Matcher> matchers) const;
  [[nodiscard]] core::Duration of(const rules::promql::Expr& expression) const;

 private:
  using Names = std::set<std::string, std::less<>>;
  class Walk;
  [[nodiscard]] core::Duration of_rule(const rules::RuleSpec& rule) const;
  [[nodiscard]] core::Duration of_metric(const std::string& name, Names& seen) const;

  std::multimap<std::string, const rules::RuleSpec*, std::less<>> recorded_;
  std::multimap<std::string, const rules::RuleSpec*, std::less<>> alerts_;
};

}  // namespace tocsin::daemon
