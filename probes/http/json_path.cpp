#include "http/json_path.hpp"

#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <utility>

#include "tocsin/core/duration.hpp"

namespace tocsin::probes::http {
namespace {

namespace json = boost::json;
constexpr std::size_t max_steps = 64;
constexpr std::size_t max_depth = 64;

using Step = JsonPath::Step;

/// Reads `.name` from the front of `rest`, which begins with the dot.
std::optional<Step> dotted(std::string_view& rest) {
  rest.remove_prefix(1);
  const auto name = rest.substr(0, rest.find_first_of(".["));
  if (name.empty()) return std::nullopt;
  rest.remove_prefix(name.size());
  return Step(std::string(name));
}

/// Reads `'name']` or `"name"]`; a backslash takes the next character as it is.
std::optional<Step> quoted(std::string_view& rest) {
  const char quote = rest.front();
  std::string name;
  for (std::size_t at = 1; at < rest.size(); ++at) {
    if (rest[at] == '\\' && at + 1 < rest.size()) {
      name += rest[++at];
    } else if (rest[at] == quote) {
      if (at + 1 >= rest.size() || rest[at + 1] != ']') return std::nullopt;
      rest.remove_prefix(at + 2);
      return Step(std::move(name));
    } else {
      name += rest[at];
    }
  }
  return std::nullopt;
}

/// Reads `12]`.
std::optional<Step> indexed(std::string_view& rest) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), index);
  const auto length = static_cast<std::size_t>(end - rest.data());
  if (error != std::errc{} || length >= rest.size() || rest[length] != ']') return std::nullopt;
  rest.remove_prefix(length + 1);
  return Step(index);
}

std::optional<Step> next_step(std::string_view& rest) {
  if (rest.front() == '.') return dotted(rest);
  if (rest.front() != '[') return std::nullopt;
  rest.remove_prefix(1);
  if (rest.empty()) return std::nullopt;
  return rest.front() == '\'' || rest.front() == '"' ? quoted(rest) : indexed(rest);
}

const json::value* descend(const json::value* at, const Step& step) {
  if (const auto* name = std::get_if<std::string>(&step)) {
    return at->is_object() ? at->get_object().if_contains(*name) : nullptr;
  }
  return at->is_array() ? at->get_array().if_contains(std::get<std::size_t>(step)) : nullptr;
}

std::string as_text(const json::value& value) {
  switch (value.kind()) {
    case json::kind::string:
      return std::string(value.get_string());
    case json::kind::double_:
      return core::format_value(value.get_double());
    default:
      return json::serialize(value);
  }
}

}  // namespace

std::optional<JsonPath> JsonPath::parse(std::string_view text) {
  if (text.empty() || text.front() != '$') return std::nullopt;
  text.remove_prefix(1);
  JsonPath path;
  while (!text.empty()) {
    auto step = next_step(text);
    if (!step || path.steps_.size() >= max_steps) return std::nullopt;
    path.steps_.push_back(std::move(*step));
  }
  return path;
}

core::Result<std::vector<JsonPath::Found>> look_up(std::string_view body, const std::vector<JsonPath>& paths) {
  // Answers of health endpoints are small: most fit into the buffer and cost no allocation.
  std::array<unsigned char, 4096> buffer;
  json::monotonic_resource memory(buffer.data(), buffer.size());
  json::parse_options options;
  options.max_depth = max_depth;
  json::error_code error;
  const json::value document = json::parse(json::string_view(body.data(), body.size()), error, &memory, options);
  if (error) {
    return core::Failure{core::Outcome::unexpected, core::Phase::expect, "the body is not JSON: " + error.message()};
  }
  std::vector<JsonPath::Found> found;
  found.reserve(paths.size());
  for (const JsonPath& path : paths) {
    const json::value* at = &document;
    for (const Step& step : path.steps()) {
      at = descend(at, step);
      if (at == nullptr) break;
    }
    found.push_back(at == nullptr ? JsonPath::Found{} : JsonPath::Found{true, as_text(*at)});
  }
  return found;
}

}  // namespace tocsin::probes::http
