#include "http/judge.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <cstdint>
#include <stdexcept>
#include <utility>

#include "tocsin/core/duration.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::probes::http {
namespace {

using core::Outcome;
using core::Phase;

constexpr std::size_t shown = 80;  // characters of a value in a sentence

std::vector<std::unique_ptr<re2::RE2>> compile(const std::vector<std::string>& expressions) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  std::vector<std::unique_ptr<re2::RE2>> compiled;
  for (const std::string& text : expressions) {
    compiled.push_back(std::make_unique<re2::RE2>(text, options));
    if (!compiled.back()->ok()) {
      throw std::invalid_argument("not a regular expression: " + text + ": " + compiled.back()->error());
    }
  }
  return compiled;
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

/// What peers send goes into sentences short and without control characters.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, shown)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out + (text.size() > shown ? "...\"" : "\"");
}

bool found_in(const re2::RE2& expression, std::string_view body) {
  return re2::RE2::PartialMatch(re2::StringPiece(body.data(), body.size()), expression);
}

}  // namespace

void drop_headless(net::HttpResponse& response, std::size_t max_body) {
  if (response.content_length || !response.body.empty()) return;
  if (!net::header(response.headers, "Transfer-Encoding").empty()) return;
  // A body that is announced too large is given up before its length is noted.
  const auto announced = core::parse_number<std::uint64_t>(net::header(response.headers, "Content-Length"));
  if (announced && *announced > max_body) {
    response.content_length = *announced;
    return;
  }
  response = {};
}

Judge::Judge(HttpExpectations expect)
    : expect_(std::move(expect)),
      matches_(compile(expect_.body_matches)),
      not_matches_(compile(expect_.body_not_matches)) {
  for (const JsonExpectation& wanted : expect_.json) {
    auto path = core::JsonPath::parse(wanted.path);
    if (!path) throw std::invalid_argument("JSON path '" + wanted.path + "', " + path.error().detail);
    paths_.push_back(std::move(*path));
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
  return {Outcome::unexpected, Phase::expect, text};
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
  if (paths_.empty()) return {};
  // Answers of health endpoints are small: most fit into the buffer and cost no allocation.
  std::array<unsigned char, 4096> buffer;
  boost::json::monotonic_resource memory(buffer.data(), buffer.size());
  const auto document = core::parse_json(body, &memory);
  if (!document) return {Outcome::unexpected, Phase::expect, "the body is not JSON: " + document.error().detail};
  for (std::size_t at = 0; at < paths_.size(); ++at) {
    const JsonExpectation& wanted = expect_.json[at];
    const boost::json::value* there = paths_[at].find(*document);
    if (there == nullptr) return {Outcome::unexpected, Phase::expect, "the body has no " + wanted.path};
    const std::string text = core::json_text(*there);
    if (text == wanted.equals) continue;
    return {Outcome::unexpected, Phase::expect,
            wanted.path + " is " + quoted(text) + ", expected " + quoted(wanted.equals)};
  }
  return {};
}

Verdict Judge::judge(const Sight& sight) const {
  if (sight.failure) return {sight.failure->outcome, sight.failure->phase, sight.failure->detail};
  if (auto verdict = judge_status(sight.response.status); verdict.outcome != Outcome::ok) return verdict;
  if (auto verdict = judge_body(sight.response.body); verdict.outcome != Outcome::ok) return verdict;
  if (auto verdict = judge_json(sight.response.body); verdict.outcome != Outcome::ok) return verdict;
  if (expect_.within && sight.took > *expect_.within) {
    const auto took = std::chrono::ceil<core::Duration>(sight.took);
    return {Outcome::unexpected, Phase::expect,
            "took " + core::format_duration(took) + ", expected at most " + core::format_duration(*expect_.within)};
  }
  return {};
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
