#include "src/command.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace tocsin::actions {
namespace {

constexpr std::size_t max_line = 200;
constexpr std::size_t searched = 64 * 1024;  // how much of an output is looked at for its first line

bool allowed(char letter) {
  constexpr std::string_view others = "._:/@+-";
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
         others.find(letter) != std::string_view::npos;
}

/// How many bytes the UTF-8 character at the beginning has; 0 if it is none.
std::size_t character_length(std::string_view text) {
  const auto byte = [&text](std::size_t place) { return static_cast<unsigned char>(text[place]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 && first <= 0xf4 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length == 0 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return 0;
  }
  const unsigned char second = byte(1);
  if (first == 0xe0 && second < 0xa0) return 0;  // longer than it need be
  if (first == 0xed && second > 0x9f) return 0;  // half of a surrogate pair
  if (first == 0xf0 && second < 0x90) return 0;
  if (first == 0xf4 && second > 0x8f) return 0;
  return length;
}

std::string printable(std::string_view line) {
  std::string text;
  while (!line.empty()) {
    const std::size_t length = character_length(line);
    if (text.size() + std::max<std::size_t>(length, 1) > max_line) return text + "...";
    const bool control = length == 1 && (static_cast<unsigned char>(line[0]) < 0x20 || line[0] == 0x7f);
    const bool control_too =
        length == 2 && line[0] == '\xc2' && static_cast<unsigned char>(line[1]) < 0xa0;  // U+0080 to U+009F
    if (length == 0) {
      text += '?';
    } else if (control || control_too) {
      text += ' ';
    } else {
      text += line.substr(0, length);
    }
    line.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return text;
}

}  // namespace

bool may_be_argument(std::string_view value) {
  return !value.empty() && value.size() <= 128 && value.front() != '-' &&
         std::all_of(value.begin(), value.end(), allowed);
}

core::Result<std::vector<std::string>> fill(const std::vector<std::string>& argv, const Placeholders& values) {
  struct Placeholder {
    std::string_view name;
    const std::string& value;
  };
  const std::array<Placeholder, 3> known{{{"{from}", values.from}, {"{to}", values.to}, {"{target}", values.target}}};
  std::vector<std::string> filled;
  filled.reserve(argv.size());
  for (const std::string& argument : argv) {
    std::string text;
    for (std::size_t at = 0; at < argument.size();) {
      const std::string_view rest = std::string_view(argument).substr(at);
      const auto* found = std::find_if(
          known.begin(), known.end(), [rest](const Placeholder& p) { return rest.substr(0, p.name.size()) == p.name; });
      if (found == known.end()) {
        text += argument[at++];
        continue;
      }
      if (!may_be_argument(found->value)) {
        return core::Failure{core::Outcome::limit, core::Phase::none,
                             "the value of " + std::string(found->name) +
                                 " may not stand in a command (letters, digits and ._:/@+- are "
                                 "allowed, 128 of them, not beginning with -): " +
                                 first_line(found->value, {})};
      }
      text += found->value;
      at += found->name.size();
    }
    filled.push_back(std::move(text));
  }
  return filled;
}

std::vector<std::pair<std::string, std::string>> environment_of(const ActionSpec& spec) {
  std::vector<std::pair<std::string, std::string>> environment{
      {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, {"HOME", "/"}, {"LANG", "C.UTF-8"}};
  for (const auto& [name, value] : spec.environment) {
    const auto same = std::find_if(environment.begin(), environment.end(),
                                   [&name = name](const auto& pair) { return pair.first == name; });
    if (same != environment.end()) {
      same->second = value;
    } else {
      environment.emplace_back(name, value);
    }
  }
  return environment;
}

std::string first_line(std::string_view text, const std::vector<std::pair<std::string, std::string>>& declared) {
  std::string searched_text(text.substr(0, searched));
  std::vector<std::string_view> secrets;
  for (const auto& [name, value] : declared) {
    if (value.size() > 3) secrets.push_back(value);
  }
  // The longest first: one may be a part of another.
  std::sort(secrets.begin(), secrets.end(), [](std::string_view a, std::string_view b) { return a.size() > b.size(); });
  for (const std::string_view secret : secrets) searched_text = core::redact(std::move(searched_text), secret);

  std::string_view rest = searched_text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    if (line.find_first_not_of(" \t") != std::string_view::npos) return printable(line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

std::string describe(const net::ProcessExit& exit, const std::vector<std::pair<std::string, std::string>>& declared) {
  std::string words;
  if (exit.timed_out) {
    words = "it did not end in time and was ended";
  } else if (exit.signal) {
    words = "it was ended by signal " + std::to_string(*exit.signal);
  } else {
    words = "exit " + std::to_string(exit.status);
  }
  const std::string said = first_line(exit.err, declared);
  const std::string line = said.empty() ? first_line(exit.out, declared) : said;
  return line.empty() ? words : words + ": " + line;
}

}  // namespace tocsin::actions
