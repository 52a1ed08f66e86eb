// A platform for tests of rules: it has one value a target, takes its time, and fails when it is told to. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "src/rule_test_file.hpp"
#include "tocsin/actions/machine.hpp"

namespace tocsin::daemon {

class RuleTestPlatform {
 public:
  explicit RuleTestPlatform(const RuleTest& test);

  [[nodiscard]] core::Result<actions::Reading> read(const actions::ActionSpec& spec, core::TimePoint now);
  /// How the call ends, and how much later.
  [[nodiscard]] std::pair<actions::CallEnd, core::Duration> change(const actions::ActionSpec& spec,
                                                                   const actions::Change& change, core::TimePoint now);

 private:
  struct Value {
    std::string present;
    std::string coming;  // a change under way
    std::optional<core::TimePoint> comes;
  };
  /// The value that the action moves: of its own name, or of its target's.
  Value* find(const actions::ActionSpec& spec, core::TimePoint now);
  [[nodiscard]] bool has_fault(TestFault::Kind kind, const std::string& target, core::TimePoint now) const;

  const RuleTest& test_;
  std::map<std::string, Value> values_;
  std::size_t next_drift_ = 0;
};

}  // namespace tocsin::daemon
