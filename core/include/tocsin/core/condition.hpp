// A condition on a text: `ok`, `< 100`, `=~ ^v2`, `exists`.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tocsin/core/result.hpp"

namespace re2 {
class RE2;
}

namespace tocsin::core {

class Condition {
 public:
  /// Failure::detail says what is wrong, in words that follow the text.
  [[nodiscard]] static Result<Condition> parse(std::string_view text);
  /// Nothing there: only `absent` holds.
  [[nodiscard]] bool holds(std::optional<std::string_view> value) const;
  /// `!=`, `!~` and `absent`: of several values all must fulfil it, not one.
  [[nodiscard]] bool denies() const { return op_ == Op::differs || op_ == Op::not_matches || op_ == Op::absent; }
  [[nodiscard]] bool wants_nothing() const { return op_ == Op::absent; }
  /// What was expected, for a person: `"ok"`, `< 100`, `to match ^v2`.
  [[nodiscard]] std::string words() const;

 private:
  enum class Op { equals, differs, less, at_most, more, at_least, matches, not_matches, exists, absent };
  static Result<Condition> number(Op op, std::string_view text, std::string_view rest);
  static Result<Condition> regex(Op op, std::string_view rest);

  Op op_ = Op::equals;
  std::string text_;
  double number_ = 0;
  std::shared_ptr<const re2::RE2> regex_;
};

/// RE2 with this project's bounds; never null, but perhaps not ok().
[[nodiscard]] std::shared_ptr<const re2::RE2> compile_regex(const std::string& expression);
[[nodiscard]] bool found_in(const re2::RE2& expression, std::string_view text);
/// What peers send goes into sentences short and without control characters.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace tocsin::core
