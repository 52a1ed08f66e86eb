// Threshold files: limits in plain words become expressions and hysteresis.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <set>

#include "read_context.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::rules {
namespace {

/// Metrics that people know, and the ratios that are recorded of them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> recorded_ratios{
    {{"redis_memory_used_bytes", "redis:memory_used:ratio"},
     {"redis_memory_max_bytes", "redis:memory_used:ratio"},
     {"redis_connected_clients", "redis:connected_clients:ratio"},
     {"redis_config_maxclients", "redis:connected_clients:ratio"},
     {"redis_max_clients", "redis:connected_clients:ratio"},
     {"redis_keyspace_hits_total", "redis:keyspace_hits:ratio5m"},
     {"redis_keyspace_misses_total", "redis:keyspace_hits:ratio5m"},
     {"redis_keyspace_hits", "redis:keyspace_hits:ratio5m"}}};

std::string_view recorded_ratio(std::string_view metric) {
  for (const auto& [name, ratio] : recorded_ratios) {
    if (name == metric) return ratio;
  }
  return {};
}

class ThresholdReader {
 public:
  ThresholdReader(const ReadContext& context, const RawThreshold& raw)
      : context_(context), raw_(raw), prefix_(fmt::format("threshold \"{}\": ", raw.alert.text)) {}

  RuleSpec read() {
    RuleSpec rule;
    rule.kind = RuleSpec::Kind::threshold;
    rule.at = raw_.place.at;
    rule.name = raw_.alert.text;
    rule.hold = raw_.hold;
    rule.keep_firing = raw_.keep_firing;
    if (raw_.alert.text.empty()) fail(raw_.alert.at, "the alert needs a name");
    read_where();
    ThresholdSpec spec;
    spec.all = raw_.any.empty();
    spec.average = raw_.average;
    spec.breaches = raw_.breaches;
    spec.on_missing = raw_.on_missing;
    spec.hold_max = raw_.hold_max;
    check();
    for (const RawLine& line : spec.all ? raw_.all : raw_.any) spec.lines.push_back(read_line(line));
    rule.expression = in_words(spec);
    rule.threshold = std::move(spec);
    read_labels(context_, raw_.labels, "label", rule.name, prefix_, rule.labels);
    read_labels(context_, raw_.annotations, "annotation", rule.name, prefix_, rule.annotations);
    return rule;
  }

 private:
  void fail(core::Position at, const std::string& message) const { context_.error(at, prefix_ + message); }

  void check() const {
    if (raw_.all.empty() && raw_.any.empty()) {
      fail(raw_.place.at, "needs \"all\" or \"any\" with at least one line: {metric: NAME, above: LIMIT}");
    }
    if (raw_.average && raw_.average->count() <= 0) fail(raw_.place.of("average"), "\"average\" must be longer than 0");
    if (raw_.breaches && !raw_.average)
      fail(raw_.place.of("breaches"), "\"breaches\" needs \"average\": it is the length of a period");
    if (raw_.place.has("hold_max") && raw_.on_missing != ThresholdSpec::OnMissing::hold) {
      fail(raw_.place.of("hold_max"), "\"hold_max\" means something with \"on_missing: hold\" only");
    }
  }

  void read_where() {
    if (raw_.where.text.empty()) return;
    // A name in front makes any matchers a valid selector: `{job=~".*"}` alone matches everything, which PromQL
    // refuses.
    const auto selector = parse_selector(raw_.where, "x", "\"where\" needs matchers such as {job=\"sessions\"}");
    if (!selector) return;
    for (const core::Matcher& matcher : selector->matchers) {
      if (matcher.name() != core::metric_name_label) where_.push_back(matcher);
    }
  }

  /// The selector that `lead` and the text make; nothing, and an error, if it is none.
  std::optional<promql::VectorSelector> parse_selector(const RawText& text, const std::string& lead,
                                                       const std::string& wanted) {
    auto parsed = promql::parse(lead + text.text);
    if (const auto* error = std::get_if<promql::ParseError>(&parsed)) {
      const std::size_t offset = error->range.begin > lead.size() ? error->range.begin - lead.size() : 0;
      fail(place_within(*context_.file, text, offset), wanted + ": " + error->message);
      return std::nullopt;
    }
    auto* selector = std::get_if<promql::VectorSelector>(&std::get<promql::ExprPtr>(parsed)->node);
    if (selector == nullptr || selector->offset.count() != 0 || selector->at) {
      fail(text.at, wanted);
      return std::nullopt;
    }
    return std::move(*selector);
  }

