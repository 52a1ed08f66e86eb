#include "src/status_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <vector>

#include "src/actions_text.hpp"
#include "src/assets.hpp"
#include "src/moments.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::daemon {
namespace {

constexpr std::size_t rows_shown = 500;

std::string_view asset(std::string_view name) {
  for (const Asset& a : status_assets()) {
    if (a.name == name) return a.text;
  }
  return {};
}

std::string more(std::size_t total) {
  return total > rows_shown
             ? fmt::format("<p class=\"quiet\">{} more are not shown; the JSON has all.</p>\n", total - rows_shown)
             : "";
}

struct ShownAlert {
  const rules::RuleStatus* rule = nullptr;
  const core::Alert* alert = nullptr;
  enum class Rank { firing, pending, informs };
  /// In the order in which they are shown. Nobody gets up for what only informs: the watchdog, an action that was
  /// taken.
  [[nodiscard]] Rank rank() const {
    const std::string_view severity = alert->labels.get("severity");
    if (severity == "info" || severity == "none") return Rank::informs;
    return alert->state == core::AlertState::firing ? Rank::firing : Rank::pending;
  }
};

std::ptrdiff_t count(const std::vector<ShownAlert>& alerts, ShownAlert::Rank rank) {
  return std::count_if(alerts.begin(), alerts.end(), [rank](const ShownAlert& a) { return a.rank() == rank; });
}

std::vector<ShownAlert> alerts_in_order(const PageData& data) {
  std::vector<ShownAlert> all;
  for (const auto& group : data.groups) {
    for (const auto& rule : group->rules) {
      for (const core::Alert& alert : rule.alerts) all.push_back({&rule, &alert});
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const ShownAlert& a, const ShownAlert& b) { return a.rank() < b.rank(); });
  return all;
}

std::string alerts_table(const PageData& data, const std::vector<ShownAlert>& all) {
  if (all.empty()) return "<p class=\"quiet\">None.</p>";
  std::string rows;
  for (const ShownAlert& shown : std::span(all).first(std::min(all.size(), rows_shown))) {
    const core::Alert& alert = *shown.alert;
    const bool fires = alert.state == core::AlertState::firing;
    std::string since = ago(data.now, fires ? alert.fired_at : std::optional(alert.active_at));
    if (!fires) since += fmt::format(", fires after {}", core::format_duration(shown.rule->hold));
    rows += fmt::format(
        "<tr><td class=\"{}\">{}{}</td><td>{}</td><td><code>{}</code><br>{}</td><td "
        "class=\"number\">{:.4g}</td><td>{}</td></tr>\n",
        shown.rank() == ShownAlert::Rank::informs ? "quiet"
        : fires                                   ? "bad"
                                                  : "wait",
        to_string(alert.state), alert.held ? " (held: its data is missing)" : "", escape_html(alert.rule),
        escape_html(alert.labels.to_string()), escape_html(alert.annotations.get("summary")), alert.value, since);
  }
  return "<table><tr><th>State</th><th>Alert</th><th>Labels</th><th>Value</th><th>Since</th></tr>\n" + rows +
         "</table>" + more(all.size());
}

std::string targets_table(const PageData& data) {
  if (data.targets.empty()) return "<p class=\"quiet\">None is configured.</p>";
  std::vector<const TargetStatus*> order;
  for (const TargetStatus& t : data.targets) order.push_back(&t);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->good < b->good; });
  std::string rows;
  const std::size_t total = order.size();
  order.resize(std::min(total, rows_shown));
  for (const TargetStatus* t : order) {
    const std::string_view css = !t->last_probe ? "quiet" : t->held ? "wait" : t->good ? "good" : "bad";
    const std::string state = !t->last_probe ? "not probed yet"
                              : t->held      ? "confirming a failure"
                              : t->good      ? "well"
                                             : std::string(to_string(t->outcome));
    rows += fmt::format(
        "<tr><td class=\"{}\">{}</td><td>{}</td><td><code>{}</code></td><td>{}</td><td class=\"number\">{:.1f} "
        "ms</td><td>{}</td><td>{}</td></tr>\n",
        css, state, escape_html(t->job), escape_html(t->display), ago(data.now, t->last_probe), t->took_seconds * 1000,
        ago(data.now, t->since), t->outcome == core::Outcome::ok ? "" : escape_html(t->detail));
  }
  return "<table><tr><th>State</th><th>Job</th><th>Target</th><th>Probed</th><th>Took</th><th>Since</th><th>What was "
         "seen</th></tr>\n" +
         rows + "</table>" + more(total);
}

std::string_view action_class(const actions::ActionStatus& a) {
  if (a.breaker_open || a.step == core::ActionStep::unknown || a.step == core::ActionStep::failed) return "bad";
  return a.lapses || a.running || !a.paused.empty() || a.at_end ? "wait" : "quiet";
}

