// Queries over HTTP: instant, and over a range.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <utility>

#include "src/api.hpp"
#include "src/json.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::daemon {
namespace {

using rules::promql::EvalError;
using rules::promql::EvalLimits;

constexpr core::Duration default_timeout = std::chrono::seconds(30);
constexpr core::Duration longest_timeout = std::chrono::minutes(2);
constexpr std::size_t query_samples = 10'000'000;
constexpr std::int64_t most_points = 11'000;

/// Milliseconds as seconds, the way Prometheus prints them: an integer, or three decimals.
void write_time(JsonWriter& json, core::TimePoint t) {
  const std::int64_t ms = core::to_millis(t);
  const std::int64_t part = std::abs(ms % 1000);
  const std::string_view sign = ms < 0 ? "-" : "";
  json.raw(part == 0 ? fmt::format("{}{}", sign, std::abs(ms / 1000))
                     : fmt::format("{}{}.{:03}", sign, std::abs(ms / 1000), part));
}

void write_sample(JsonWriter& json, const core::Sample& sample) {
  json.begin_array();
  write_time(json, sample.time);
  json.string(core::format_value(sample.value)).end_array();
}

void write_value(JsonWriter& json, const rules::promql::Scalar& scalar) {
  json.begin_object().key("resultType").string("scalar").key("result");
  write_sample(json, scalar.sample);
  json.end_object();
}

void write_value(JsonWriter& json, const rules::promql::String& text) {
  json.begin_object().key("resultType").string("string").key("result").begin_array();
  write_time(json, text.time);
  json.string(text.value).end_array().end_object();
}

void write_value(JsonWriter& json, const rules::promql::Vector& vector) {
  json.begin_object().key("resultType").string("vector").key("result").begin_array();
  for (const auto& entry : vector) {
    json.begin_object().key("metric").labels(entry.labels).key("value");
    write_sample(json, entry.sample);
    json.end_object();
  }
  json.end_array().end_object();
}

void write_value(JsonWriter& json, const rules::promql::Matrix& matrix) {
  json.begin_object().key("resultType").string("matrix").key("result").begin_array();
  for (const auto& series : matrix) {
    json.begin_object().key("metric").labels(series.labels).key("values").begin_array();
    for (const core::Sample& sample : series.samples) write_sample(json, sample);
    json.end_array().end_object();
  }
  json.end_array().end_object();
}

std::string_view error_type(EvalError::Kind kind) {
  switch (kind) {
    case EvalError::Kind::timeout:
      return "timeout";
    case EvalError::Kind::canceled:
      return "canceled";
    case EvalError::Kind::execution:
    case EvalError::Kind::too_many_samples:
      break;
  }
  return "execution";
}

std::optional<core::Duration> seconds_or_duration(std::string_view text) {
  double seconds = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (ec == std::errc() && end == text.data() + text.size()) {
    if (!(seconds >= 0 && seconds < 1e9)) return std::nullopt;
    return core::Duration(static_cast<std::int64_t>(std::llround(seconds * 1000)));
  }
  return core::parse_duration(text);
}

/// The parameters that instant and range queries share.
struct Asked {
  EvalLimits limits;
  rules::promql::ExprPtr expression;
};
using AskedOrError = std::variant<Asked, net::ServerResponse>;

net::ServerResponse bad_parameter(std::string_view name, std::string_view text, std::string_view wanted) {
  return api_error("bad_data",
                   fmt::format("invalid parameter \"{}\": cannot parse \"{}\" to a valid {}", name, text, wanted));
}

AskedOrError read_asked(const net::ServerRequest& request) {
  Asked asked;
  core::Duration timeout = default_timeout;
  if (const std::string text = api_parameter(request, "timeout"); !text.empty()) {
    const auto parsed = seconds_or_duration(text);
    if (!parsed) return bad_parameter("timeout", text, "duration");
    timeout = std::min(*parsed, longest_timeout);
  }
  asked.limits.max_samples = query_samples;
  if (const std::string text = api_parameter(request, "lookback_delta"); !text.empty()) {
    const auto parsed = seconds_or_duration(text);
    if (!parsed || parsed->count() <= 0) return api_error("bad_data", "invalid parameter \"lookback_delta\"");
    asked.limits.lookback = *parsed;
  }
  const std::string query = api_parameter(request, "query");
  auto parsed = rules::promql::parse(query);
  if (const auto* error = std::get_if<rules::promql::ParseError>(&parsed)) {
    return api_error("bad_data", "invalid parameter \"query\": " + error->render(query));
  }
  asked.expression = std::get<rules::promql::ExprPtr>(std::move(parsed));
  const auto until = std::chrono::steady_clock::now() + timeout;
  asked.limits.expired = [until] { return std::chrono::steady_clock::now() >= until; };
  return asked;
}

net::ServerResponse failed(const EvalError& error) { return api_error(error_type(error.kind), error.message); }

/// What a range query may ask for, as Prometheus bounds it.
struct Steps {
  core::TimePoint start;
  core::TimePoint end;
  core::Duration step{0};
};

std::variant<Steps, net::ServerResponse> read_steps(const net::ServerRequest& request) {
  Steps steps;
  for (const auto& [name, into] : {std::pair("start", &steps.start), std::pair("end", &steps.end)}) {
    const std::string text = api_parameter(request, name);
    const auto parsed = parse_api_time(text);
    if (!parsed) return bad_parameter(name, text, "timestamp");
    *into = *parsed;
  }
  if (steps.end < steps.start)
    return api_error("bad_data", "invalid parameter \"end\": end timestamp must not be before start time");
  const std::string text = api_parameter(request, "step");
  const auto parsed = seconds_or_duration(text);
  if (!parsed) return bad_parameter("step", text, "duration");
  if (parsed->count() <= 0) {
    return api_error(
        "bad_data",
        "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a "
        "positive integer");
  }
  steps.step = *parsed;
  if ((steps.end - steps.start) / steps.step > most_points) {
    return api_error("bad_data",
                     "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution "
                     "(?step=XX)");
  }
  return steps;
}

}  // namespace

