#include "http/judge.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

#include "http/request.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::probes::http {
namespace {

using core::compile_regex;
using core::Condition;
using core::found_in;
using core::Outcome;
using core::Phase;
using core::quoted;

std::vector<std::shared_ptr<const re2::RE2>> compile(const std::vector<std::string>& expressions) {
  std::vector<std::shared_ptr<const re2::RE2>> compiled;
  for (const std::string& text : expressions) {
    compiled.push_back(compile_regex(text));
    if (!compiled.back()->ok()) {
      throw std::invalid_argument("not a regular expression: " + text + ": " + compiled.back()->error());
    }
  }
  return compiled;
}

Condition condition_of(const std::string& text, const std::string& where) {
  auto condition = Condition::parse(text);
  if (!condition)
    throw std::invalid_argument("the condition '" + text + "' of " + where + " " + condition.error().detail);
  return std::move(*condition);
}

std::string ranges(const std::vector<std::pair<unsigned, unsigned>>& status) {
  std::string text;
  for (const auto& [first, last] : status) {
    if (!text.empty()) text += ", ";
    text += std::to_string(first);
    if (last != first) text += "-" + std::to_string(last);
  }
  return text;
}

std::string version_text(unsigned version) {
  return "HTTP/" + std::to_string(version / 10) + "." + std::to_string(version % 10);
}

Verdict unexpected(std::string detail) { return {Outcome::unexpected, Phase::expect, std::move(detail)}; }

/// One of the values must fulfil it, or all where it denies.
bool fulfilled(const Condition& condition, const std::vector<std::string_view>& values) {
  const auto holds = [&condition](std::string_view value) { return condition.holds(value); };
  return condition.denies() ? std::all_of(values.begin(), values.end(), holds)
                            : std::any_of(values.begin(), values.end(), holds);
}

}  // namespace

Judge::Judge(HttpExpectations expect)
    : expect_(std::move(expect)),
      matches_(compile(expect_.body_matches)),
      not_matches_(compile(expect_.body_not_matches)) {
  for (const JsonExpectation& wanted : expect_.json) {
    auto path = core::JsonPath::parse(wanted.path);
    if (!path) throw std::invalid_argument("JSON path '" + wanted.path + "', " + path.error().detail);
    json_.emplace_back(std::move(*path), condition_of(wanted.condition, wanted.path));
  }
  for (const HeaderExpectation& wanted : expect_.headers) {
    headers_.push_back(condition_of(wanted.condition, "the header " + wanted.name));
  }
}

Judge::~Judge() = default;

bool Judge::expects_status(unsigned status) const {
  return std::any_of(expect_.status.begin(), expect_.status.end(),
                     [status](const auto& range) { return range.first <= status && status <= range.second; });
}

Verdict Judge::judge_status(unsigned status) const {
  if (expects_status(status)) return {};
  const std::string text = "status " + std::to_string(status) + ", expected " + ranges(expect_.status);
  if (status == 429) return {Outcome::throttled, Phase::expect, text};
  if (status == 401 || status == 403) return {Outcome::auth, Phase::expect, text};
  return unexpected(text);
}

Verdict Judge::judge_headers(const net::Headers& headers) const {
  for (std::size_t at = 0; at < headers_.size(); ++at) {
    const HeaderExpectation& wanted = expect_.headers[at];
    std::vector<std::string_view> values;
    for (const auto& [name, value] : headers) {
      if (same_name(name, wanted.name)) values.push_back(value);
    }
    if (values.empty() && (wanted.allow_missing || headers_[at].wants_nothing())) continue;
    if (!values.empty() && fulfilled(headers_[at], values)) continue;
    Verdict verdict = unexpected(values.empty() ? "there is no header " + wanted.name
                                                : "the header " + wanted.name + " is " + quoted(values.front()) +
                                                      ", expected " + headers_[at].words());
    verdict.failed_by_regex = true;
    return verdict;
  }
  return {};
}

