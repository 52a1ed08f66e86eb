// Runs Prometheus's PromQL test scripts (promqltest/*.test).
#pragma once

#include <map>
#include <string>
#include <vector>

namespace tocsin::rules::promql {

struct ScriptReport {
  int passed = 0;
  std::vector<std::string> failures;   // "line: expression: what differs"
  std::map<std::string, int> skipped;  // by reason
  [[nodiscard]] int skipped_total() const {
    int total = 0;
    for (const auto& [reason, count] : skipped) total += count;
    return total;
  }
};

[[nodiscard]] ScriptReport run_script(const std::string& text);

}  // namespace tocsin::rules::promql
