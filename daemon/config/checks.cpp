// Conditions on single values.
#include <re2/re2.h>

#include <algorithm>
#include <cstdint>

#include "tables.hpp"
#include "tocsin/core/json_path.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::daemon {

std::optional<std::string> listen_problem(const std::string& listen) {
  const std::string wrong =
      "is an address and a port such as 127.0.0.1:9477, [::1]:9477 or :9477, not \"" + listen + "\"";
  const auto colon = listen.rfind(':');
  if (colon == std::string::npos) return wrong;
  const std::string host = listen.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (!bracketed && host.find_first_of(":[]/ @") != std::string::npos) return wrong;
  if (!core::parse_number<std::uint16_t>(std::string_view(listen).substr(colon + 1))) return wrong;
  return std::nullopt;
}

bool is_http_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_http_header(std::string_view name, const core::SecretSource& value) {
  return is_http_token(name) && value.value.reveal().find_first_of("\r\n") == std::string::npos;
}

std::optional<std::string> regex_problem(const std::string& regex) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  const re2::RE2 compiled(regex, options);
  if (compiled.ok()) return std::nullopt;
  return "is not a regular expression (RE2): " + compiled.error();
}

core::Type<std::string> regex() {
  return core::text_as<std::string>(
      "regular expression", "",
      [](const std::string& text) -> std::variant<std::string, std::string> {
        if (const auto problem = regex_problem(text))
          return std::variant<std::string, std::string>(std::in_place_index<1>, *problem);
        return std::variant<std::string, std::string>(std::in_place_index<0>, text);
      },
      [](const std::string& text) { return text; });
}

std::optional<std::string> json_path_problem(const std::string& text) {
  const auto path = core::JsonPath::parse(text);
  if (path) return std::nullopt;
  return "is not of the form $.name['name'][0]: " + path.error().detail;
}

}  // namespace tocsin::daemon
