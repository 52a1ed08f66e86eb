#include "src/api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

#include "src/json.hpp"
#include "tocsin/core/duration.hpp"
#include "tocsin/net/url.hpp"

namespace tocsin::daemon {
namespace {

bool is_form(const net::ServerRequest& request) {
  return request.method == "POST" &&
         net::header(request.headers, "Content-Type").starts_with("application/x-www-form-urlencoded");
}

bool passes(const std::vector<std::string>& filter, std::string_view value) {
  return filter.empty() || std::find(filter.begin(), filter.end(), value) != filter.end();
}

void write_label_list(JsonWriter& json, const std::vector<core::Label>& labels) {
  json.begin_object();
  for (const core::Label& label : labels) json.key(label.name).string(label.value);
  json.end_object();
}

/// Go's 'e' format of the shortest digits: 4.25e+01.
std::string scientific(double value) {
  std::array<char, 64> buffer{};
  const auto [end, ec] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  return {buffer.data(), end};
}

void write_alert(JsonWriter& json, const core::Alert& alert) {
  json.begin_object().key("labels").labels(alert.labels).key("annotations").labels(alert.annotations);
  json.key("state").string(to_string(alert.state)).key("activeAt").string(core::format_rfc3339(alert.active_at));
  if (alert.keep_firing_since) json.key("keepFiringSince").string(core::format_rfc3339(*alert.keep_firing_since));
  if (alert.held) json.key("held").boolean(true);
  json.key("value").string(std::isfinite(alert.value) ? scientific(alert.value) : core::format_value(alert.value));
  json.end_object();
}

std::string_view to_word(rules::Health health) {
  switch (health) {
    case rules::Health::ok:
      return "ok";
    case rules::Health::err:
      return "err";
    case rules::Health::unknown:
      break;
  }
  return "unknown";
}

void write_rule(JsonWriter& json, const rules::RuleStatus& rule) {
  json.begin_object();
  const bool recording = rule.kind == rules::RuleSpec::Kind::record;
  if (!recording) json.key("state").string(to_string(rule.state));
  json.key("name").string(rule.name).key("query").string(rule.query);
  if (!recording) {
    json.key("duration")
        .number(core::to_seconds(rule.hold))
        .key("keepFiringFor")
        .number(core::to_seconds(rule.keep_firing));
  }
  json.key("labels");
  write_label_list(json, rule.labels);
  if (!recording) {
    json.key("annotations");
    write_label_list(json, rule.annotations);
    json.key("alerts").begin_array();
    for (const core::Alert& alert : rule.alerts) write_alert(json, alert);
    json.end_array();
  }
  json.key("health").string(to_word(rule.health));
  if (!rule.last_error.empty()) json.key("lastError").string(rule.last_error);
  json.key("evaluationTime").number(std::chrono::duration<double>(rule.evaluation_time).count());
  json.key("lastEvaluation")
      .string(rule.last_evaluation ? core::format_rfc3339(*rule.last_evaluation) : "0001-01-01T00:00:00Z");
  json.key("type").string(recording ? "recording" : "alerting").end_object();
}

}  // namespace

net::ServerResponse api_success(std::string data) {
  net::ServerResponse response;
  response.content_type = "application/json";
  response.body = R"({"status":"success","data":)" + std::move(data) + "}";
  return response;
}

net::ServerResponse api_error(std::string_view type, std::string_view message) {
  net::ServerResponse response;
  response.content_type = "application/json";
  response.status = type == "bad_data"    ? 400
                    : type == "execution" ? 422
                    : type == "timeout"   ? 503
                    : type == "canceled"  ? 499
                    : type == "not_found" ? 404
                                          : 500;
  JsonWriter json;
  json.begin_object()
      .key("status")
      .string("error")
      .key("errorType")
      .string(type)
      .key("error")
      .string(message)
      .end_object();
  response.body = json.take();
  return response;
}

std::string api_parameter(const net::ServerRequest& request, std::string_view name) {
  if (is_form(request)) {
    if (std::string value = net::query_parameter(request.body, name); !value.empty()) return value;
  }
  return net::query_parameter(request.query, name);
}

std::vector<std::string> api_values(const net::ServerRequest& request, std::string_view name) {
  std::vector<std::string> values;
  const auto collect = [&](std::string_view query) {
    while (!query.empty()) {
      const auto amp = query.find('&');
      const std::string_view pair = query.substr(0, amp);
      query = amp == std::string_view::npos ? std::string_view() : query.substr(amp + 1);
      const auto eq = pair.find('=');
      const std::string key = net::percent_decode(pair.substr(0, eq));
      if (eq != std::string_view::npos && (key == name || key == std::string(name) + "[]")) {
        values.push_back(net::percent_decode(pair.substr(eq + 1)));
      }
    }
  };
  if (is_form(request)) collect(request.body);
  collect(request.query);
  return values;
}

std::optional<core::TimePoint> parse_api_time(std::string_view text) {
  double seconds = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (ec == std::errc() && end == text.data() + text.size()) {
    if (!(std::fabs(seconds) < 9e12)) return std::nullopt;
    return core::from_millis(std::llround(seconds * 1000));
  }
  return core::parse_rfc3339(text);
}

net::ServerResponse api_alerts(const GroupStatuses& groups) {
  JsonWriter json;
  json.begin_object().key("alerts").begin_array();
  for (const auto& group : groups) {
    for (const auto& rule : group->rules) {
      for (const core::Alert& alert : rule.alerts) write_alert(json, alert);
    }
  }
  json.end_array().end_object();
  return api_success(json.take());
}

net::ServerResponse api_rules(const net::ServerRequest& request, const GroupStatuses& groups) {
  const std::string type = api_parameter(request, "type");
  if (!type.empty() && type != "alert" && type != "record") {
    return api_error("bad_data", fmt::format("not supported value \"{}\" for \"type\"", type));
  }
  const auto names = api_values(request, "rule_name");
  const auto group_names = api_values(request, "rule_group");
  const auto files = api_values(request, "file");
  JsonWriter json;
  json.begin_object().key("groups").begin_array();
  for (const auto& group : groups) {
    if (!passes(group_names, group->name) || !passes(files, group->file)) continue;
    json.begin_object().key("name").string(group->name).key("file").string(group->file).key("rules").begin_array();
    for (const auto& rule : group->rules) {
      const bool recording = rule.kind == rules::RuleSpec::Kind::record;
      if (!passes(names, rule.name) || (type == "alert" && recording) || (type == "record" && !recording)) continue;
      write_rule(json, rule);
    }
    json.end_array()
        .key("interval")
        .number(core::to_seconds(group->interval))
        .key("limit")
        .integer(static_cast<long long>(group->limit));
    json.key("evaluationTime").number(std::chrono::duration<double>(group->evaluation_time).count());
    json.key("lastEvaluation")
        .string(group->last_evaluation ? core::format_rfc3339(*group->last_evaluation) : "0001-01-01T00:00:00Z");
    json.end_object();
  }
  json.end_array().end_object();
  return api_success(json.take());
}

net::ServerResponse api_targets(const std::vector<TargetStatus>& targets) {
  JsonWriter json;
  json.begin_object().key("activeTargets").begin_array();
  for (const TargetStatus& target : targets) {
    json.begin_object().key("discoveredLabels").labels({}).key("labels").labels(target.labels);
    json.key("scrapePool")
        .string(target.job)
        .key("scrapeUrl")
        .string(target.display)
        .key("globalUrl")
        .string(target.display);
    json.key("lastError")
        .string(target.outcome == core::Outcome::ok ? ""
                                                    : std::string(to_string(target.outcome)) + ": " + target.detail);
    json.key("lastScrape")
        .string(target.last_probe ? core::format_rfc3339(*target.last_probe) : "0001-01-01T00:00:00Z");
    json.key("lastScrapeDuration").number(target.took_seconds);
    json.key("health").string(!target.last_probe ? "unknown" : target.good ? "up" : "down");
    json.key("scrapeInterval").string(core::format_duration(target.interval));
    json.key("scrapeTimeout").string(core::format_duration(target.timeout)).end_object();
  }
  json.end_array().key("droppedTargets").begin_array().end_array().end_object();
  return api_success(json.take());
}

net::ServerResponse api_build_info() {
  JsonWriter json;
  json.begin_object()
      .key("application")
      .string("tocsin")
      .key("version")
      .string(TOCSIN_VERSION)
      .key("features")
      .begin_object()
      .end_object()
      .end_object();
  return api_success(json.take());
}

}  // namespace tocsin::daemon
