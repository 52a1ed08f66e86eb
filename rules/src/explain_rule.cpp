// A rule with its alerts, their timers, and a verdict in one sentence.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "explain_parts.hpp"
#include "tocsin/core/duration.hpp"
#include "truth_unknown.hpp"

namespace tocsin::rules {
namespace {

std::string ahead(core::TimePoint then, core::TimePoint now) {
  return then > now ? fmt::format("{} (in {})", core::format_rfc3339(then), span_text(then - now))
                    : core::format_rfc3339(then);
}
std::string past(core::TimePoint then, core::TimePoint now) {
  return fmt::format("{} ({} ago)", core::format_rfc3339(then), span_text(now - then));
}

/// Until when a held alert is held: hold_max after its data was last seen.
std::optional<core::TimePoint> held_until(const RuleSpec& rule, const RuleStatus* status, const core::Alert& alert) {
  if (!rule.threshold || status == nullptr || rule.threshold->on_missing != ThresholdSpec::OnMissing::hold) return {};
  std::optional<core::TimePoint> seen;
  for (const LineStatus& line : status->lines) {
    const bool its = line.missing && std::all_of(line.labels.begin(), line.labels.end(), [&](const core::Label& label) {
                       return alert.labels.get(label.name) == label.value;
                     });
    if (its) seen = std::min(seen.value_or(line.seen), line.seen);
  }
  if (seen) *seen += rule.threshold->hold_max;
  return seen;
}

ExplainedAlert explain_alert(const RuleSpec& rule, const RuleStatus* status, const core::Alert& alert,
                             core::TimePoint now) {
  ExplainedAlert out;
  out.alert = alert;
  if (alert.labels.get("alertname") == truth_unknown && alert.labels.has("about")) {
    out.words = "there has been no data since " + past(alert.active_at, now);
    return out;
  }
  if (alert.state == core::AlertState::pending) {
    out.words = "pending since " + past(alert.active_at, now);
    if (!alert.held) {
      out.fires_at = alert.active_at + rule.hold;
      out.words += ", fires at " + ahead(*out.fires_at, now) + " if it goes on";
    }
  } else {
    out.words = "firing since " + past(alert.fired_at.value_or(alert.active_at), now);
    if (alert.fired_at && *alert.fired_at > alert.active_at) {
      out.words += ", after it was pending for " + span_text(*alert.fired_at - alert.active_at);
    }
  }
  if (alert.keep_firing_since) {
    out.ends_at = *alert.keep_firing_since + rule.keep_firing;
    out.words +=
        ", silent since " + past(*alert.keep_firing_since, now) + ", kept firing until " + ahead(*out.ends_at, now);
  }
  if (alert.held) {
    out.words += ", held because its data is missing";
    out.ends_at = held_until(rule, status, alert);
    if (out.ends_at) out.words += ", at most until " + ahead(*out.ends_at, now);
  }
  return out;
}

void add_alerts(const RuleSpec& rule, const RuleStatus* status, std::vector<core::Alert> alerts,
                const ExplainRequest& request, Explanation& out) {
  const auto order = [](const core::Alert& a, const core::Alert& b) { return a.state > b.state; };
  std::stable_sort(alerts.begin(), alerts.end(), order);
  std::size_t firing = 0;
  std::size_t pending = 0;
  for (const core::Alert& alert : alerts) {
    const bool fires = alert.state == core::AlertState::firing;
    out.state = std::max(out.state, alert.state);
    if (++(fires ? firing : pending) > request.limits.series) continue;
    out.alerts.push_back(explain_alert(rule, status, alert, request.at));
  }
  out.firing = firing;
  out.pending = pending;
}

/// The deepest node of the first branch that gives nothing: where the silence begins.
const ExplainedNode* silent_origin(const ExplainedNode& node) {
  if (node.count > 0 || node.type == promql::ValueType::string) return nullptr;
  for (const ExplainedNode& child : node.children) {
    if (const ExplainedNode* origin = silent_origin(child)) return origin;
  }
  return &node;
}

std::string silence(const Explanation& out) {
  if (!out.lines.empty()) {
    for (const ExplainedLine& line : out.lines) {
      if (line.count == 0) return fmt::format("there is no data for {}", line.text);
    }
    return out.threshold && out.threshold->all ? "not every line holds" : "no line holds";
  }
  if (!out.expression) return "its expression gives nothing";
  if (!out.expression->error.empty()) return "its expression cannot be evaluated";
  const ExplainedNode* origin = silent_origin(*out.expression);
  if (origin == nullptr) return "its expression gives a result now; the next evaluation will take it up";
  if (origin->kind == ExplainedNode::Kind::selector || origin->kind == ExplainedNode::Kind::range) {
    return fmt::format("there is no data of {}", origin->expression);
  }
  const bool compares = origin->kind == ExplainedNode::Kind::comparison;
  return fmt::format("{}{}{}", compares ? "nothing passes " : "", origin->expression, compares ? "" : " gives nothing");
}

std::string verdict(const Explanation& out) {
  if (out.kind == RuleSpec::Kind::record) {
    const std::size_t count = out.expression ? out.expression->count : 0;
    return fmt::format("{} records {}", out.rule, counted(count, "series", "series"));
  }
  std::string text;
  if (out.firing > 0) text = fmt::format("{} {}", out.firing, out.firing == 1 ? "alert fires" : "alerts fire");
  if (out.pending > 0) {
    text += fmt::format("{}{} {} pending", text.empty() ? "" : ", ", out.pending,
                        out.pending == 1 ? "alert is" : "alerts are");
  }
  if (text.empty()) return fmt::format("{} is silent: {}", out.rule, silence(out));
  return fmt::format("{}: {}", out.rule, text);
}

}  // namespace

std::vector<core::Alert> recorded_alerts(const RuleSpec& rule, const store::View& view, core::TimePoint at,
                                         core::Duration look_back) {
  const auto read = [&](std::string_view name) {
    std::vector<std::pair<core::Labels, double>> out;
    const std::vector<core::Matcher> matchers{
        {core::Matcher::Kind::equal, std::string(core::metric_name_label), std::string(name)},
        {core::Matcher::Kind::equal, "alertname", rule.name}};
    for (const store::SeriesId id : view.select(matchers)) {
      if (const auto sample = view.latest(id, at, look_back)) {
        out.emplace_back(view.labels(id).without_name(), sample->value);
      }
    }
    return out;
  };
  std::map<core::Labels, double> since;
  for (auto& [labels, value] : read("ALERTS_FOR_STATE")) since.emplace(std::move(labels), value);
  std::vector<core::Alert> out;
  for (auto& [labels, value] : read("ALERTS")) {
    core::Alert alert;
    alert.state = labels.get("alertstate") == "firing" ? core::AlertState::firing : core::AlertState::pending;
    labels.erase("alertstate");
    const auto active = since.find(labels);
    alert.active_at = active == since.end() ? at : core::from_millis(static_cast<std::int64_t>(active->second * 1000));
    alert.labels = std::move(labels);
    alert.rule = rule.name;
    out.push_back(std::move(alert));
  }
  return out;
}

Explanation explain(const RuleSpec& rule, const RuleStatus* status, const store::View& view,
                    const ExplainRequest& request) {
  Explanation out;
  out.rule = rule.name;
  out.kind = rule.kind;
  out.query = rule.parsed ? promql::to_string(*rule.parsed) : rule.expression;
  out.at = request.at;
  out.hold = rule.hold;
  out.keep_firing = rule.keep_firing;
  if (rule.kind != RuleSpec::Kind::record) {
    add_alerts(rule, status,
               status != nullptr ? status->alerts
                                 : recorded_alerts(rule, view, request.at, request.limits.evaluation.lookback),
               request, out);
  }
  if (status != nullptr) {
    out.health = status->health;
    out.error = status->last_error;
  } else {
    out.notes.emplace_back("for a time that has passed the alerts are those in ALERTS; hysteresis is not known");
  }
  if (rule.parsed) out.expression = explain(*rule.parsed, view, request);
  if (rule.threshold) {
    out.threshold = rule.threshold;
    out.lines = explain_lines(*rule.threshold, status, view, request);
  }
  out.verdict = verdict(out);
  return out;
}

}  // namespace tocsin::rules