net::ServerResponse api_query(const net::ServerRequest& request, const store::View& view, core::TimePoint now) {
  core::TimePoint at = now;
  if (const std::string text = api_parameter(request, "time"); !text.empty()) {
    const auto parsed = parse_api_time(text);
    if (!parsed) return bad_parameter("time", text, "timestamp");
    at = *parsed;
  }
  auto asked = read_asked(request);
  if (auto* wrong = std::get_if<net::ServerResponse>(&asked)) return std::move(*wrong);
  const auto& [limits, expression] = std::get<Asked>(asked);
  rules::promql::Plan plan(*expression);
  const auto result = plan.instant(view, at, limits);
  if (const auto* error = std::get_if<EvalError>(&result)) return failed(*error);
  JsonWriter json;
  std::visit([&json](const auto& value) { write_value(json, value); }, std::get<rules::promql::Value>(result));
  return api_success(json.take());
}

net::ServerResponse api_query_range(const net::ServerRequest& request, const store::View& view) {
  auto steps = read_steps(request);
  if (auto* wrong = std::get_if<net::ServerResponse>(&steps)) return std::move(*wrong);
  auto asked = read_asked(request);
  if (auto* wrong = std::get_if<net::ServerResponse>(&asked)) return std::move(*wrong);
  const auto& [start, end, step] = std::get<Steps>(steps);
  const auto& [limits, expression] = std::get<Asked>(asked);
  const auto type = rules::promql::type_of(*expression);
  if (type != rules::promql::ValueType::scalar && type != rules::promql::ValueType::vector) {
    return api_error("bad_data",
                     fmt::format("invalid parameter \"query\": invalid expression type \"{}\" for range query, must be "
                                 "Scalar or instant Vector",
                                 type == rules::promql::ValueType::matrix ? "range vector" : "string"));
  }
  rules::promql::Plan plan(*expression);
  const auto result = plan.range(view, start, end, step, limits);
  if (const auto* error = std::get_if<EvalError>(&result)) return failed(*error);
  JsonWriter json;
  write_value(json, std::get<rules::promql::Matrix>(result));
  return api_success(json.take());
}

}  // namespace tocsin::daemon
