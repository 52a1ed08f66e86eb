// Conditions on single values.
#include <re2/re2.h>

#include <algorithm>
#include <charconv>

#include "tables.hpp"

namespace tocsin::daemon {

std::optional<std::string> listen_problem(const std::string& listen) {
  const std::string wrong =
      "is an address and a port such as 127.0.0.1:9477, [::1]:9477 or :9477, not \"" + listen + "\"";
  const auto colon = listen.rfind(':');
  if (colon == std::string::npos) return wrong;
  const std::string host = listen.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (!bracketed && host.find_first_of(":[]/ @") != std::string::npos) return wrong;
  unsigned port = 0;
  const char* begin = listen.data() + colon + 1;
  const char* end = listen.data() + listen.size();
  const auto [stop, ec] = std::from_chars(begin, end, port);
  if (ec != std::errc() || stop != end || port > 65535) return wrong;
  return std::nullopt;
}

std::optional<std::string> regex_problem(const std::string& regex) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  const re2::RE2 compiled(regex, options);
  if (compiled.ok()) return std::nullopt;
  return "is not a regular expression (RE2): " + compiled.error();
}

std::optional<std::string> json_path_problem(const std::string& path) {
  const std::string wrong = "is not of the form $.name['name'][0]";
  if (!path.starts_with('$')) return wrong;
  for (std::size_t i = 1; i < path.size();) {
    if (path[i] == '.') {
      const auto end = std::min(path.find_first_of(".[", i + 1), path.size());
      if (end == i + 1) return wrong;
      i = end;
    } else if (path[i] == '[' && i + 1 < path.size() && (path[i + 1] == '\'' || path[i + 1] == '"')) {
      const auto end = path.find(std::string{path[i + 1], ']'}, i + 2);
      if (end == std::string::npos) return wrong;
      i = end + 2;
    } else if (path[i] == '[') {
      const auto end = path.find(']', i);
      if (end == std::string::npos || end == i + 1 || path.find_first_not_of("0123456789", i + 1) != end) return wrong;
      i = end + 1;
    } else {
      return wrong;
    }
  }
  return std::nullopt;
}

}  // namespace tocsin::daemon
