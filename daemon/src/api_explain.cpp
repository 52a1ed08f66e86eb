#include "src/api_explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>

#include "src/api.hpp"
#include "src/json.hpp"
#include "tocsin/core/duration.hpp"
#include "tocsin/core/source.hpp"
#include "tocsin/rules/explain.hpp"

namespace tocsin::daemon {
namespace {

constexpr std::size_t transitions_shown = 10;
constexpr std::chrono::seconds longest{20};

struct Explained {
  std::string group;  // "file;group"
  rules::Explanation why;
};

const rules::RuleStatus* status_of(const GroupStatuses& statuses, const rules::GroupSpec& group, std::size_t rule) {
  for (const auto& status : statuses) {
    if (status->file == group.file && status->name == group.name && rule < status->rules.size())
      return &status->rules[rule];
  }
  return nullptr;
}

std::vector<Explained> explain_all(const std::string& name, const ExplainSources& sources, core::TimePoint at,
                                   bool now) {
  rules::ExplainRequest request;
  request.at = at;
  const auto until = std::chrono::steady_clock::now() + longest;
  request.limits.evaluation.expired = [until] { return std::chrono::steady_clock::now() >= until; };
  std::vector<Explained> all;
  for (const rules::GroupSpec& group : *sources.groups) {
    request.query_offset = group.query_offset.value_or(core::Duration{0});
    for (std::size_t i = 0; i < group.rules.size(); ++i) {
      if (group.rules[i].name != name) continue;
      const rules::RuleStatus* const status = now ? status_of(sources.statuses, group, i) : nullptr;
      all.push_back({group.file + ";" + group.name, rules::explain(group.rules[i], status, sources.view, request)});
    }
  }
  return all;
}

std::string unknown(const std::string& name, const ExplainSources& sources) {
  std::vector<std::string_view> names;
  for (const rules::GroupSpec& group : *sources.groups) {
    for (const rules::RuleSpec& rule : group.rules) names.push_back(rule.name);
  }
  const auto near = core::nearest(name, names);
  return fmt::format("there is no rule \"{}\"{}", name,
                     near.empty() ? std::string() : fmt::format(" (did you mean \"{}\"?)", near));
}

void write_samples(JsonWriter& json, const std::vector<rules::ExplainedSample>& samples) {
  json.key("samples").begin_array();
  for (const rules::ExplainedSample& sample : samples) {
    json.begin_object().key("labels").labels(sample.labels).key("value").string(fmt::format("{}", sample.value));
    if (sample.age) json.key("ageSeconds").number(core::to_seconds(*sample.age));
    if (sample.samples > 0) json.key("count").integer(static_cast<long long>(sample.samples));
    json.end_object();
  }
  json.end_array();
}

void write_selector(JsonWriter& json, const rules::ExplainedSelector& selector) {
  json.key("selector").begin_object().key("series").integer(static_cast<long long>(selector.series));
  json.key("live").integer(static_cast<long long>(selector.live)).key("matchers").begin_array();
  for (const rules::MatcherStep& step : selector.steps) {
    json.begin_object().key("matcher").string(step.matcher).key("left").integer(static_cast<long long>(step.left));
    json.key("near").begin_array();
    for (const std::string& value : step.near) json.string(value);
    json.end_array().end_object();
  }
  json.end_array();
  if (selector.newest_age) json.key("newestAgeSeconds").number(core::to_seconds(*selector.newest_age));
  json.key("ended").boolean(selector.ended).end_object();
}

void write_texts(JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
  json.key(key).begin_array();
  for (const std::string& text : texts) json.string(text);
  json.end_array();
}

void write_node(JsonWriter& json, const rules::ExplainedNode& node) {
  json.begin_object().key("kind").string(to_string(node.kind)).key("expression").string(node.expression);
  json.key("operation").string(node.operation).key("count").integer(static_cast<long long>(node.count));
  write_samples(json, node.samples);
  if (!node.error.empty()) json.key("error").string(node.error);
  write_texts(json, "notes", node.notes);
  if (node.selector) write_selector(json, *node.selector);
  json.key("children").begin_array();
  for (const rules::ExplainedNode& child : node.children) write_node(json, child);
  json.end_array().end_object();
}

void write_line(JsonWriter& json, const rules::ExplainedLine& line) {
  json.begin_object().key("line").string(line.text).key("limit").number(line.limit);
  if (line.clear) json.key("clear").number(*line.clear);
  json.key("count").integer(static_cast<long long>(line.count)).key("series").begin_array();
  for (const rules::ExplainedSeries& series : line.series) {
    json.begin_object().key("labels").labels(series.labels).key("on").boolean(series.on);
    json.key("heldOn").boolean(series.held_on);
    if (series.value) json.key("value").string(fmt::format("{}", *series.value));
    if (series.missing_since) json.key("missingSince").string(core::format_rfc3339(*series.missing_since));
    json.end_object();
  }
  json.end_array().key("expression");
  write_node(json, line.expression);
  json.end_object();
}

void write_explained(JsonWriter& json, const Explained& one) {
  const rules::Explanation& why = one.why;
  json.begin_object().key("rule").string(why.rule).key("group").string(one.group).key("query").string(why.query);
  json.key("at").string(core::format_rfc3339(why.at)).key("state").string(to_string(why.state));
  json.key("verdict").string(why.verdict).key("for").number(core::to_seconds(why.hold));
  json.key("keepFiringFor").number(core::to_seconds(why.keep_firing)).key("error").string(why.error);
  json.key("alerts").begin_array();
  for (const rules::ExplainedAlert& alert : why.alerts) {
    json.begin_object().key("labels").labels(alert.alert.labels).key("state").string(to_string(alert.alert.state));
    json.key("activeAt").string(core::format_rfc3339(alert.alert.active_at)).key("words").string(alert.words);
    if (alert.fires_at) json.key("firesAt").string(core::format_rfc3339(*alert.fires_at));
    if (alert.ends_at) json.key("endsAt").string(core::format_rfc3339(*alert.ends_at));
    json.end_object();
  }
  json.end_array();
  if (why.expression) {
    json.key("expression");
    write_node(json, *why.expression);
  }
  json.key("lines").begin_array();
  for (const rules::ExplainedLine& line : why.lines) write_line(json, line);
  json.end_array();
  write_texts(json, "notes", why.notes);
  json.end_object();
}

std::string text_of(const std::vector<Explained>& all, const std::vector<core::HistoryRecord>& transitions) {
  std::string out;
  for (const Explained& one : all) {
    if (!out.empty()) out += "\n";
    if (all.size() > 1) out += "# " + one.group + "\n";
    out += rules::to_text(one.why);
    if (!out.ends_with('\n')) out += '\n';
  }
  if (!transitions.empty()) out += "\nlast transitions\n" + history_text(transitions);
  return out;
}

}  // namespace

net::ServerResponse api_explain(const net::ServerRequest& request, const ExplainSources& sources, core::TimePoint now) {
  const std::string name = api_parameter(request, "alert");
  if (name.empty()) return api_error("bad_data", "\"alert\" is missing: the name of an alert");
  core::TimePoint at = now;
  const std::string when = api_parameter(request, "at");
  if (!when.empty()) {
    const auto parsed = parse_moment(when, now);
    if (!parsed)
      return api_error("bad_data", fmt::format("\"at\" is a time or a duration such as 10m, not \"{}\"", when));
    at = *parsed;
  }
  const auto all = explain_all(name, sources, at, when.empty());
  if (all.empty()) return api_error("not_found", unknown(name, sources));
  state::HistoryQuery query;
  query.kind = core::HistoryKind::alert;
  query.subject = name;
  query.until = at;
  query.limit = transitions_shown;
  const auto history = sources.history(query);
  const auto transitions = history ? *history : std::vector<core::HistoryRecord>{};
  if (api_parameter(request, "format") == "text") {
    net::ServerResponse response;
    response.content_type = "text/plain; charset=utf-8";
    response.body = text_of(all, transitions);
    return response;
  }
  JsonWriter json;
  json.begin_object().key("rules").begin_array();
  for (const Explained& one : all) write_explained(json, one);
  json.end_array().key("transitions").begin_array();
  for (const core::HistoryRecord& record : transitions) write_record(json, record);
  json.end_array().end_object();
  return api_success(json.take());
}

}  // namespace tocsin::daemon
