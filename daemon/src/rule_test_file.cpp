#include "src/rule_test_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "config/files.hpp"
#include "config/inline_actions.hpp"
#include "src/loaded.hpp"
#include "src/rule_test_table.hpp"
#include "tocsin/core/duration.hpp"
#include "tocsin/rules/promql/engine.hpp"

namespace tocsin::daemon {
namespace {

using core::Diagnostics;
using Environment = std::map<std::string, std::string>;

std::string absolute(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::absolute(path, ignored).lexically_normal().string();
}

/// `name` beside the test file, and named as the test file was: errors in rule files read like those in it.
std::string beside(const std::string& test_file, const std::string& name) {
  if (name.starts_with('/')) return name;
  return (std::filesystem::path(test_file).parent_path() / name).lexically_normal().string();
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known) {
  const auto near = core::nearest(word, known);
  return near.empty() ? std::string() : fmt::format(" (did you mean \"{}\"?)", near);
}

class Loader {
 public:
  Loader(const core::YamlDocument& document, const Environment& environment, Diagnostics& diagnostics)
      : document_(document), environment_(environment), diagnostics_(diagnostics) {}

  std::optional<RuleTestFile> load() {
    core::FieldReader reader(document_.file, diagnostics_);
    RawRuleTestFile raw;
    rule_test_table().read(reader, document_.root, raw);
    RuleTestFile out;
    out.source = document_.file;
    for (const auto& [name, value] : raw.environment) environment_.insert_or_assign(name, value);
    const std::size_t errors = diagnostics_.errors();
    if (!raw.config.value.empty()) use_config(raw.config, out);
    if (raw.evaluation_interval.count() != 0) out.evaluation_interval = raw.evaluation_interval;
    out.fuzzy = raw.fuzzy;
    for (const auto& pattern : raw.rule_files) read_rules(pattern, out);
    rules_known_ = diagnostics_.errors() == errors;
    order(raw.group_eval_order, out);
    read_actions(out);
    if (raw.as_auto && out.actions) {
      for (actions::ActionSpec& action : out.actions->actions) {
        if (action.mode == actions::Mode::shadow) action.mode = actions::Mode::automatic;
      }
    }
    out.tests = std::move(raw.tests);
    for (RuleTest& test : out.tests) check(test, out);
    if (diagnostics_.has_errors()) return std::nullopt;
    return out;
  }

 private:
  void error(core::Position at, std::string message) { diagnostics_.error(document_.file, at, std::move(message)); }
  void warning(core::Position at, std::string message) { diagnostics_.warning(document_.file, at, std::move(message)); }

  /// The rules, the actions and the external labels of a configuration.
  void use_config(const core::Located<std::string>& name, RuleTestFile& out) {
    LoadOptions options;
    options.environment = environment_;
    options.require_secrets = false;
    Diagnostics own;  // what it warns of is for `check`
    auto loaded = load_everything(beside(document_.file->name, name.value), options, own);
    for (const core::Diagnostic& each : own.all()) {
      if (each.severity == core::Diagnostic::Severity::error) diagnostics_.error(each.file, each.at, each.message);
    }
    if (!loaded) return error(name.at, "this configuration cannot be used");
    out.evaluation_interval = loaded->config.global.evaluation_interval;
    external_labels_ = loaded->config.global.external_labels;
    external_url_ = loaded->config.global.external_url;
    for (const RuleFileConfig& file : loaded->config.rule_files) seen_.insert(absolute(file.path));
    out.groups = std::move(loaded->groups);
    out.actions = make_settings(loaded->config);
  }

  /// Those that stand in the test file itself.
  void read_actions(RuleTestFile& out) {
    core::YamlDocument sections{document_.file, {}};
    sections.root.kind = core::YamlNode::Kind::map;
    sections.root.at = document_.root.at;
    for (const core::YamlEntry& entry : document_.root.entries) {
      const std::string& key = entry.first.scalar;
      if (key == "actions" || key == "guard" || key == "maintenance") sections.root.entries.push_back(entry);
    }
    if (!sections.root.entries.empty()) out.actions = read_inline_actions(sections, environment_, diagnostics_);
  }

  void read_rules(const core::Located<std::string>& pattern, RuleTestFile& out) {
    const std::string path = beside(document_.file->name, pattern.value);
    if (pattern.value.empty()) return error(pattern.at, "the name of a file is needed here");
    const auto files = matching_files({path});
    if (files.empty()) {
      const bool glob = path.find_first_of("*?[") != std::string::npos;
      return glob ? warning(pattern.at, "no file matches " + path) : error(pattern.at, "there is no file " + path);
    }
    for (const std::string& file : files) {
      if (!seen_.insert(absolute(file)).second) continue;
      const core::YamlDocument rules = core::load_yaml(file, diagnostics_);
      auto groups = rules::parse_rule_file(rules, diagnostics_);
      std::move(groups.begin(), groups.end(), std::back_inserter(out.groups));
    }
  }

  /// As promtool orders them: the named groups in their order; those that are not named stand with the first.
  void order(const std::vector<core::Located<std::string>>& names, RuleTestFile& out) {
    std::vector<std::string_view> known;
    for (const rules::GroupSpec& group : out.groups) known.push_back(group.name);
    std::map<std::string, std::size_t> places;
    for (const auto& [name, at] : names) {
      if (!places.emplace(name, places.size()).second) {
        error(at, fmt::format("the group \"{}\" stands in the order twice", name));
      } else if (rules_known_ && std::find(known.begin(), known.end(), name) == known.end()) {
        warning(at, fmt::format("there is no group \"{}\"{}", name, did_you_mean(name, known)));
      }
    }
    const auto place = [&places](const rules::GroupSpec& group) {
      const auto found = places.find(group.name);
      return found == places.end() ? 0 : found->second;
    };
    std::stable_sort(out.groups.begin(), out.groups.end(),
                     [&place](const auto& a, const auto& b) { return place(a) < place(b); });
  }