/// What a person should know or do beside the state.
std::string action_remarks(const actions::ActionStatus& a, core::TimePoint now) {
  std::string out;
  const auto put = [&out](std::string_view text, std::string_view css) {
    fmt::format_to(std::back_inserter(out), "<br><span class=\"{}\">{}</span>", css, text);
  };
  if (a.lapses) {
    put(fmt::format("<code>tocsin actions approve {}</code> lapses {} ({})", escape_html(a.id), until(now, a.lapses),
                    clock(*a.lapses)),
        "wait");
  }
  if (a.breaker_open)
    put(fmt::format("{} failures in a row: <code>tocsin actions rearm {}</code>", a.failures_in_row,
                    escape_html(a.name)),
        "bad");
  if (!a.paused.empty()) put("paused: " + escape_html(a.paused), "wait");
  if (a.at_end) put("at its end: more is asked for, and its bounds allow no more", "wait");
  if (a.drifted_at) {
    put(fmt::format("somebody else changed it {}: {}", ago(now, a.drifted_at),
                    escape_html(change_text(a.drift_from, a.drift_to))),
        "quiet");
  }
  return out;
}

std::string not_before(core::TimePoint now, const std::optional<core::TimePoint>& time) {
  return time && *time > now ? fmt::format("{} ({})", until(now, time), clock(*time)) : "now";
}

std::string actions_table(const PageData& data) {
  if (data.actions.empty()) return "<p class=\"quiet\">None is configured: tocsin only tells.</p>";
  std::string rows;
  for (const actions::ActionStatus& a : data.actions) {
    const bool happened = a.at.time_since_epoch().count() != 0;
    rows += fmt::format(
        "<tr><td>{}</td><td><code>{}</code></td><td{}>{}</td><td>{}</td><td class=\"{}\">{}{}</td><td>{}</td>"
        "<td>{}{}{}{}</td><td>up {}<br>down {}</td></tr>\n",
        escape_html(a.name), escape_html(a.target), a.mode == "auto" ? "" : " class=\"quiet\"", escape_html(a.mode),
        a.present.empty() ? "?" : escape_html(a.present), action_class(a), escape_html(action_state(a)),
        happened ? ", " + ago(data.now, a.at) : "", escape_html(change_text(a.from, a.to)), escape_html(a.last_reason),
        a.inputs.empty() ? "" : "<br><span class=\"quiet\">from " + escape_html(a.inputs) + "</span>",
        a.by.empty() ? "" : "<br>by " + escape_html(a.by), action_remarks(a, data.now),
        not_before(data.now, a.not_before), not_before(data.now, a.not_before_down));
  }
  return "<table><tr><th>Action</th><th>Target</th><th>Mode</th><th>Value</th><th>State</th><th>Change</th><th>Why, or "
         "why not</th><th>Next allowed</th></tr>\n" +
         rows + "</table>";
}

/// What was done, or not done, and by whom; the newest first.
std::string timeline(const PageData& data) {
  if (data.recent.empty()) return "";
  std::string rows;
  for (const core::ActionRecord& r : data.recent) {
    const bool bad = r.step == core::ActionStep::failed || r.step == core::ActionStep::unknown ||
                     r.step == core::ActionStep::ineffective;
    const bool done = r.step == core::ActionStep::succeeded || r.step == core::ActionStep::effective;
    rows += fmt::format(
        "<tr><td title=\"{}\">{}</td><td>{}</td><td class=\"{}\">{}</td><td>{} {}</td><td>{}{}</td><td>{}</td>"
        "<td><code>{}</code></td></tr>\n",
        clock(r.at), ago(data.now, r.at), escape_html(r.action),
        bad    ? "bad"
        : done ? "good"
               : "quiet",
        to_string(r.step), to_string(r.direction), escape_html(change_text(r.from, r.to)), escape_html(r.reason),
        r.inputs.empty() ? "" : "<br><span class=\"quiet\">from " + escape_html(r.inputs) + "</span>",
        escape_html(r.by), escape_html(r.id));
  }
  return "<h3>What was done, and what was not</h3>\n<table><tr><th>When</th><th>Action</th><th>Step</th><th>Change"
         "</th><th>Why</th><th>By</th><th>Id</th></tr>\n" +
         rows + "</table>";
}

