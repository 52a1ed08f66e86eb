#include "excerpt.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>
#include <vector>

#include "tocsin/core/secret.hpp"

namespace tocsin::core {
namespace {

constexpr std::size_t width = 100;  // characters of an excerpt
constexpr std::string_view mask = "<secret>";

/// Where a line begins; lines count from 1.
std::optional<std::size_t> start_of(std::string_view text, std::size_t line) {
  std::size_t start = 0;
  for (; line > 1; --line) {
    const auto end = text.find('\n', start);
    if (end == std::string_view::npos) return std::nullopt;
    start = end + 1;
  }
  return start;
}

/// The text of the line that begins there, without its end.
std::string_view line_at(std::string_view text, std::size_t start) {
  text = text.substr(start);
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

bool is_key_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
}

/// A `key:` in a line of YAML.
struct Key {
  std::string_view name;
  std::size_t value = 0;  // where the text after the colon begins
};

/// The first key whose colon stands at `from` or later.
std::optional<Key> next_key(std::string_view line, std::size_t from) {
  for (auto colon = line.find(':', from); colon != std::string_view::npos; colon = line.find(':', colon + 1)) {
    const bool ends = colon + 1 == line.size() || line[colon + 1] == ' ' || line[colon + 1] == '\t';
    const bool quoted = colon > 0 && (line[colon - 1] == '"' || line[colon - 1] == '\'');
    if (!ends && !quoted) continue;
    const std::size_t end = quoted ? colon - 1 : colon;
    std::size_t begin = end;
    while (begin > 0 && is_key_character(line[begin - 1])) --begin;
    if (begin == end) continue;
    std::size_t value = colon + 1;
    while (value < line.size() && (line[value] == ' ' || line[value] == '\t')) ++value;
    return Key{line.substr(begin, end - begin), value};
  }
  return std::nullopt;
}

/// Where the scalar that begins at `begin` ends in this line. In doubt it is the end of the line.
std::size_t end_of_value(std::string_view line, std::size_t begin) {
  if (begin >= line.size()) return line.size();
  if (const char quote = line[begin]; quote == '"' || quote == '\'') {
    for (std::size_t i = begin + 1; i < line.size(); ++i) {
      if (line[i] == '\\' && quote == '"') {
        ++i;
      } else if (line[i] == quote) {
        if (quote == '\'' && i + 1 < line.size() && line[i + 1] == quote) {
          ++i;
        } else {
          return i + 1;
        }
      }
    }
    return line.size();
  }
  // Within {} or [] a plain scalar ends at a comma or a bracket; elsewhere both may belong to it.
  if (line.substr(0, begin).find_first_of("{[") == std::string_view::npos) return line.size();
  return std::min(line.find_first_of(",]}", begin), line.size());
}

class Masked {
 public:
  explicit Masked(std::string_view line) : line_(line), hidden_(line.size(), false) {}

  void hide(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < std::min(end, hidden_.size()); ++i) hidden_[i] = true;
  }
  /// `redis://user:password@host`: to the last `@` of the line, since a password may hold any character.
  void hide_user_info() {
    const auto scheme = line_.find("://");
    const auto at = line_.rfind('@');
    if (scheme != std::string_view::npos && at != std::string_view::npos && at > scheme) hide(scheme + 3, at);
  }
  /// `?token=abc&x=y`
  void hide_query_values() {
    for (auto equals = line_.find('='); equals != std::string_view::npos; equals = line_.find('=', equals + 1)) {
      std::size_t begin = equals;
      while (begin > 0 && is_key_character(line_[begin - 1])) --begin;
      if (!names_a_secret(line_.substr(begin, equals - begin))) continue;
      hide(equals + 1, std::min(line_.find_first_of("& \t\"'", equals + 1), line_.size()));
    }
  }
  void hide_values_of_secret_keys() {
    std::size_t from = 0;
    while (const auto key = next_key(line_, from)) {
      from = key->value;
      const bool section = key->value < line_.size() && line_[key->value] == '{';
      if (!names_a_secret(key->name) || section) continue;
      const std::size_t end = end_of_value(line_, key->value);
      hide(key->value, end);
      from = std::max(from, end);
    }
  }
  /// The line as it may be shown, and the caret's place in it.
  std::pair<std::string, std::size_t> show(std::size_t caret) const {
    std::string out;
    std::size_t place = std::string::npos;
    for (std::size_t i = 0; i < line_.size(); ++i) {
      const bool begins = hidden_[i] && (i == 0 || !hidden_[i - 1]);
      if (i == caret) place = hidden_[i] && !begins ? out.size() - mask.size() : out.size();
      if (begins) out += mask;
      if (hidden_[i]) continue;
      const auto c = static_cast<unsigned char>(line_[i]);
      out += c < 0x20 || c == 0x7f ? (c == '\t' ? '\t' : '?') : line_[i];
    }
    return {out, place == std::string::npos ? out.size() : place};
  }

 private:
  std::string_view line_;
  std::vector<bool> hidden_;
};

/// True if the line that begins there goes on with the value of a secret key that stands further up.
bool continues_a_secret(std::string_view text, std::size_t start) {
  for (std::size_t looked = 0; looked < 100; ++looked) {
    if (const auto key = next_key(line_at(text, start), 0)) return looked > 0 && names_a_secret(key->name);
    if (start < 2) return false;
    const auto before = text.rfind('\n', start - 2);
    start = before == std::string_view::npos ? 0 : before + 1;
  }
  return false;
}

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }

/// Cuts a long line around the caret; both count bytes, the cut falls between characters.
void cut(std::string& line, std::size_t& caret) {
  const auto step_back = [&line](std::size_t i) {
    while (i > 0 && i < line.size() && !begins_character(line[i])) --i;
    return i;
  };
  if (line.size() <= width) return;
  const std::size_t begin = caret > width * 2 / 3 ? step_back(caret - width * 2 / 3) : 0;
  const std::size_t end = begin + width < line.size() ? step_back(begin + width) : line.size();
  line = (begin > 0 ? "..." : "") + line.substr(begin, end - begin) + (end < line.size() ? "..." : "");
  caret = caret - begin + (begin > 0 ? 3 : 0);
}

}  // namespace

std::string excerpt(const SourceFile& file, Position at, std::span<const std::size_t> secrets) {
  if (at.line == 0) return {};
  std::string_view text = file.text;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const auto start = start_of(text, at.line);
  if (!start) return {};
  const std::string_view line = line_at(text, *start);
  if (line.empty()) return {};
  Masked masked(line);
  masked.hide_user_info();
  masked.hide_query_values();
  masked.hide_values_of_secret_keys();
  for (const std::size_t column : secrets) {
    if (column > 0) masked.hide(column - 1, end_of_value(line, column - 1));
  }
  if (continues_a_secret(text, *start)) masked.hide(std::min(line.find_first_not_of(" \t"), line.size()), line.size());
  auto [shown, caret] = masked.show(at.column == 0 ? 0 : at.column - 1);
  cut(shown, caret);
  std::string out = "  " + shown + "\n";
  if (at.column == 0) return out;
  out += "  ";
  for (std::size_t i = 0; i < caret && i < shown.size(); ++i) {
    if (shown[i] == '\t') {
      out += '\t';
    } else if (begins_character(shown[i])) {
      out += ' ';
    }
  }
  return out + "^\n";
}

}  // namespace tocsin::core
