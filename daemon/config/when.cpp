// `Alert{label="value", other=~"regex"}`: which alerts an action listens to.
#include <algorithm>
#include <stdexcept>

#include "tables.hpp"

namespace tocsin::daemon {
namespace {

using core::Matcher;

/// Reads the text from left to right; throws the problem as words.
class WhenParser {
 public:
  explicit WhenParser(std::string_view text) : text_(text) {}

  model::When parse() {
    const auto brace = text_.find('{');
    model::When when;
    when.alert = trimmed(text_.substr(0, brace));
    if (when.alert.empty()) fail("needs an alert's name in front of the braces");
    if (brace != std::string_view::npos) when.matchers = matchers(brace);
    return when;
  }

  std::vector<Matcher> parse_matchers() {
    const auto brace = text_.find('{');
    if (brace == std::string_view::npos || !trimmed(text_.substr(0, brace)).empty())
      fail("needs conditions in braces, such as {system=\"x\"}");
    return matchers(brace);
  }

 private:
  /// Those in the braces that open there; nothing stands behind them.
  std::vector<Matcher> matchers(std::size_t brace) {
    std::vector<Matcher> all;
    rest_ = text_.substr(brace + 1);
    while (!take('}')) {
      all.push_back(matcher());
      if (take(',')) continue;
      if (!take('}')) fail("needs a comma or a closing brace after each condition");
      break;
    }
    skip_blanks();
    if (!rest_.empty()) fail("has something after the closing brace");
    return all;
  }

  [[noreturn]] static void fail(const std::string& why) { throw std::invalid_argument(why); }

  static std::string trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t\n");
    if (begin == std::string_view::npos) return {};
    return std::string(text.substr(begin, text.find_last_not_of(" \t\n") - begin + 1));
  }

  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n"), rest_.size())); }

  bool take(char c) {
    skip_blanks();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  Matcher matcher() {
    skip_blanks();
    const auto length = std::min(rest_.find_first_of("=!~ \t\n,}\""), rest_.size());
    const std::string name(rest_.substr(0, length));
    if (!core::is_label_name(name)) fail("has a condition without a label's name (write label=\"value\")");
    rest_.remove_prefix(length);
    const Matcher::Kind kind = operation();
    const std::string value = quoted();
    try {
      return Matcher(kind, name, value);
    } catch (const std::invalid_argument& problem) {
      fail("has a bad regular expression: " + std::string(problem.what()));
    }
  }

  Matcher::Kind operation() {
    static constexpr std::pair<std::string_view, Matcher::Kind> all[] = {{"=~", Matcher::Kind::regex},
                                                                         {"!~", Matcher::Kind::not_regex},
                                                                         {"!=", Matcher::Kind::not_equal},
                                                                         {"=", Matcher::Kind::equal}};
    skip_blanks();
    for (const auto& [word, kind] : all) {
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return kind;
    }
    fail("needs =, !=, =~ or !~ after a label's name");
  }

  std::string quoted() {
    skip_blanks();
    if (!rest_.starts_with('"') && !rest_.starts_with('\'')) fail("needs its values in quotes (write label=\"value\")");
    const char quote = rest_.front();
    std::string value;
    std::size_t i = 1;
    for (; i < rest_.size() && rest_[i] != quote; ++i) {
      if (rest_[i] != '\\') {
        value += rest_[i];
        continue;
      }
      ++i;
      const char escaped = i < rest_.size() ? rest_[i] : '\0';
      if (escaped == 'n') {
        value += '\n';
      } else if (escaped == '\\' || escaped == '"' || escaped == '\'') {
        value += escaped;
      } else {
        fail("has an unknown escape in quotes (\\\\, \\\" and \\n are known)");
      }
    }
    if (i >= rest_.size()) fail("has a quote that is not closed");
    rest_.remove_prefix(i + 1);
    return value;
  }

  std::string_view text_;
  std::string_view rest_;
};

}  // namespace

std::variant<model::When, std::string> parse_when(const std::string& text) {
  try {
    return WhenParser(text).parse();
  } catch (const std::invalid_argument& problem) {
    return std::string(problem.what());
  }
}

std::variant<std::vector<core::Matcher>, std::string> parse_matchers(const std::string& text) {
  try {
    return WhenParser(text).parse_matchers();
  } catch (const std::invalid_argument& problem) {
    return std::string(problem.what());
  }
}

}  // namespace tocsin::daemon
