// The tables of fields of a test file.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "src/rule_test_file.hpp"
#include "tocsin/core/fields.hpp"

namespace tocsin::daemon {

/// The file before what it names is read.
struct RawRuleTestFile {
  std::vector<core::Located<std::string>> rule_files;
  core::Duration evaluation_interval{0};
  std::vector<core::Located<std::string>> group_eval_order;
  bool fuzzy = false;
  core::Located<std::string> config;
  std::vector<std::pair<std::string, std::string>> environment;  // for ${VAR}, over the process' own
  bool as_auto = false;
  core::YamlNode actions, guard, maintenance;  // as the configuration has them
  std::vector<RuleTest> tests;
  core::Place place;
};

[[nodiscard]] core::Section<RawRuleTestFile> rule_test_table();

}  // namespace tocsin::daemon
