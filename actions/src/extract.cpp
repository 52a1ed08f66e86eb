#include "src/extract.hpp"

#include <re2/re2.h>

#include <algorithm>

#include "tocsin/core/json_path.hpp"

namespace tocsin::actions {
namespace {

constexpr std::size_t max_value = 256;

core::Failure failure(std::string detail) {
  return core::Failure{core::Outcome::unexpected, core::Phase::parse, std::move(detail)};
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view space = " \t\r\n\v\f";
  const std::size_t begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

core::Result<std::string> one_value(std::string_view text) {
  const std::string_view value = trim(text);
  if (value.empty()) return failure("the value is empty");
  if (value.size() > max_value) return failure("the value is longer than 256 bytes");
  const auto control = [](char letter) { return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f; };
  if (std::any_of(value.begin(), value.end(), control))
    return failure("the value has more than one line, or control characters");
  return std::string(value);
}

core::Result<boost::json::value> document_of(std::string_view output) {
  auto root = core::parse_json(output);
  if (!root) return failure("the output is not JSON: " + root.error().detail);
  return root;
}

/// The text at a path, as it is.
core::Result<std::string> text_at(const boost::json::value& root, const std::string& expression) {
  const auto path = core::JsonPath::parse(expression);
  if (!path) return failure("JSON path '" + expression + "', " + path.error().detail);
  const boost::json::value* value = path->find(root);
  if (value == nullptr) return failure("the output has nothing at " + expression);
  if (value->is_null() || value->is_structured()) return failure(expression + " is no text, number or truth value");
  return core::json_text(*value);
}

core::Result<std::string> by_json(const std::string& expression, std::string_view output) {
  const auto path = core::JsonPath::parse(expression);  // what is wrong with us before what is wrong with them
  if (!path) return failure("JSON path '" + expression + "', " + path.error().detail);
  const auto root = document_of(output);
  if (!root) return root.error();
  const auto text = text_at(*root, expression);
  if (!text) return text.error();
  return one_value(*text);
}

/// Where the braces that a text begins with end: a quoted key may have one in it.
std::size_t end_of_path(std::string_view text) {
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter = text[i];
    if (quote != 0) {
      if (letter == quote) quote = 0;
    } else if (letter == '\'' || letter == '"') {
      quote = letter;
    } else if (letter == '}') {
      return i;
    }
  }
  return std::string_view::npos;
}

core::Result<std::string> by_format(std::string_view format, std::string_view output) {
  const auto root = document_of(output);
  if (!root) return root.error();
  std::string text;
  while (!format.empty()) {
    const std::size_t begin = std::min(format.find("{$"), format.size());
    text.append(format.substr(0, begin));
    format.remove_prefix(begin);
    if (format.empty()) break;
    const std::size_t end = end_of_path(format);
    if (end == std::string_view::npos) return failure("the format has a { without its }");
    const auto part = text_at(*root, std::string(format.substr(1, end - 1)));
    if (!part) return part.error();
    // A part that is missing would make another value of the rest.
    const std::string_view trimmed = trim(*part);
    if (trimmed.empty()) return failure("there is no text at " + std::string(format.substr(1, end - 1)));
    text.append(trimmed);
    format.remove_prefix(end + 1);
  }
  return one_value(text);
}

core::Result<std::string> by_lines(std::string_view output) {
  std::size_t count = 0;
  while (!output.empty()) {
    const std::size_t end = std::min(output.find('\n'), output.size());
    if (!trim(output.substr(0, end)).empty()) ++count;
    output.remove_prefix(std::min(end + 1, output.size()));
  }
  return std::to_string(count);
}

core::Result<std::string> by_regex(const std::string& expression, std::string_view output) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  const re2::RE2 pattern(expression, options);
  if (!pattern.ok()) return failure("the regular expression '" + expression + "' is wrong: " + pattern.error());
  if (pattern.NumberOfCapturingGroups() != 1)
    return failure("the regular expression '" + expression + "' must have one group");
  re2::StringPiece found;
  if (!re2::RE2::PartialMatch(re2::StringPiece(output.data(), output.size()), pattern, &found)) {
    return failure("the output does not match '" + expression + "'");
  }
  return one_value(std::string_view(found.data(), found.size()));
}

}  // namespace

core::Result<std::string> extract(const Extract& how, std::string_view output) {
  switch (how.kind) {
    case Extract::Kind::whole:
      return one_value(output);
    case Extract::Kind::json:
      return by_json(how.expression, output);
    case Extract::Kind::regex:
      return by_regex(how.expression, output);
    case Extract::Kind::lines:
      return by_lines(output);
    case Extract::Kind::format:
      return by_format(how.expression, output);
  }
  return failure("unknown kind of extraction");
}

}  // namespace tocsin::actions
