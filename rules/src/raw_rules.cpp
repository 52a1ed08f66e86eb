#include "raw_rules.hpp"

#include <charconv>

#include "tocsin/core/duration.hpp"

namespace tocsin::rules {
namespace {

using core::field;
using core::FieldReader;
using core::YamlNode;

/// Text that remembers its place. Nothing at all counts as the empty text, as in Prometheus.
core::Type<RawText> raw_text() {
  core::Type<RawText> type;
  type.shape = core::text().shape;
  type.read = [](FieldReader& reader, const YamlNode& node, RawText& into) {
    into.at = node.at;
    into.quoted = node.quoted;
    if (node.kind == YamlNode::Kind::null) return true;
    const auto text = reader.scalar(node, "text");
    if (!text) return false;
    into.text = *text;
    return true;
  };
  type.write = [](const RawText& value) { return value.text.empty() ? YamlNode{} : core::yaml_text(value.text); };
  return type;
}

/// Names and texts, each with its place; any scalar is a text here, also `severity: 1`.
core::Type<std::vector<RawLabel>> raw_labels() {
  core::Type<std::vector<RawLabel>> type;
  type.shape = core::map_of(core::text(), "name").shape;
  type.read = [](FieldReader& reader, const YamlNode& node, std::vector<RawLabel>& into) {
    if (node.kind == YamlNode::Kind::null) return true;
    if (node.kind != YamlNode::Kind::map) {
      reader.key_error(node.at, "needs a map of names and texts");
      return false;
    }
    bool good = true;
    for (const auto& [key, value] : node.entries) {
      RawText text;
      const std::string outer = reader.enter(key.scalar);
      good = raw_text().read(reader, value, text) && good;
      reader.enter(outer);
      into.push_back({key.scalar, text.text, key.at, value.at});
    }
    return good;
  };
  type.write = [](const std::vector<RawLabel>& labels) {
    std::vector<std::pair<std::string, YamlNode>> entries;
    for (const RawLabel& label : labels) entries.emplace_back(label.name, core::yaml_text(label.value));
    return entries.empty() ? YamlNode{} : core::yaml_map(std::move(entries));
  };
  return type;
}

std::optional<RawLimit> parse_limit(std::string_view text) {
  RawLimit limit;
  limit.percent = text.ends_with('%');
  const std::string_view digits = limit.percent ? text.substr(0, text.size() - 1) : text;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), limit.value);
  if (ec == std::errc() && end == digits.data() + digits.size()) {
    if (limit.percent) limit.value /= 100;
    return limit;
  }
  if (limit.percent) return std::nullopt;
  const auto bytes = core::parse_bytes(text);
  if (!bytes) return std::nullopt;
  limit.value = static_cast<double>(*bytes);
  return limit;
}

core::Type<RawLimit> raw_limit() {
  core::Type<RawLimit> type;
  type.shape = core::number().shape;
  type.shape.word = "number, percentage or size";
  type.read = [](FieldReader& reader, const YamlNode& node, RawLimit& into) {
    const auto text = reader.scalar(node, "a number, a percentage or a size");
    if (!text) return false;
    const auto limit = parse_limit(*text);
    if (!limit) {
      reader.key_error(node.at,
                       "needs a number, a percentage such as 80% or a size such as 256MiB, not \"" + *text + "\"");
      return false;
    }
    into = *limit;
    into.at = node.at;
    return true;
  };
  type.write = [](const RawLimit& limit) { return core::yaml_word(core::format_value(limit.value)); };
  return type;
}

using Breaches = std::pair<unsigned, unsigned>;

std::variant<Breaches, std::string> parse_breaches(const std::string& text) {
  Breaches out{};
  const char* const last = text.data() + text.size();
  const auto [m_end, m_ec] = std::from_chars(text.data(), last, out.first);
  const std::string_view rest(m_end, static_cast<std::size_t>(last - m_end));
  if (m_ec == std::errc() && rest.starts_with(" of ")) {
    const auto [n_end, n_ec] = std::from_chars(m_end + 4, last, out.second);
    if (n_ec == std::errc() && n_end == last && out.first >= 1 && out.first <= out.second && out.second <= 100)
      return out;
  }
  return "needs \"M of N\" periods with 1 <= M <= N <= 100, for instance 2 of 3";
}

core::Type<Breaches> raw_breaches() {
  return core::text_as<Breaches>("M of N", "^[0-9]+ of [0-9]+$", parse_breaches, [](const Breaches& value) {
    return std::to_string(value.first) + " of " + std::to_string(value.second);
  });
}

