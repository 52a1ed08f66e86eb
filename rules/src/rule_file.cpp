#include "tocsin/rules/rule_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "raw_rules.hpp"
#include "read_context.hpp"
#include "tocsin/core/duration.hpp"
#include "tocsin/rules/template.hpp"

namespace tocsin::rules {
namespace {

/// Sees to one group; `prefix` begins each of its messages as it does in Prometheus.
class RuleReader {
 public:
  RuleReader(const ReadContext& context, const RawGroup& group, std::size_t number, const RawRule& raw)
      : context_(context), group_(group), raw_(raw) {
    const std::string& name = raw.record.text.empty() ? raw.alert.text : raw.record.text;
    prefix_ = fmt::format("group \"{}\", rule {}, \"{}\": ", group.name.text, number, name);
  }

  RuleSpec read() const {
    RuleSpec rule;
    rule.at = raw_.place.at;
    const bool records = !raw_.record.text.empty();
    const bool alerts = !raw_.alert.text.empty();
    if (records && alerts) fail(raw_.record.at, "only one of 'record' and 'alert' must be set");
    if (!records && !alerts) fail(raw_.place.at, "one of 'record' or 'alert' must be set");
    rule.kind = records ? RuleSpec::Kind::record : RuleSpec::Kind::alert;
    rule.name = records ? raw_.record.text : raw_.alert.text;
    if (records) check_recording();
    read_expression(rule);
    rule.hold = raw_.hold;
    rule.keep_firing = raw_.keep_firing;
    const std::string alert = records ? "" : rule.name;
    read_labels(context_, group_.labels, "label", alert, prefix_, rule.labels);
    read_labels(context_, raw_.labels, "label", alert, prefix_, rule.labels);
    if (alerts) read_labels(context_, raw_.annotations, "annotation", alert, prefix_, rule.annotations);
    return rule;
  }

 private:
  void fail(core::Position at, const std::string& message) const { context_.error(at, prefix_ + message); }

  void check_recording() const {
    const std::string& name = raw_.record.text;
    for (const char* key : {"annotations", "for", "keep_firing_for"}) {
      const bool given = key == std::string_view("annotations") ? !raw_.annotations.empty()
                         : key == std::string_view("for")       ? raw_.hold.count() != 0
                                                                : raw_.keep_firing.count() != 0;
      if (given) fail(raw_.place.of(key), fmt::format("invalid field '{}' in recording rule", key));
    }
    if (name.find_first_of("{}") != std::string::npos) {
      fail(raw_.record.at, "braces present in the recording rule name; should it be in expr?: " + name);
    } else if (!core::is_metric_name(name)) {
      fail(raw_.record.at, "invalid recording rule name: " + name);
    }
  }

  void read_expression(RuleSpec& rule) const {
    rule.expression = raw_.expr.text;
    if (raw_.expr.text.empty()) return fail(raw_.place.of("expr"), "field 'expr' must be set in rule");
    auto parsed = promql::parse(raw_.expr.text);
    if (const auto* error = std::get_if<promql::ParseError>(&parsed)) {
      return fail(place_within(*context_.file, raw_.expr, error->range.begin),
                  "could not parse expression: " + error->render(raw_.expr.text));
    }
    rule.parsed = std::get<promql::ExprPtr>(std::move(parsed));
  }

