#include "exec/verdict.hpp"

#include <algorithm>
#include <array>

#include "tocsin/core/utf8.hpp"

namespace tocsin::probes::exec {

using core::Failure;
using core::Outcome;
using core::Phase;

namespace {

constexpr std::size_t max_line = 200;
constexpr std::size_t searched = 64 * 1024;  // how much of an output is looked at for its first line
constexpr std::array<std::string_view, 4> nagios{"OK", "WARNING", "CRITICAL", "UNKNOWN"};

std::string printable(std::string_view line) {
  std::string text;
  while (!line.empty()) {
    const core::CodePoint point = core::decode_utf8(line);
    const std::size_t length = std::max<std::size_t>(point.length, 1);
    if (text.size() + length > max_line) return text + "...";
    if (point.length == 0) {
      text += '?';
    } else if (point.value < 0x20 || (point.value >= 0x7f && point.value < 0xa0)) {
      text += ' ';
    } else {
      text += line.substr(0, length);
    }
    line.remove_prefix(length);
  }
  return text;
}

}  // namespace

std::string first_line(std::string_view text, const std::vector<core::Secret>& secrets) {
  std::string plain(text.substr(0, searched));
  std::vector<std::string_view> hidden;
  for (const core::Secret& secret : secrets) {
    if (secret.reveal().size() > 3) hidden.push_back(secret.reveal());
  }
  // The longest first: one may be a part of another.
  std::sort(hidden.begin(), hidden.end(), [](auto a, auto b) { return a.size() > b.size(); });
  for (const std::string_view secret : hidden) plain = core::redact(std::move(plain), secret);
  std::string_view rest = plain;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find_first_of("\r\n"));
    if (line.find_first_not_of(" \t") != std::string_view::npos) return printable(line);
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  }
  return {};
}

int status_of(const net::ProcessExit& exit) { return exit.signal ? 128 + *exit.signal : exit.status; }

std::optional<Failure> judge(const net::ProcessExit& exit, const std::vector<int>& good,
                             const std::vector<core::Secret>& secrets) {
  if (exit.timed_out) return Failure{Outcome::timeout, Phase::query, "it did not end in time and was ended"};
  const bool is_good = !exit.signal && std::find(good.begin(), good.end(), exit.status) != good.end();
  if (is_good) return std::nullopt;
  std::string words = exit.signal ? "it was ended by signal " + std::to_string(*exit.signal)
                                  : "exit status " + std::to_string(exit.status);
  if (!exit.signal && exit.status >= 0 && static_cast<std::size_t>(exit.status) < nagios.size()) {
    words += " (" + std::string(nagios.at(static_cast<std::size_t>(exit.status))) + ")";
  }
  // A plugin says why on its standard output; a program that is none on its standard error.
  std::string said = first_line(exit.out, secrets);
  if (said.empty()) said = first_line(exit.err, secrets);
  return Failure{exit.signal ? Outcome::closed : Outcome::unexpected, Phase::expect,
                 said.empty() ? words : words + ": " + said};
}

}  // namespace tocsin::probes::exec