core::Section<RawRule> rule_section() {
  return core::Section<RawRule>(
      "rule", "A recording rule or an alerting rule.",
      {field("record", &RawRule::record, raw_text()).doc("The metric to record."),
       field("alert", &RawRule::alert, raw_text()).doc("The alert's name."),
       field("expr", &RawRule::expr, raw_text()).doc("PromQL."),
       field("for", &RawRule::hold).doc("How long the expression must give a result before the alert fires."),
       field("keep_firing_for", &RawRule::keep_firing).doc("How long the alert fires on without a result."),
       field("labels", &RawRule::labels, raw_labels()).doc("Labels to add or to replace; templates in alerts."),
       field("annotations", &RawRule::annotations, raw_labels()).doc("Texts for people; templates.")});
}

core::Section<RawGroup> group_section() {
  return core::Section<RawGroup>(
      "rule group", "Rules that are evaluated together, in order.",
      {field("name", &RawGroup::name, raw_text()).doc("Unique in the file."),
       field("interval", &RawGroup::interval).doc("How often the group is evaluated."),
       field("query_offset", &RawGroup::query_offset).doc("How far in the past the group looks."),
       field("limit", &RawGroup::limit).doc("How many series or alerts a rule may give; 0 for no limit."),
       field("labels", &RawGroup::labels, raw_labels()).doc("Labels of all rules of the group."),
       field("rules", &RawGroup::rules, core::list_of(core::section(rule_section()))).doc("The rules.")});
}

core::Section<RawLine> line_section() {
  return core::Section<RawLine>("threshold line", "One condition on one metric.",
                                {field("metric", &RawLine::metric, raw_text())
                                     .required()
                                     .doc("A metric's name, with or without matchers."),
                                 field("above", &RawLine::above, core::maybe(raw_limit())).doc("It holds above this."),
                                 field("below", &RawLine::below, core::maybe(raw_limit())).doc("It holds below this."),
                                 field("clear_below", &RawLine::clear_below, core::maybe(raw_limit()))
                                     .doc("Once it holds, it holds until below this."),
                                 field("clear_above", &RawLine::clear_above, core::maybe(raw_limit()))
                                     .doc("Once it holds, it holds until above this.")})
      .exclusive({"above", "below"});
}

core::Section<RawThreshold> threshold_section() {
  using OnMissing = ThresholdSpec::OnMissing;
  const auto on_missing =
      core::choice<OnMissing>({{"hold", OnMissing::hold}, {"fire", OnMissing::fire}, {"resolve", OnMissing::resolve}});
  const auto lines = core::list_of(core::section(line_section()));
  return core::Section<RawThreshold>(
             "threshold", "An alert by limits, in plain words.",
             {field("alert", &RawThreshold::alert, raw_text()).required().doc("The alert's name."),
              field("all", &RawThreshold::all, lines).doc("Every line must hold."),
              field("any", &RawThreshold::any, lines).doc("One line is enough."),
              field("where", &RawThreshold::where, raw_text()).doc("Matchers for every line: {job=\"sessions\"}."),
              field("average", &RawThreshold::average).doc("Judge the average of this much time."),
              field("breaches", &RawThreshold::breaches, core::maybe(raw_breaches()))
                  .doc("Of the last N periods of `average`, M must be beyond the limit."),
              field("for", &RawThreshold::hold).doc("How long it must hold before the alert fires."),
              field("keep_firing_for", &RawThreshold::keep_firing).doc("How long the alert fires on afterwards."),
              field("on_missing", &RawThreshold::on_missing, on_missing).doc("What a series that vanishes means."),
              field("hold_max", &RawThreshold::hold_max).doc("How long `on_missing: hold` keeps the state it had."),
              field("labels", &RawThreshold::labels, raw_labels()).doc("Labels to add; templates."),
              field("annotations", &RawThreshold::annotations, raw_labels()).doc("Texts for people; templates.")})
      .exclusive({"all", "any"})
      .exclusive({"for", "breaches"});
}

}  // namespace

const core::Section<RawRuleFile>& rule_file_section() {
  static const auto section = core::Section<RawRuleFile>(
      "rule file", "Prometheus's rule files.",
      {field("groups", &RawRuleFile::groups, core::list_of(core::section(group_section()))).doc("The groups.")});
  return section;
}

const core::Section<RawThresholdFile>& threshold_file_section() {
  static const auto section = core::Section<RawThresholdFile>(
      "threshold file", "Alerts by limits.",
      {field("interval", &RawThresholdFile::interval).doc("How often they are judged."),
       field("thresholds", &RawThresholdFile::thresholds, core::list_of(core::section(threshold_section())))
           .doc("The thresholds.")});
  return section;
}

}  // namespace tocsin::rules
