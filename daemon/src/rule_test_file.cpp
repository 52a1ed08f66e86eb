#include "src/rule_test_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "config/files.hpp"
#include "src/rule_test_table.hpp"
#include "tocsin/core/duration.hpp"
#include "tocsin/rules/promql/engine.hpp"

namespace tocsin::daemon {
namespace {

using core::Diagnostics;

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
  Loader(const core::YamlDocument& document, Diagnostics& diagnostics)
      : document_(document), diagnostics_(diagnostics) {}

  std::optional<RuleTestFile> load() {
    core::FieldReader reader(document_.file, diagnostics_);
    RawRuleTestFile raw;
    rule_test_table().read(reader, document_.root, raw);
    RuleTestFile out;
    out.source = document_.file;
    if (raw.evaluation_interval.count() != 0) out.evaluation_interval = raw.evaluation_interval;
    out.fuzzy = raw.fuzzy;
    for (const auto& pattern : raw.rule_files) read_rules(pattern, out);
    order(raw.group_eval_order, out);
    out.tests = std::move(raw.tests);
    for (RuleTest& test : out.tests) check(test, out);
    if (diagnostics_.has_errors()) return std::nullopt;
    return out;
  }

 private:
  void error(core::Position at, std::string message) { diagnostics_.error(document_.file, at, std::move(message)); }
  void warning(core::Position at, std::string message) { diagnostics_.warning(document_.file, at, std::move(message)); }

  void read_rules(const core::Located<std::string>& pattern, RuleTestFile& out) {
    const std::string path = beside(document_.file->name, pattern.value);
    if (pattern.value.empty()) return error(pattern.at, "the name of a file is needed here");
    const auto files = matching_files({path});
    if (files.empty()) {
      const bool glob = path.find_first_of("*?[") != std::string::npos;
      return glob ? warning(pattern.at, "no file matches " + path) : error(pattern.at, "there is no file " + path);
    }
    for (const std::string& file : files) {
      if (!seen_.insert(file).second) continue;
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
      } else if (std::find(known.begin(), known.end(), name) == known.end()) {
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
      } else if (std::find(names.begin(), names.end(), alert.alertname) == names.end()) {
        warning(at,
                fmt::format("no rule has an alert \"{}\"{}", alert.alertname, did_you_mean(alert.alertname, names)));
      }
    }
    for (const QueryTest& query : test.queries) {
      if (query.expression.empty()) error(query.place.of("expr"), "an expression is needed here");
    }
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
  Diagnostics& diagnostics_;
  std::set<std::string> seen_;
};

}  // namespace

core::Duration RuleTest::end() const {
  core::Duration last{0};
  for (const AlertTest& alert : alerts) last = std::max(last, alert.eval_time);
  for (const QueryTest& query : queries) last = std::max(last, query.eval_time);
  return last;
}

std::size_t RuleTestFile::rule_count() const {
  std::size_t count = 0;
  for (const rules::GroupSpec& group : groups) count += group.rules.size();
  return count;
}

bool is_rule_test(const core::YamlNode& root) { return root.find("tests") != nullptr; }

std::optional<RuleTestFile> load_rule_test(const core::YamlDocument& document, Diagnostics& diagnostics) {
  return Loader(document, diagnostics).load();
}

}  // namespace tocsin::daemon