  ThresholdSpec::Line read_line(const RawLine& raw) {
    ThresholdSpec::Line line;
    line.metric = raw.metric.text;
    line.above = raw.above.has_value();
    if (!raw.above && !raw.below) {
      fail(raw.place.at, "a line needs \"above\" or \"below\"");
    } else {
      read_limits(raw, line);
    }
    auto selector = parse_selector(
        raw.metric, "",
        "\"metric\" needs a metric's name, with or without matchers (an expression belongs into a recording rule)");
    if (!selector) return line;
    check_percent(raw, selector->name);
    for (const core::Matcher& matcher : where_) selector->matchers.push_back(matcher);
    make_expression(std::move(*selector), line);
    return line;
  }

  void read_limits(const RawLine& raw, ThresholdSpec::Line& line) const {
    const RawLimit& limit = line.above ? *raw.above : *raw.below;
    const auto& clear = line.above ? raw.clear_below : raw.clear_above;
    const auto& wrong = line.above ? raw.clear_above : raw.clear_below;
    line.limit = limit.value;
    if (wrong) {
      fail(wrong->at, line.above ? "\"above\" goes with \"clear_below\", not with \"clear_above\""
                                 : "\"below\" goes with \"clear_above\", not with \"clear_below\"");
    }
    if (!clear) return;
    line.clear = clear->value;
    const bool sound = line.above ? clear->value <= limit.value : clear->value >= limit.value;
    if (!sound) {
      fail(clear->at, line.above ? "\"clear_below\" must not be higher than \"above\""
                                 : "\"clear_above\" must not be lower than \"below\"");
    }
  }

  void check_percent(const RawLine& raw, const std::string& metric) const {
    if (metric.find("ratio") != std::string::npos) return;
    for (const auto* limit : {&raw.above, &raw.below, &raw.clear_below, &raw.clear_above}) {
      if (!*limit || !(*limit)->percent) continue;
      const std::string_view ratio = recorded_ratio(metric);
      fail((*limit)->at,
           fmt::format("% needs a ratio, and {} is none ({})", metric,
                       ratio.empty() ? "record the ratio with a recording rule and use that, or give a number"
                                     : fmt::format("use {}", ratio)));
      return;
    }
  }

  void make_expression(promql::VectorSelector selector, ThresholdSpec::Line& line) const {
    promql::Expr plain;
    plain.node = std::move(selector);
    line.expression = promql::to_string(plain);
    if (raw_.average && raw_.average->count() > 0) {
      line.expression = fmt::format("avg_over_time({}[{}])", line.expression, core::format_duration(*raw_.average));
    }
    auto parsed = promql::parse(line.expression);
    if (const auto* error = std::get_if<promql::ParseError>(&parsed)) {
      return fail(raw_.place.at, "cannot be written as an expression: " + error->message);
    }
    line.parsed = std::get<promql::ExprPtr>(std::move(parsed));
  }

  [[nodiscard]] std::string in_words(const ThresholdSpec& spec) const {
    std::string out;
    for (const ThresholdSpec::Line& line : spec.lines) {
      if (!out.empty()) out += spec.all ? " and " : " or ";
      out += fmt::format("{} {} {}", line.metric, line.above ? "above" : "below", core::format_value(line.limit));
      if (line.clear)
        out += fmt::format(" (clears {} {})", line.above ? "below" : "above", core::format_value(*line.clear));
    }
    if (!raw_.where.text.empty()) out += " where " + raw_.where.text;
    if (spec.average) out += ", average of " + core::format_duration(*spec.average);
    if (spec.breaches) out += fmt::format(", {} of {} periods", spec.breaches->first, spec.breaches->second);
    switch (spec.on_missing) {
      case ThresholdSpec::OnMissing::hold:
        return out + ", missing data holds for " + core::format_duration(spec.hold_max);
      case ThresholdSpec::OnMissing::fire:
        return out + ", missing data fires";
      case ThresholdSpec::OnMissing::resolve:
        break;
    }
    return out + ", missing data resolves";
  }

  const ReadContext& context_;
  const RawThreshold& raw_;
  std::string prefix_;
  std::vector<core::Matcher> where_;
};

}  // namespace

std::vector<GroupSpec> read_thresholds(const ReadContext& context, const RawThresholdFile& raw) {
  GroupSpec group{context.file->name, "thresholds", raw.interval, std::nullopt, 0, {}};
  std::set<std::pair<std::string, std::vector<core::Label>>> known;
  for (const RawThreshold& threshold : raw.thresholds) {
    RuleSpec rule = ThresholdReader(context, threshold).read();
    if (!known.emplace(rule.name, rule.labels).second) {
      context.error(threshold.alert.at,
                    fmt::format("threshold \"{}\" is there twice with the same labels in the same file", rule.name));
    }
    group.rules.push_back(std::move(rule));
  }
  if (group.rules.empty()) return {};
  return {std::move(group)};
}

}  // namespace tocsin::rules
