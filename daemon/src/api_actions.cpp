#include "src/api_actions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "src/api.hpp"
#include "src/json.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::daemon {
namespace {

constexpr std::size_t most_rows = 100;

net::ServerResponse as_text(std::string body) {
  net::ServerResponse response;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(body);
  return response;
}

void write_time(JsonWriter& json, std::string_view key, const std::optional<core::TimePoint>& time) {
  if (time) json.key(key).string(core::format_rfc3339(*time));
}

void write_status(JsonWriter& json, const actions::ActionStatus& a) {
  json.begin_object().key("name").string(a.name).key("target").string(a.target);
  json.key("mode").string(a.mode).key("modeConfigured").string(a.mode_set);
  json.key("state").string(action_state(a)).key("step").string(to_string(a.step));
  json.key("direction").string(to_string(a.direction)).key("id").string(a.id);
  if (a.at.time_since_epoch().count() != 0) write_time(json, "at", a.at);
  json.key("running").boolean(a.running).key("reason").string(a.last_reason).key("inputs").string(a.inputs);
  json.key("by").string(a.by).key("from").string(a.from).key("to").string(a.to).key("present").string(a.present);
  write_time(json, "lastChange", a.last_change);
  write_time(json, "notBefore", a.not_before);
  write_time(json, "notBeforeDown", a.not_before_down);
  json.key("failuresInRow").integer(a.failures_in_row).key("breakerOpen").boolean(a.breaker_open);
  json.key("atEnd").boolean(a.at_end);
  write_time(json, "approvalLapses", a.lapses);
  json.key("paused").string(a.paused).key("driftFrom").string(a.drift_from).key("driftTo").string(a.drift_to);
  write_time(json, "driftedAt", a.drifted_at);
  json.end_object();
}

void write_row(JsonWriter& json, const core::ActionRecord& r) {
  json.begin_object().key("id").string(r.id).key("action").string(r.action).key("target").string(r.target);
  json.key("step").string(to_string(r.step)).key("at").string(core::format_rfc3339(r.at));
  json.key("direction").string(to_string(r.direction)).key("from").string(r.from).key("to").string(r.to);
  json.key("alert").string(r.alert).key("reason").string(r.reason).key("inputs").string(r.inputs);
  json.key("by").string(r.by).end_object();
}

/// Leaves what is of that action alone; false if there is none of that name.
template <class T, class Name>
bool pick(std::vector<T>& all, const std::string& action, Name name) {
  if (action.empty()) return true;
  std::erase_if(all, [&](const T& one) { return name(one) != action; });
  return !all.empty();
}

net::ServerResponse no_such(const std::string& action) {
  return api_error("not_found", fmt::format("there is no action \"{}\" (see: tocsin actions list)", action));
}

}  // namespace

net::ServerResponse api_actions(const net::ServerRequest& request, ActionsView view) {
  const std::string action = api_parameter(request, "action");
  if (!pick(view.actions, action, [](const auto& a) { return a.name; })) return no_such(action);
  (void)pick(view.recent, action, [](const auto& r) { return r.action; });
  view.recent.resize(std::min(view.recent.size(), most_rows));
  if (api_parameter(request, "format") == "text") return as_text(action.empty() ? list_text(view) : show_text(view));
  JsonWriter json;
  json.begin_object().key("actions").begin_array();
  for (const actions::ActionStatus& a : view.actions) write_status(json, a);
  json.end_array().key("pauses").begin_array();
  for (const actions::Pause& pause : view.pauses) {
    json.begin_object().key("what").string(pause.what);
    write_time(json, "until", pause.until);
    json.end_object();
  }
  json.end_array().key("recent").begin_array();
  for (const core::ActionRecord& r : view.recent) write_row(json, r);
  json.end_array().end_object();
  return api_success(json.take());
}

net::ServerResponse api_plan(const net::ServerRequest& request, std::vector<actions::Plan> plans) {
  const std::string action = api_parameter(request, "action");
  if (!pick(plans, action, [](const auto& p) { return p.action; })) return no_such(action);
  if (api_parameter(request, "format") == "text") return as_text(plan_text(plans));
  JsonWriter json;
  json.begin_object().key("plans").begin_array();
  for (const actions::Plan& p : plans) {
    json.begin_object().key("action").string(p.action).key("target").string(p.target);
    json.key("direction").string(to_string(p.direction)).key("askedFor").boolean(p.asked_for);
    json.key("present").string(p.present).key("wanted").string(p.wanted).key("inputs").string(p.inputs);
    const bool now = p.against.empty() && !p.wanted.empty() && p.wanted != p.present;
    json.key("wouldBeDone").boolean(now).key("against").begin_array();
    for (const std::string& why : p.against) json.string(why);
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return api_success(json.take());
}

}  // namespace tocsin::daemon
