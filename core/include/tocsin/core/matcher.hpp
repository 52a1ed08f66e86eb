// One condition on one label: =, !=, =~, !~ (regular expressions are RE2's, anchored at both ends, `.` matches a
// newline).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tocsin/core/labels.hpp"

namespace tocsin::core {

class Matcher {
 public:
  enum class Kind { equal, not_equal, regex, not_regex };

  /// Throws std::invalid_argument with RE2's message where the expression is not one. Expressions that would need more
  /// than 1 MiB of automaton are refused.
  Matcher(Kind kind, std::string name, std::string value);

  [[nodiscard]] bool matches(std::string_view value) const;
  /// True if a series without this label matches.
  [[nodiscard]] bool matches_empty() const { return matches(""); }
  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& value() const { return value_; }
  /// `name=~"value"`.
  [[nodiscard]] std::string to_string() const;
  bool operator==(const Matcher& other) const {
    return kind_ == other.kind_ && name_ == other.name_ && value_ == other.value_;
  }

 private:
  struct Regex;
  Kind kind_;
  std::string name_;
  std::string value_;
  std::shared_ptr<const Regex> regex_;
};

[[nodiscard]] bool matches_all(std::span<const Matcher> matchers, const Labels& labels);

}  // namespace tocsin::core