  const ReadContext& context_;
  const RawGroup& group_;
  const RawRule& raw_;
  std::string prefix_;
};

GroupSpec read_group(const ReadContext& context, const RawGroup& raw) {
  GroupSpec group{context.file->name, raw.name.text, raw.interval, raw.query_offset, raw.limit, {}};
  std::size_t number = 0;
  for (const RawRule& rule : raw.rules) group.rules.push_back(RuleReader(context, raw, ++number, rule).read());
  return group;
}

std::vector<GroupSpec> read_groups(const ReadContext& context, const RawRuleFile& raw) {
  std::vector<GroupSpec> groups;
  std::set<std::string> names;
  for (const RawGroup& group : raw.groups) {
    if (group.name.text.empty()) {
      context.error(group.name.at.line == 0 ? group.place.at : group.name.at, "Groupname must not be empty");
    } else if (!names.insert(group.name.text).second) {
      context.error(group.name.at, fmt::format("groupname: \"{}\" is repeated in the same file", group.name.text));
    }
    if (group.interval && group.interval->count() == 0) {
      // Zero stands for the global interval, as in Prometheus.
      RawGroup plain = group;
      plain.interval.reset();
      groups.push_back(read_group(context, plain));
    } else {
      groups.push_back(read_group(context, group));
    }
  }
  return groups;
}

void describe(const std::vector<core::Label>& labels, std::string& out) {
  for (const core::Label& label : labels) out += label.name + "=" + core::quote(label.value) + ",";
}

}  // namespace

core::Position place_within(const core::SourceFile& file, const RawText& text, std::size_t offset) {
  if (text.at.line == 0 || offset > text.text.size()) return text.at;
  std::size_t begin = 0;
  for (std::size_t line = 1; line < text.at.line && begin != std::string::npos; ++line) {
    begin = file.text.find('\n', begin);
    if (begin != std::string::npos) ++begin;
  }
  const std::size_t skip = text.at.column - 1 + (text.quoted ? 1 : 0);
  if (begin == std::string::npos || begin + skip > file.text.size()) return text.at;
  if (std::string_view(file.text).substr(begin + skip, text.text.size()) != text.text) return text.at;
  return {text.at.line, text.at.column + (text.quoted ? 1 : 0) + offset};
}

void read_labels(const ReadContext& context, const std::vector<RawLabel>& labels, std::string_view what,
                 std::string_view alert, const std::string& prefix, std::vector<core::Label>& out) {
  for (const RawLabel& label : labels) {
    const bool reserved = what == "label" && label.name == core::metric_name_label;
    if (!core::is_label_name(label.name) || reserved) {
      context.error(label.at, fmt::format("{}invalid {} name: {}", prefix, what, label.name));
    }
    if (!alert.empty()) {
      try {
        const Template checked(label.value, "__alert_" + std::string(alert));
      } catch (const std::invalid_argument& e) {
        context.error(label.value_at, fmt::format("{}{} \"{}\": {}", prefix, what, label.name, e.what()));
      }
    }
    const auto same = std::find_if(out.begin(), out.end(), [&](const core::Label& l) { return l.name == label.name; });
    if (same == out.end()) {
      out.push_back({label.name, label.value});
    } else {
      same->value = label.value;
    }
  }
}

std::vector<GroupSpec> parse_rule_file(const core::YamlDocument& document, core::Diagnostics& diagnostics) {
  if (document.root.kind == core::YamlNode::Kind::null) return {};
  const ReadContext context{document.file, diagnostics};
  core::FieldReader reader(document.file, diagnostics);
  if (document.root.find("thresholds") != nullptr) {
    RawThresholdFile raw;
    threshold_file_section().read(reader, document.root, raw);
    return read_thresholds(context, raw);
  }
  RawRuleFile raw;
  rule_file_section().read(reader, document.root, raw);
  return read_groups(context, raw);
}

core::Duration look_back(const GroupSpec& group, core::Duration lookback_delta) {
  core::Duration longest{0};
  for (const RuleSpec& rule : group.rules) {
    if (rule.parsed) longest = std::max(longest, promql::look_back(*rule.parsed, lookback_delta));
    if (!rule.threshold) continue;
    const ThresholdSpec& threshold = *rule.threshold;
    const auto periods = static_cast<std::int64_t>(threshold.breaches ? threshold.breaches->second - 1 : 0);
    const core::Duration before = threshold.average.value_or(core::Duration{0}) * periods;
    for (const ThresholdSpec::Line& line : threshold.lines) {
      if (line.parsed) longest = std::max(longest, promql::look_back(*line.parsed, lookback_delta) + before);
    }
  }
  return longest + group.query_offset.value_or(core::Duration{0});
}

std::string GroupSpec::identity() const {
  const auto span = [](const std::optional<core::Duration>& d) {
    return d ? core::format_duration(*d) : std::string("-");
  };
  std::string out = fmt::format("{};{};{};{};{}\n", file, name, span(interval), span(query_offset), limit);
  for (const RuleSpec& rule : rules) {
    out += fmt::format("{} {} {} {} {}\n", static_cast<int>(rule.kind), core::quote(rule.name),
                       core::quote(rule.expression), rule.hold.count(), rule.keep_firing.count());
    describe(rule.labels, out);
    out += '\n';
    describe(rule.annotations, out);
    out += '\n';
  }
  return out;
}

}  // namespace tocsin::rules
