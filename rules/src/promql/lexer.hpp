// Splits PromQL into tokens, one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::rules::promql {

enum class TokenKind {
  end,
  error,  // text holds the message
  identifier,
  metric_identifier,  // has a colon
  string,
  number,
  duration,
  left_paren,
  right_paren,
  left_brace,
  right_brace,
  left_bracket,
  right_bracket,
  comma,
  colon,
  equal,  // =
  op,     // one of the operators, `@` included; words as well
  match,  // =~ !~ inside braces (= and != are `equal` and `op`)
  keyword,
  preprocessor,  // start, end
  aggregator,
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string_view source;  // as written
  std::string text;         // words in lower case; strings unquoted; the message of an error
};

class Lexer {
 public:
  explicit Lexer(std::string_view input) : input_(input) {}
  /// The next token; at the end, and after an error, always the same one.
  [[nodiscard]] Token next();

 private:
  [[nodiscard]] Token outside();
  [[nodiscard]] Token inside_braces();
  [[nodiscard]] Token word();
  [[nodiscard]] Token number_or_duration();
  [[nodiscard]] Token quoted();
  [[nodiscard]] Token raw_string();
  [[nodiscard]] Token punctuation();
  bool escape(char quote, std::string& out, std::string& problem);
  void skip_blank();
  bool scan_number();
  bool scan_duration_rest();
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < input_.size() ? input_[at_ + ahead] : '\0';
  }
  [[nodiscard]] bool done() const { return at_ >= input_.size(); }
  [[nodiscard]] Token make(TokenKind kind, std::size_t length);
  [[nodiscard]] Token fail(std::string message, std::size_t begin, std::size_t end);
  [[nodiscard]] std::string rune_at(std::size_t at) const;

  std::string_view input_;
  std::size_t at_ = 0;
  int parens_ = 0;
  bool brace_ = false;
  bool bracket_ = false;
  bool failed_ = false;
  Token last_error_;
};

}  // namespace tocsin::rules::promql