std::string destinations_table(const PageData& data) {
  if (data.destinations.empty())
    return "<p class=\"bad\"><span class=\"bad\">None is configured: nobody is told.</span></p>";
  std::string rows;
  for (const alerts::DestinationStatus& d : data.destinations) {
    rows += fmt::format(
        "<tr><td><code>{}</code></td><td class=\"number\">{}</td><td class=\"number\">{}</td><td "
        "class=\"number\">{}</td><td>{}</td><td>{}</td></tr>\n",
        escape_html(d.url), d.sent, d.queued, d.dropped, ago(data.now, d.last_success), escape_html(d.last_error));
  }
  return "<table><tr><th>URL</th><th>Sent</th><th>Waiting</th><th>Dropped</th><th>Last success</th><th>Last "
         "error</th></tr>\n" +
         rows + "</table>";
}

std::string groups_table(const PageData& data) {
  std::string rows;
  for (const auto& group : data.groups) {
    std::string errors;
    for (const auto& rule : group->rules) {
      if (rule.health == rules::Health::err)
        errors +=
            fmt::format("<span class=\"bad\">{}</span>: {}<br>", escape_html(rule.name), escape_html(rule.last_error));
    }
    rows += fmt::format(
        "<tr><td>{}</td><td><code>{}</code></td><td class=\"number\">{}</td><td>{}</td><td class=\"number\">{:.2f} "
        "ms</td><td>{}</td></tr>\n",
        escape_html(group->name), escape_html(group->file), group->rules.size(), ago(data.now, group->last_evaluation),
        std::chrono::duration<double, std::milli>(group->evaluation_time).count(), errors);
  }
  return "<table><tr><th>Group</th><th>File</th><th>Rules</th><th>Judged</th><th>Took</th><th>Errors</th></tr>\n" +
         rows + "</table>";
}

std::string fill(std::string_view page, const std::map<std::string_view, std::string>& values) {
  std::string out;
  while (true) {
    const auto open = page.find("{{");
    if (open == std::string_view::npos) break;
    const auto close = page.find("}}", open);
    out += page.substr(0, open);
    if (const auto it = values.find(page.substr(open + 2, close - open - 2)); it != values.end()) out += it->second;
    page.remove_prefix(close + 2);
  }
  return out += page;
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

namespace {

std::string troubles(const std::vector<std::string>& all) {
  std::string out;
  for (const std::string& trouble : all) out += "; <span class=\"bad\">" + escape_html(trouble) + "</span>";
  return out;
}

/// The kill switch, where it is thrown.
std::string switches(const std::vector<actions::Pause>& pauses) {
  std::string out;
  const std::vector<std::string> sentences = pause_sentences(pauses);
  for (std::size_t i = 0; i < pauses.size(); ++i) {
    fmt::format_to(std::back_inserter(out), " <span class=\"bad\">{}</span> <code>{}</code>", escape_html(sentences[i]),
                   escape_html(resume_command(pauses[i])));
  }
  return out.empty() ? out : "<p>" + out + "</p>";
}

}  // namespace

std::string status_page(const PageData& data) {
  const std::vector<ShownAlert> alerts = alerts_in_order(data);
  const auto firing = count(alerts, ShownAlert::Rank::firing);
  const auto pending = count(alerts, ShownAlert::Rank::pending);
  std::map<std::string_view, std::string> values;
  values["alerts"] = alerts_table(data, alerts);
  values["targets"] = targets_table(data);
  values["actions"] = actions_table(data) + timeline(data);
  values["destinations"] = destinations_table(data);
  values["groups"] = groups_table(data);
  const auto sick = std::count_if(data.targets.begin(), data.targets.end(),
                                  [](const TargetStatus& t) { return t.last_probe && !t.good && !t.held; });
  const bool bad = firing > 0 || sick > 0 || !data.troubles.empty();
  values["mood"] = bad ? "bad" : pending > 0 || !data.pauses.empty() ? "wait" : "good";
  values["verdict"] = firing > 0               ? fmt::format("{} alert{} firing", firing, firing == 1 ? "" : "s")
                      : sick > 0               ? fmt::format("{} target{} sick", sick, sick == 1 ? " is" : "s are")
                      : !data.troubles.empty() ? "tocsin itself is in trouble"
                      : pending > 0            ? "Something is pending"
                                               : "All is well";
  values["title"] = values["verdict"] + (data.pauses.empty() ? "" : ", actions paused") + " - tocsin";
  values["switches"] = switches(data.pauses);
  values["counts"] =
      fmt::format("targets {}, sick {}; alerts firing {}, pending {}, informing {}; actions {}", data.targets.size(),
                  sick, firing, pending, count(alerts, ShownAlert::Rank::informs), data.actions.size());
  values["self"] = fmt::format("Up since {}; configuration read {}{}", clock(data.started),
                               ago(data.now, data.config_loaded), troubles(data.troubles));
  values["version"] = TOCSIN_VERSION;
  values["style"] = std::string(asset("style"));
  return fill(asset("page"), values);
}

}  // namespace tocsin::daemon
