#include "src/loaded.hpp"

#include <algorithm>
#include <memory>

#include "tocsin/core/yaml.hpp"
#include "tocsin/rules/packs.hpp"
#include "tocsin/rules/promql/engine.hpp"

namespace tocsin::daemon {
namespace {

void append_groups(std::vector<rules::GroupSpec>& all, const std::shared_ptr<const core::SourceFile>& source,
                   core::Diagnostics& diagnostics) {
  const core::YamlDocument document = core::parse_yaml(source, diagnostics);
  auto groups = rules::parse_rule_file(document, diagnostics);
  std::move(groups.begin(), groups.end(), std::back_inserter(all));
}

}  // namespace

std::vector<std::string> pack_names() {
  std::vector<std::string> names;
  for (const rules::Pack& pack : rules::packs()) names.emplace_back(pack.name);
  return names;
}

std::size_t Loaded::rule_count() const {
  std::size_t count = 0;
  for (const rules::GroupSpec& group : groups) count += group.rules.size();
  return count;
}

core::Duration Loaded::look_back(core::Duration lookback_delta) const {
  core::Duration longest{0};
  for (const rules::GroupSpec& group : groups) longest = std::max(longest, rules::look_back(group, lookback_delta));
  for (const actions::ActionSpec& action : config.actions) {
    if (!action.count || action.count->of.empty()) continue;
    const auto of = rules::promql::parse(action.count->of);
    if (const auto* parsed = std::get_if<0>(&of))
      longest = std::max(longest, rules::promql::look_back(**parsed, lookback_delta));
  }
  return longest;
}

core::Duration Loaded::retention() const {
  if (config.storage.retention) return *config.storage.retention;
  return std::max<core::Duration>(look_back(rules::promql::default_lookback) + std::chrono::minutes(5),
                                  std::chrono::minutes(30));
}

store::Limits Loaded::store_limits() const {
  store::Limits limits;
  limits.retention = retention();
  limits.max_series = config.storage.max_series;
  limits.max_bytes = config.storage.memory_limit;
  // An instant selector reads the newest row, which is at hand always.
  limits.at_hand = look_back(core::Duration{0}) + std::chrono::minutes(1);
  return limits;
}

std::optional<Loaded> load_everything(const std::string& path, const LoadOptions& options,
                                      core::Diagnostics& diagnostics) {
  auto config = load_config(path, options, pack_names(), diagnostics);
  if (!config) return std::nullopt;
  Loaded loaded{std::move(*config), {}};
  for (const rules::Pack& pack : rules::packs()) {
    const auto& wanted = loaded.config.packs;
    if (std::find(wanted.begin(), wanted.end(), pack.name) == wanted.end()) continue;
    auto source =
        std::make_shared<core::SourceFile>(core::SourceFile{"pack:" + std::string(pack.name), std::string(pack.text)});
    append_groups(loaded.groups, source, diagnostics);
  }
  for (const RuleFileConfig& file : loaded.config.rule_files) append_groups(loaded.groups, file.source, diagnostics);
  if (diagnostics.has_errors()) return std::nullopt;
  return loaded;
}

}  // namespace tocsin::daemon
