// Rule files are written by people and machines: whatever stands in one, reading it ends in groups or in diagnostics.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "tocsin/core/yaml.hpp"
#include "tocsin/rules/rule_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace tocsin;
  core::Diagnostics diagnostics;
  const auto file = std::make_shared<core::SourceFile>(
      core::SourceFile{"fuzz.yml", std::string(reinterpret_cast<const char*>(bytes), size)});
  const auto groups = rules::parse_rule_file(core::parse_yaml(file, diagnostics), diagnostics);
  for (const rules::GroupSpec& group : groups) {
    (void)group.identity();
    (void)rules::look_back(group, rules::promql::default_lookback);
  }
  (void)diagnostics.render();
  return 0;
}
