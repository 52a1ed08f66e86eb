#include "src/actions_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "src/moments.hpp"

namespace tocsin::daemon {
namespace {

using actions::ActionStatus;
using Row = std::vector<std::string>;

/// Columns as wide as they must be; the last one is not filled up.
std::string columns(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      fmt::format_to(std::back_inserter(line), "{:<{}}  ", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

/// What stands below the table for an action: each begins with its name.
void put_calls(std::string& out, const ActionStatus& a, core::TimePoint now) {
  const auto put = [&](const std::string& text) { fmt::format_to(std::back_inserter(out), "{}: {}\n", a.name, text); };
  if (a.lapses) {
    put(fmt::format("{} of {} waits for approval; it lapses {} ({})", change_text(a.from, a.to), a.target,
                    until(now, a.lapses), clock(*a.lapses)));
    if (!a.inputs.empty()) fmt::format_to(std::back_inserter(out), "    from:  {}\n", a.inputs);
    fmt::format_to(std::back_inserter(out),
                   "    yes:   tocsin actions approve {0}\n    no:    tocsin actions reject {0}\n", a.id);
  }
  if (a.breaker_open) {
    put(fmt::format("stopped after {} failures in a row. When you have looked: tocsin actions rearm {}",
                    a.failures_in_row, a.name));
  }
  if (a.step == core::ActionStep::unknown) {
    put(fmt::format("nobody knows whether {} of {} happened ({}). See at the platform what it has now",
                    change_text(a.from, a.to), a.target, a.id));
  }
  if (a.at_end) put("at its end: an alert asks for more, and its bounds allow no more");
  if (!a.paused.empty()) put("paused: " + a.paused);
  if (a.drifted_at) {
    put(fmt::format("somebody else changed {} {}: {}", a.target, ago(now, a.drifted_at),
                    change_text(a.drift_from, a.drift_to)));
  }
}

std::string next_time(core::TimePoint now, const std::optional<core::TimePoint>& not_before) {
  return until(now, not_before);
}

bool happened(const ActionStatus& a) { return a.at.time_since_epoch().count() != 0; }

}  // namespace

std::string change_text(const std::string& from, const std::string& to) {
  if (from.empty() && to.empty()) return {};
  return fmt::format("{} -> {}", from.empty() ? "?" : from, to.empty() ? "?" : to);
}

std::string action_state(const ActionStatus& a) {
  if (a.lapses) return "waits for approval";
  if (a.running) return fmt::format("{}, running", to_string(a.step));
  if (a.breaker_open) return "stopped after failures";
  if (!a.paused.empty()) return "paused";
  if (!happened(a)) return "nothing yet";
  return std::string(to_string(a.step));
}

namespace {

/// A pause of one action may be of one direction alone: "grow/up".
std::pair<std::string, std::string> name_and_direction(const std::string& what) {
  for (const std::string direction : {"up", "down"}) {
    if (what.ends_with("/" + direction)) return {what.substr(0, what.size() - direction.size() - 1), direction};
  }
  return {what, ""};
}

}  // namespace

std::vector<std::string> pause_sentences(const std::vector<actions::Pause>& pauses) {
  std::vector<std::string> all;
  for (const actions::Pause& pause : pauses) {
    const auto [name, direction] = name_and_direction(pause.what);
    const std::string what = pause.what == "all"    ? "All actions are paused"
                             : pause.what == "up"   ? "Scaling up is paused"
                             : pause.what == "down" ? "Scaling down is paused"
                             : direction.empty()    ? fmt::format("The action {} is paused", name)
                                                 : fmt::format("The action {} may not go {}: paused", name, direction);
    all.push_back(what + (pause.until ? " until " + clock(*pause.until) : " until somebody resumes it"));
  }
  return all;
}

std::string resume_command(const actions::Pause& pause) {
  if (pause.what == "all") return "tocsin actions resume";
  if (pause.what == "up" || pause.what == "down") return "tocsin actions resume --" + pause.what;
  const auto [name, direction] = name_and_direction(pause.what);
  return fmt::format("tocsin actions resume {}{}{}", name, direction.empty() ? "" : " --", direction);
}

std::string list_text(const ActionsView& view) {
  std::string out;
  for (std::size_t i = 0; i < view.pauses.size(); ++i) {
    fmt::format_to(std::back_inserter(out), "{}. Lift it: {}\n", pause_sentences(view.pauses)[i],
                   resume_command(view.pauses[i]));
  }
  if (!out.empty()) out += '\n';
  if (view.actions.empty()) return out + "no action is configured: tocsin only tells\n";
  std::vector<Row> rows{{"ACTION", "TARGET", "MODE", "VALUE", "STATE", "CHANGE", "WHEN", "NEXT UP", "NEXT DOWN"}};
  for (const ActionStatus& a : view.actions) {
    rows.push_back({a.name, a.target, a.mode, a.present.empty() ? "?" : a.present, action_state(a),
                    change_text(a.from, a.to), happened(a) ? ago(view.now, a.at) : "",
                    next_time(view.now, a.not_before), next_time(view.now, a.not_before_down)});
  }
  out += columns(rows);
  std::string calls;
  for (const ActionStatus& a : view.actions) put_calls(calls, a, view.now);
  return calls.empty() ? out : out + '\n' + calls;
}

std::string show_text(const ActionsView& view) {
  std::string out;
  for (const ActionStatus& a : view.actions) {
    std::vector<Row> rows{
        {"action", a.name},
        {"target", a.target},
        {"mode", a.mode_set.empty() || a.mode_set == a.mode ? a.mode : a.mode + ", configured as " + a.mode_set},
        {"value", a.present.empty() ? "not read yet" : a.present},
        {"state", action_state(a)}};
    if (happened(a)) {
      rows.push_back({"last", fmt::format("{} {} {}, {} ({})", to_string(a.step), to_string(a.direction),
                                          change_text(a.from, a.to), ago(view.now, a.at), clock(a.at))});
      rows.push_back({"id", a.id});
      rows.push_back({"why", a.last_reason});
      rows.push_back({"from", a.inputs});
      if (!a.by.empty()) rows.push_back({"by", a.by});
    }
    rows.push_back(
        {"last change", a.last_change ? clock(*a.last_change) + ", " + ago(view.now, a.last_change) : "none"});
    rows.push_back({"next up", next_time(view.now, a.not_before)});
    rows.push_back({"next down", next_time(view.now, a.not_before_down)});
    rows.push_back({"failures in a row", fmt::format("{}{}", a.failures_in_row, a.breaker_open ? ", stopped" : "")});
    out += columns(rows);
    std::string calls;
    put_calls(calls, a, view.now);
    if (!calls.empty()) out += '\n' + calls;
  }
  if (view.recent.empty()) return out;
  std::vector<Row> rows{{"WHEN", "STEP", "WAY", "CHANGE", "ID", "BY", "WHY"}};
  for (auto r = view.recent.rbegin(); r != view.recent.rend(); ++r) {
    rows.push_back({clock(r->at), std::string(to_string(r->step)), std::string(to_string(r->direction)),
                    change_text(r->from, r->to), r->id, r->by, r->reason});
  }
  return out + '\n' + columns(rows);
}

std::string plan_text(const std::vector<actions::Plan>& plans) {
  if (plans.empty()) return "no action is configured: there is nothing to plan\n";
  std::string out;
  const std::string* before = nullptr;
  for (const actions::Plan& p : plans) {
    if (before == nullptr || *before != p.action) {
      fmt::format_to(std::back_inserter(out), "{}{} on {}: {}\n", before == nullptr ? "" : "\n", p.action, p.target,
                     p.present.empty() ? "its value could not be read" : "it has " + p.present);
    }
    before = &p.action;
    const bool nothing = p.wanted.empty() || p.wanted == p.present;
    const std::string what = nothing ? "nothing to do" : change_text(p.present, p.wanted);
    const std::string_view end = !p.against.empty() ? (nothing ? ", because" : ": not now, because")
                                 : nothing          ? ""
                                                    : ": it would be done now";
    fmt::format_to(std::back_inserter(out), "  {:<5} {}{}\n", to_string(p.direction), what, end);
    for (const std::string& why : p.against) fmt::format_to(std::back_inserter(out), "        - {}\n", why);
    if (!p.inputs.empty()) fmt::format_to(std::back_inserter(out), "        from {}\n", p.inputs);
  }
  return out;
}

}  // namespace tocsin::daemon
