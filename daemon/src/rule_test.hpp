// Runs tests of rules: the clock is the test's, nothing is asked and nothing is told. Pure.
#pragma once

#include <string>
#include <vector>

#include "src/rule_test_file.hpp"

namespace tocsin::daemon {

struct TestFailure {
  core::Position at;  // of the expectation
  std::string words;  // several lines, the first one says what it is about
};

struct TestOutcome {
  std::size_t expectations = 0;
  std::vector<TestFailure> failures;
};

[[nodiscard]] TestOutcome run_rule_test(const RuleTestFile& file, const RuleTest& test);

}  // namespace tocsin::daemon