  void check(RuleTest& test, const RuleTestFile& file) {
    if (!test.interval || test.interval->count() == 0) test.interval = file.evaluation_interval;
    if (test.end() / file.evaluation_interval > max_test_evaluations) {
      error(test.place.at, fmt::format("this test needs more than {} evaluations (evaluate less often, or end earlier)",
                                       max_test_evaluations));
    }
    std::map<core::Labels, core::Position> seen;
    for (const TestSeries& series : test.series) {
      const core::Position at = series.place.of("series");
      if (series.labels.empty()) error(at, "a series has one label at least, its name most often");
      const auto [first, fresh] = seen.emplace(series.labels, at);
      if (!fresh) {
        warning(at, fmt::format("{} stands in line {} already: the values here take its place",
                                series.labels.to_string(), first->second.line));
      }
    }
    const auto names = alert_names(file);
    for (const AlertTest& alert : test.alerts) {
      const core::Position at = alert.place.of("alertname");
      if (alert.alertname.empty()) {
        error(at, "the name of an alert is needed here");
      } else if (rules_known_ && std::find(names.begin(), names.end(), alert.alertname) == names.end()) {
        warning(at,
                fmt::format("no rule has an alert \"{}\"{}", alert.alertname, did_you_mean(alert.alertname, names)));
      }
    }
    check_actions(test, file);
    for (const QueryTest& query : test.queries) {
      if (query.expression.empty()) error(query.place.of("expr"), "an expression is needed here");
    }
  }

  void check_actions(RuleTest& test, const RuleTestFile& file) {
    if (!test.place.has("external_labels")) test.external_labels = external_labels_;
    if (!test.place.has("external_url")) test.external_url = external_url_;
    std::stable_sort(test.drifts.begin(), test.drifts.end(),
                     [](const TestDrift& a, const TestDrift& b) { return a.at < b.at; });
    std::vector<std::string_view> names{"all"}, targets;
    if (file.actions) {
      for (const actions::ActionSpec& action : file.actions->actions) {
        names.push_back(action.name);
        targets.push_back(action.name);
        targets.push_back(action.target);
      }
    } else if (!test.actions.empty() && !diagnostics_.has_errors()) {
      error(test.place.of("action_test"), "there are no actions (name a \"config\", or give \"actions\" here)");
    }
    if (!file.actions) return;
    const auto known = [this](core::Position at, const std::string& name, const std::vector<std::string_view>& all,
                              std::string_view what) {
      if (name.empty() || std::find(all.begin(), all.end(), name) != all.end()) return;
      error(at, fmt::format("there is no {} \"{}\"{}", what, name, did_you_mean(name, all)));
    };
    for (const ActionTest& each : test.actions) {
      for (const ExpectedAction& action : each.actions)
        known(each.place.of("exp_actions"), action.action, names, "action");
      for (const ExpectedNoAction& action : each.none) known(action.place.of("action"), action.action, names, "action");
    }
    for (const TestOrder& order : test.orders) {
      for (const std::string* name : {&order.approve, &order.reject, &order.pause, &order.resume, &order.rearm})
        known(order.place.at, *name, names, "action");
    }
    for (const auto& [target, value] : test.platform)
      known(test.place.of("platform"), target, targets, "target of an action");
    for (const TestFault& fault : test.faults)
      known(test.place.of("platform_faults"), fault.target, targets, "target of an action");
    for (const TestDrift& drift : test.drifts)
      known(test.place.of("changed_by_others"), drift.target, targets, "target of an action");
  }

  static std::vector<std::string_view> alert_names(const RuleTestFile& file) {
    std::vector<std::string_view> names;
    for (const rules::GroupSpec& group : file.groups) {
      for (const rules::RuleSpec& rule : group.rules) {
        if (rule.kind != rules::RuleSpec::Kind::record) names.push_back(rule.name);
      }
    }
    return names;
  }

  const core::YamlDocument& document_;
  Environment environment_;
  Diagnostics& diagnostics_;
  std::set<std::string> seen_;  // rule files
  core::Labels external_labels_;
  std::string external_url_;
  bool rules_known_ = true;  // all of them could be read
};

}  // namespace

core::Duration RuleTest::end() const {
  core::Duration last{0};
  for (const AlertTest& alert : alerts) last = std::max(last, alert.eval_time);
  for (const QueryTest& query : queries) last = std::max(last, query.eval_time);
  for (const ActionTest& action : actions) last = std::max(last, action.eval_time);
  return last;
}

std::size_t RuleTestFile::rule_count() const {
  std::size_t count = 0;
  for (const rules::GroupSpec& group : groups) count += group.rules.size();
  return count;
}

bool is_rule_test(const core::YamlNode& root) { return root.find("tests") != nullptr; }

std::optional<RuleTestFile> load_rule_test(const core::YamlDocument& document,
                                           const std::map<std::string, std::string>& environment,
                                           core::Diagnostics& diagnostics) {
  return Loader(document, environment, diagnostics).load();
}

}  // namespace tocsin::daemon