Verdict Judge::judge_body(std::string_view body) const {
  for (const auto& expression : not_matches_) {
    if (!found_in(*expression, body)) continue;
    return {Outcome::unexpected, Phase::expect, "the body matches " + expression->pattern(), true};
  }
  for (const auto& expression : matches_) {
    if (found_in(*expression, body)) continue;
    return {Outcome::unexpected, Phase::expect, "the body does not match " + expression->pattern(), true};
  }
  return {};
}

Verdict Judge::judge_json(std::string_view body) const {
  if (json_.empty()) return {};
  // Answers of health endpoints are small: most fit into the buffer and cost no allocation.
  std::array<unsigned char, 4096> buffer;
  boost::json::monotonic_resource memory(buffer.data(), buffer.size());
  const auto document = core::parse_json(body, &memory);
  if (!document) return unexpected("the body is not JSON: " + document.error().detail);
  for (std::size_t at = 0; at < json_.size(); ++at) {
    const auto& [path, condition] = json_[at];
    const std::string& name = expect_.json[at].path;
    const boost::json::value* there = path.find(*document);
    std::optional<std::string> text;
    if (there != nullptr) text = core::json_text(*there);
    if (condition.holds(text)) continue;
    if (!text) return unexpected("the body has no " + name);
    return unexpected(name + " is " + quoted(*text) + ", expected " + condition.words());
  }
  return {};
}

Verdict Judge::judge_version(unsigned version) const {
  const auto& wanted = expect_.versions;
  if (wanted.empty() || std::find(wanted.begin(), wanted.end(), version) != wanted.end()) return {};
  std::string list;
  for (const unsigned one : wanted) list += (list.empty() ? "" : ", ") + version_text(one);
  return unexpected("answered with " + version_text(version) + ", expected " + list);
}

Verdict Judge::judge_tls(const Sight& sight) const {
  if (expect_.tls && *expect_.tls != sight.tls_used) {
    return unexpected(sight.tls_used ? "the answer came over TLS" : "the answer did not come over TLS");
  }
  if (!expect_.certificate_valid || !sight.tls || !sight.tls->earliest_expiry) return {};
  const auto left = std::chrono::floor<std::chrono::seconds>(*sight.tls->earliest_expiry - sight.at);
  if (left >= *expect_.certificate_valid) return {};
  if (left.count() <= 0) return unexpected("a certificate has expired");
  return unexpected("a certificate expires in " + core::format_duration(left) + ", expected at least " +
                    core::format_duration(*expect_.certificate_valid));
}

Verdict Judge::judge_time(const Sight& sight) const {
  if (!expect_.within || sight.took <= *expect_.within) return {};
  const auto took = std::chrono::ceil<core::Duration>(sight.took);
  return unexpected("took " + core::format_duration(took) + ", expected at most " +
                    core::format_duration(*expect_.within));
}

// In blackbox_exporter's order: it says whether a regular expression is to blame.
Verdict Judge::judge(const Sight& sight) const {
  if (sight.failure) return {sight.failure->outcome, sight.failure->phase, sight.failure->detail};
  const net::HttpResponse& response = sight.response;
  if (auto verdict = judge_status(response.status); verdict.outcome != Outcome::ok) return verdict;
  if (auto verdict = judge_headers(response.headers); verdict.outcome != Outcome::ok) return verdict;
  if (sight.body_failure) return {sight.body_failure->outcome, sight.body_failure->phase, sight.body_failure->detail};
  if (auto verdict = judge_body(response.body); verdict.outcome != Outcome::ok) return verdict;
  if (auto verdict = judge_json(response.body); verdict.outcome != Outcome::ok) return verdict;
  if (auto verdict = judge_version(response.version); verdict.outcome != Outcome::ok) return verdict;
  if (auto verdict = judge_tls(sight); verdict.outcome != Outcome::ok) return verdict;
  return judge_time(sight);
}

}  // namespace tocsin::probes::http

namespace tocsin::probes {

core::Result<void> check_expectations(const HttpExpectations& expect) {
  try {
    const http::Judge judge(expect);
    return {};
  } catch (const std::invalid_argument& error) {
    return core::Failure{core::Outcome::unexpected, core::Phase::parse, error.what()};
  }
}

}  // namespace tocsin::probes
