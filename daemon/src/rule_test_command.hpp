// `tocsin test rules FILE...`
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tocsin/core/source.hpp"
#include "tocsin/core/yaml.hpp"

namespace tocsin::daemon {

struct RuleTestOptions {
  std::vector<std::string> files;
  std::string run;                                 // RE2: only tests whose name has this; empty: all
  std::map<std::string, std::string> environment;  // for ${VAR} in a configuration that a test names
};

/// Reads and runs test files, and says on stdout what is good and on stderr what is not. 0: all of it is good; 1: it is
/// not.
[[nodiscard]] int test_rules(const RuleTestOptions& options);

/// For `check`: the same without running it. A line for people, or nothing if `diagnostics` has errors.
[[nodiscard]] std::string check_rule_test(const core::YamlDocument& document,
                                          const std::map<std::string, std::string>& environment,
                                          core::Diagnostics& diagnostics);

}  // namespace tocsin::daemon
