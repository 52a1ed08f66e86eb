// What a test of rules runs in: series that come in as time goes on, and the rules on them.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/number_query.hpp"
#include "src/rule_test_file.hpp"
#include "tocsin/rules/group.hpp"
#include "tocsin/rules/promql/engine.hpp"
#include "tocsin/store/store.hpp"

namespace tocsin::daemon {

class RuleTestWorld {
 public:
  RuleTestWorld(const RuleTestFile& file, const RuleTest& test);

  /// All samples up to `at` come in, and every group is evaluated once, in order.
  [[nodiscard]] rules::Evaluation step(core::TimePoint at);
  /// The rules' alerts of that name, pending and firing.
  [[nodiscard]] std::vector<core::Alert> alerts(const std::string& name) const;
  [[nodiscard]] std::variant<rules::promql::Value, rules::promql::EvalError> query(
      const rules::promql::Expr& expression, core::TimePoint at) const;
  /// The one number that an expression gives, or why it gives none.
  [[nodiscard]] NumberAnswer number(const std::string& expression, core::TimePoint at) const;
  /// Input that there was no room for.
  [[nodiscard]] std::size_t refused() const { return refused_; }

 private:
  struct Input {
    const TestSeries* series;
    store::BlockId block;
    std::size_t next = 0;  // value to come in
    bool named = false;    // the store knows its labels
  };
  void give(Input& input, core::TimePoint until);

  core::TimePoint start_;
  core::Duration interval_;
  core::Duration evaluation_interval_;
  store::Store store_;
  std::vector<Input> inputs_;
  std::vector<std::unique_ptr<rules::Group>> groups_;
  std::size_t refused_ = 0;
};

}  // namespace tocsin::daemon
