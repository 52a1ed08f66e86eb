#include "src/promql/lexer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "src/go_text.hpp"
#include "tocsin/core/utf8.hpp"

namespace tocsin::rules::promql {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
constexpr bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

constexpr std::array<std::string_view, 8> keywords{"offset",   "by",         "without",     "on",
                                                   "ignoring", "group_left", "group_right", "bool"};
constexpr std::array<std::string_view, 14> aggregators{"sum",          "avg",      "count",  "min",        "max",
                                                       "group",        "stddev",   "stdvar", "topk",       "bottomk",
                                                       "count_values", "quantile", "limitk", "limit_ratio"};
constexpr std::array<std::string_view, 4> word_operators{"and", "or", "unless", "atan2"};

TokenKind kind_of_word(std::string_view lower) {
  const auto in = [lower](const auto& list) { return std::find(list.begin(), list.end(), lower) != list.end(); };
  if (in(keywords)) return TokenKind::keyword;
  if (in(aggregators)) return TokenKind::aggregator;
  if (in(word_operators)) return TokenKind::op;
  if (lower == "start" || lower == "end") return TokenKind::preprocessor;
  if (lower == "inf" || lower == "nan") return TokenKind::number;
  return lower.find(':') == std::string_view::npos ? TokenKind::identifier : TokenKind::metric_identifier;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::optional<char> simple_escape(char c) {
  switch (c) {
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    case '\\':
      return '\\';
    default:
      return std::nullopt;
  }
}

struct NumericEscape {
  std::size_t digits;
  std::uint32_t base;
  std::uint32_t max;
};
std::optional<NumericEscape> numeric_escape(char c) {
  if (c >= '0' && c <= '7') return NumericEscape{3, 8, 255};
  if (c == 'x') return NumericEscape{2, 16, 255};
  if (c == 'u') return NumericEscape{4, 16, 0x10ffff};
  if (c == 'U') return NumericEscape{8, 16, 0x10ffff};
  return std::nullopt;
}

std::optional<std::uint32_t> digit_value(char c, std::uint32_t base) {
  std::uint32_t value = 16;
  if (is_digit(c)) {
    value = static_cast<std::uint32_t>(c - '0');
  } else if (is_hex(c)) {
    value = static_cast<std::uint32_t>((c | 0x20) - 'a') + 10;
  }
  if (value >= base) return std::nullopt;
  return value;
}

}  // namespace

Token Lexer::make(TokenKind kind, std::size_t length) {
  Token token;
  token.kind = kind;
  token.begin = at_;
  token.end = at_ + length;
  token.source = input_.substr(at_, length);
  at_ += length;
  return token;
}

Token Lexer::fail(std::string message, std::size_t begin, std::size_t end) {
  failed_ = true;
  last_error_.kind = TokenKind::error;
  last_error_.begin = std::min(begin, input_.size());
  last_error_.end = std::min(end, input_.size());
  last_error_.text = std::move(message);
  return last_error_;
}

/// As Go prints a rune with %q.
std::string Lexer::rune_at(std::size_t at) const {
  const auto rune = core::decode_utf8(input_.substr(at));
  if (rune.length == 0) return "'\xef\xbf\xbd'";
  const char c = input_[at];
  if (c == '\'') return "'\\''";
  if (c == '"') return "'\"'";
  const std::string quoted = go_quote(input_.substr(at, rune.length));
  return "'" + quoted.substr(1, quoted.size() - 2) + "'";
}

void Lexer::skip_blank() {
  while (!done()) {
    if (is_space(peek())) {
      ++at_;
    } else if (peek() == '#') {
      while (!done() && peek() != '\n') ++at_;
    } else {
      return;
    }
  }
}

Token Lexer::next() {
  if (failed_) return last_error_;
  skip_blank();
  return brace_ ? inside_braces() : outside();
}

Token Lexer::outside() {
  if (done()) {
    if (parens_ != 0) return fail("unclosed left parenthesis", at_, at_);
    if (bracket_) return fail("unclosed left bracket", at_, at_);
    return make(TokenKind::end, 0);
  }
  const char c = peek();
  if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number_or_duration();
  if (bracket_ && c == ':') return make(TokenKind::colon, 1);
  if (is_alpha(c) || c == ':') return word();
  if (c == '"' || c == '\'') return quoted();
  if (c == '`') return raw_string();
  return punctuation();
}

Token Lexer::punctuation() {
  const char c = peek();
  const std::size_t here = at_;
  switch (c) {
    case ',':
      return make(TokenKind::comma, 1);
    case '*':
    case '/':
    case '%':
    case '+':
    case '-':
    case '^':
    case '@':
      return make(TokenKind::op, 1);
    case '=':
      if (peek(1) == '=') return make(TokenKind::op, 2);
      if (peek(1) == '~') return fail("unexpected character after '=': '~'", here + 1, here + 2);
      return make(TokenKind::equal, 1);
    case '!':
      if (peek(1) == '=') return make(TokenKind::op, 2);
      if (here + 1 >= input_.size()) return fail("unexpected character after '!': '\xef\xbf\xbd'", here, here + 1);
      return fail("unexpected character after '!': " + rune_at(here + 1), here, here + 1);
    case '<':
    case '>':
      return make(TokenKind::op, peek(1) == '=' ? 2 : 1);
    case '(':
      ++parens_;
      return make(TokenKind::left_paren, 1);
    case ')':
      if (--parens_ < 0) return fail("unexpected right parenthesis ')'", here, here + 1);
      return make(TokenKind::right_paren, 1);
    case '{':
      brace_ = true;
      return make(TokenKind::left_brace, 1);
    case '[':
      if (bracket_) return fail("unexpected left bracket '['", here, here + 1);
      bracket_ = true;
      return make(TokenKind::left_bracket, 1);
    case ']':
      if (!bracket_) return fail("unexpected right bracket ']'", here, here + 1);
      bracket_ = false;
      return make(TokenKind::right_bracket, 1);
    default:
      return fail("unexpected character: " + rune_at(here), here, here + 1);
  }
}

Token Lexer::inside_braces() {
  if (done()) return fail("unexpected end of input inside braces", at_, at_);
  const char c = peek();
  const std::size_t here = at_;
  if (is_alpha(c)) {
    std::size_t length = 1;
    while (is_alpha(peek(length)) || is_digit(peek(length))) ++length;
    Token token = make(TokenKind::identifier, length);
    token.text = token.source;
    return token;
  }
  switch (c) {
    case ',':
      return make(TokenKind::comma, 1);
    case '"':
    case '\'':
      return quoted();
    case '`':
      return raw_string();
    case '=':
      if (peek(1) == '~') return make(TokenKind::match, 2);
      return make(TokenKind::equal, 1);
    case '!':
      if (peek(1) == '~') return make(TokenKind::match, 2);
      if (peek(1) == '=') return make(TokenKind::op, 2);
      if (here + 1 >= input_.size()) return fail("unexpected end of input inside braces", here + 1, here + 1);
      return fail("unexpected character after '!' inside braces: " + rune_at(here + 1), here, here + 1);
    case '{':
      return fail("unexpected left brace '{'", here, here + 1);
    case '}':
      brace_ = false;
      return make(TokenKind::right_brace, 1);
    default:
      return fail("unexpected character inside braces: " + rune_at(here), here, here + 1);
  }
}

Token Lexer::word() {
  std::size_t length = 1;
  while (is_alpha(peek(length)) || is_digit(peek(length)) || peek(length) == ':') {
    // In `[5m:1m]` a colon ends a word; there is no word that could hold one.
    if (bracket_ && peek(length) == ':') break;
    ++length;
  }
  std::string lower = lower_case(input_.substr(at_, length));
  Token token = make(kind_of_word(lower), length);
  const bool plain = token.kind == TokenKind::identifier || token.kind == TokenKind::metric_identifier;
  token.text = plain ? std::string(token.source) : std::move(lower);
  return token;
}

bool Lexer::scan_number() {
  bool (*digit)(char) = is_digit;
  std::size_t length = 0;
  const auto run = [&] {
    while (digit(peek(length)) || (peek(length) == '_' && length > 0 && digit(peek(length + 1)))) ++length;
  };
  if (peek() == '0' && (peek(1) | 0x20) == 'x') {
    length = 2;
    digit = is_hex;
    run();
  } else {
    run();
    if (peek(length) == '.') {
      ++length;
      run();
    }
    if ((peek(length) | 0x20) == 'e') {
      std::size_t exponent = length + 1;
      if (peek(exponent) == '+' || peek(exponent) == '-') ++exponent;
      if (is_digit(peek(exponent))) {
        length = exponent;
        run();
      }
    }
  }
  at_ += length;
  // A number ends where something else than a letter or a digit begins.
  return !is_alpha(peek()) && !is_digit(peek());
}

bool Lexer::scan_duration_rest() {
  // Stands at the first unit.
  for (;;) {
    std::size_t unit = 0;
    if (peek() == 'm' && peek(1) == 's') {
      unit = 2;
    } else if (std::string_view("smhdwy").find(peek()) != std::string_view::npos && peek() != '\0') {
      unit = 1;
    }
    if (unit == 0) return false;
    at_ += unit;
    if (!is_digit(peek())) break;
    while (is_digit(peek())) ++at_;
  }
  return !is_alpha(peek());
}

Token Lexer::number_or_duration() {
  const std::size_t begin = at_;
  TokenKind kind = TokenKind::number;
  if (!scan_number()) {
    kind = TokenKind::duration;
    if (!scan_duration_rest()) {
      if (!done()) ++at_;
      return fail("bad number or duration syntax: " + go_quote(input_.substr(begin, at_ - begin)), begin, at_);
    }
  }
  const std::size_t length = at_ - begin;
  at_ = begin;
  Token token = make(kind, length);
  token.text = token.source;
  return token;
}

bool Lexer::escape(char quote, std::string& out, std::string& problem) {
  if (done()) {
    problem = "escape sequence not terminated";
    return false;
  }
  const char c = peek();
  if (const auto simple = simple_escape(c); simple || c == quote) {
    out += simple.value_or(c);
    ++at_;
    return true;
  }
  const auto numeric = numeric_escape(c);
  if (!numeric) {
    const auto rune = core::decode_utf8(input_.substr(at_));
    problem = fmt::format("unknown escape sequence U+{:04X} {}", rune.value, rune_at(at_));
    return false;
  }
  if (numeric->base == 16) ++at_;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < numeric->digits; ++i, ++at_) {
    const auto digit = done() ? std::nullopt : digit_value(peek(), numeric->base);
    if (!digit) {
      problem = done() ? "escape sequence not terminated"
                       : fmt::format("illegal character U+{:04X} {} in escape sequence",
                                     core::decode_utf8(input_.substr(at_)).value, rune_at(at_));
      return false;
    }
    value = value * numeric->base + *digit;
  }
  if (value > numeric->max || (value >= 0xd800 && value < 0xe000)) {
    problem = "escape sequence is an invalid Unicode code point";
    return false;
  }
  if (numeric->max == 255) {
    out += static_cast<char>(static_cast<unsigned char>(value));
  } else {
    core::append_utf8(out, value);
  }
  return true;
}

Token Lexer::quoted() {
  const std::size_t begin = at_;
  const char quote = peek();
  std::string text;
  ++at_;
  for (;;) {
    if (done() || peek() == '\n') return fail("unterminated quoted string", begin, at_);
    const char c = peek();
    ++at_;
    if (c == quote) break;
    if (c != '\\') {
      text += c;
      continue;
    }
    std::string problem;
    if (!escape(quote, text, problem)) return fail(std::move(problem), begin, at_);
  }
  const std::size_t length = at_ - begin;
  at_ = begin;
  Token token = make(TokenKind::string, length);
  token.text = std::move(text);
  return token;
}

Token Lexer::raw_string() {
  const std::size_t close = input_.find('`', at_ + 1);
  if (close == std::string_view::npos) return fail("unterminated raw string", at_, input_.size());
  Token token = make(TokenKind::string, close + 1 - at_);
  token.text = token.source.substr(1, token.source.size() - 2);
  return token;
}

}  // namespace tocsin::rules::promql
