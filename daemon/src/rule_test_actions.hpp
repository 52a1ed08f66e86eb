// Actions in a test of rules: the machine that decides about them, among alerts, people and a platform of the test's.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "src/rule_test.hpp"
#include "src/rule_test_platform.hpp"
#include "src/rule_test_world.hpp"
#include "tocsin/actions/machine.hpp"

namespace tocsin::daemon {

class RuleTestActions {
 public:
  RuleTestActions(const RuleTestFile& file, const RuleTest& test, const RuleTestWorld& world);

  /// What the rules said at that time; everything before it has been done.
  void told(std::vector<core::AlertChange> changes, core::TimePoint at);
  /// Does everything that is due up to that time, that included.
  void advance(core::TimePoint until);
  /// Holds what was written down since the check before against the expectation. `advance` to its time first.
  void check(const ActionTest& expectation, std::vector<TestFailure>& failures);
  /// Orders that did not end as the test wants.
  [[nodiscard]] const std::vector<TestFailure>& order_failures() const { return order_failures_; }

 private:
  void step(actions::Event event);
  void carry_out(actions::Effect effect);
  [[nodiscard]] std::optional<core::TimePoint> next(core::TimePoint until) const;
  [[nodiscard]] core::Suppression suppression(const core::Labels& labels) const;
  [[nodiscard]] core::Result<double> number(const std::string& expression) const;
  void give_order(const TestOrder& order);
  [[nodiscard]] actions::Moment moment() const;
  /// All that was said about an action since then, and what holds it now.
  [[nodiscard]] std::vector<std::string> reasons(const std::string& action, std::size_t from);
  [[nodiscard]] std::string row(const core::ActionRecord& record) const;
  [[nodiscard]] std::string rows_since(std::size_t from) const;

  const RuleTest& test_;
  const RuleTestWorld& world_;
  RuleTestPlatform platform_;
  actions::Machine machine_;
  core::TimePoint now_;
  std::deque<actions::Effect> effects_;
  std::multimap<core::TimePoint, actions::Event> later_;
  std::vector<const TestOrder*> orders_;  // in the order of time
  std::size_t next_order_ = 0;
  std::vector<core::ActionRecord> rows_;
  std::size_t checked_ = 0;  // rows that an action test has seen
  std::vector<TestFailure> order_failures_;
};

}  // namespace tocsin::daemon
