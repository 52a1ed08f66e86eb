#include "lexer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace tocsin::rules::tmpl {
namespace {

using Kind = Token::Kind;

constexpr std::string_view open_mark = "{{";
constexpr std::string_view close_mark = "}}";
constexpr std::string_view spaces = " \t\r\n";

constexpr std::array<std::pair<std::string_view, Kind>, 14> keywords{{{"block", Kind::block},
                                                                      {"break", Kind::break_},
                                                                      {"continue", Kind::continue_},
                                                                      {"define", Kind::define},
                                                                      {"else", Kind::else_},
                                                                      {"end", Kind::end},
                                                                      {"if", Kind::if_},
                                                                      {"nil", Kind::nil},
                                                                      {"range", Kind::range},
                                                                      {"template", Kind::template_},
                                                                      {"with", Kind::with},
                                                                      {"true", Kind::boolean},
                                                                      {"false", Kind::boolean},
                                                                      {".", Kind::dot}}};

bool is_space(char c) { return spaces.find(c) != std::string_view::npos; }
/// Letters outside ASCII count as letters; Go asks Unicode, which differs only for symbols nobody names a label with.
bool is_word(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u >= 0x80 || c == '_' || std::isalnum(u) != 0;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> run() {
    while (!done_) {
      inside_ ? lex_action() : lex_text();
    }
    return std::move(tokens_);
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }

  void emit(Kind kind, std::size_t from) {
    tokens_.push_back({kind, from, std::string(text_.substr(from, at_ - from))});
  }
  void fail(std::size_t from, std::string message) {
    tokens_.push_back({Kind::error, from, std::move(message)});
    done_ = true;
  }

  void lex_text() {
    const std::size_t start = at_;
    const std::size_t open = text_.find(open_mark, at_);
    if (open == std::string_view::npos) {
      at_ = text_.size();
      if (at_ > start) emit(Kind::text, start);
      tokens_.push_back({Kind::eof, at_, ""});
      done_ = true;
      return;
    }
    const std::size_t inner = open + open_mark.size();
    const bool trim = inner + 1 < text_.size() && text_[inner] == '-' && is_space(text_[inner + 1]);
    at_ = open;
    if (trim) {
      while (at_ > start && is_space(text_[at_ - 1])) --at_;
    }
    if (at_ > start) emit(Kind::text, start);
    at_ = inner + (trim ? 2 : 0);
    if (rest().starts_with("/*")) {
      lex_comment(open);
      return;
    }
    tokens_.push_back({Kind::left_delimiter, open, std::string(open_mark)});
    inside_ = true;
    parens_ = 0;
  }

  void lex_comment(std::size_t from) {
    const std::size_t end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos) return fail(from, "unclosed comment");
    at_ = end + 2;
    if (!at_right_delimiter()) return fail(from, "comment ends before closing delimiter");
    skip_right_delimiter();
  }

  [[nodiscard]] bool trims_right() const {
    return is_space(peek()) && peek(1) == '-' && text_.substr(at_ + 2).starts_with(close_mark);
  }
  [[nodiscard]] bool at_right_delimiter() const { return trims_right() || rest().starts_with(close_mark); }
  void skip_right_delimiter() {
    const bool trim = trims_right();
    at_ += close_mark.size() + (trim ? 2 : 0);
    while (trim && at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  void lex_action() {
    const std::size_t start = at_;
    if (at_right_delimiter()) {
      if (parens_ > 0) return fail(start, "unclosed left paren");
      tokens_.push_back({Kind::right_delimiter, start, std::string(close_mark)});
      skip_right_delimiter();
      inside_ = false;
      return;
    }
    if (at_ >= text_.size()) return fail(start, "unclosed action");
    const char c = peek();
    if (is_space(c)) return lex_space(start);
    if (c == '"') return lex_quoted(start, '"', Kind::string, "unterminated quoted string");
    if (c == '\'') return lex_quoted(start, '\'', Kind::character_constant, "unterminated character constant");
    if (c == '`') return lex_raw(start);
    if (c == '$' || (c == '.' && !is_digit(peek(1)))) return lex_field(start, c == '$' ? Kind::variable : Kind::field);
    if (c == '+' || c == '-' || c == '.' || is_digit(c)) return lex_number(start);
    if (is_word(c)) return lex_identifier(start);
    lex_symbol(start, c);
  }

  void lex_symbol(std::size_t start, char c) {
    ++at_;
    switch (c) {
      case '=':
        return emit(Kind::assign, start);
      case '|':
        return emit(Kind::pipe, start);
      case ':':
        if (peek() != '=') return fail(start, "expected :=");
        ++at_;
        return emit(Kind::declare, start);
      case '(':
        ++parens_;
        return emit(Kind::left_paren, start);
      case ')':
        if (parens_ == 0) return fail(start, "unexpected right paren");
        --parens_;
        return emit(Kind::right_paren, start);
      default:
        break;
    }
    if (std::isprint(static_cast<unsigned char>(c)) == 0) {
      return fail(start, fmt::format("unrecognized character in action: U+{:04X}", static_cast<unsigned char>(c)));
    }
    emit(Kind::character, start);
  }

  void lex_space(std::size_t start) {
    // A space right before `-}}` belongs to that delimiter.
    while (is_space(peek()) && !trims_right()) ++at_;
    emit(Kind::space, start);
  }

  void lex_quoted(std::size_t start, char quote, Kind kind, const char* unterminated) {
    for (++at_; at_ < text_.size() && peek() != '\n'; ++at_) {
      if (peek() == '\\' && at_ + 1 < text_.size() && peek(1) != '\n') {
        ++at_;
      } else if (peek() == quote) {
        ++at_;
        return emit(kind, start);
      }
    }
    fail(start, unterminated);
  }

  void lex_raw(std::size_t start) {
    const std::size_t end = text_.find('`', at_ + 1);
    if (end == std::string_view::npos) return fail(start, "unterminated raw quoted string");
    at_ = end + 1;
    emit(Kind::raw_string, start);
  }

  [[nodiscard]] bool at_terminator() const {
    if (at_ >= text_.size() || is_space(peek())) return true;
    return std::string_view(".,|:)(").find(peek()) != std::string_view::npos || rest().starts_with(close_mark);
  }

  /// False where a character that cannot follow a word follows one; the error is in the tokens then.
  bool terminated(std::size_t start) {
    if (at_terminator()) return true;
    fail(start, fmt::format("bad character U+{:04X} '{}'", static_cast<unsigned char>(peek()), peek()));
    return false;
  }

  void lex_field(std::size_t start, Kind kind) {
    ++at_;
    if (at_terminator()) return emit(kind == Kind::field ? Kind::dot : kind, start);
    while (is_word(peek()) && at_ < text_.size()) ++at_;
    if (terminated(start)) emit(kind, start);
  }

  void lex_identifier(std::size_t start) {
    while (at_ < text_.size() && is_word(peek())) ++at_;
    if (!terminated(start)) return;
    const std::string_view word = text_.substr(start, at_ - start);
    const auto* found = std::find_if(keywords.begin(), keywords.end(), [&](const auto& k) { return k.first == word; });
    emit(found == keywords.end() ? Kind::identifier : found->second, start);
  }

  void lex_number(std::size_t start) {
    if (peek() == '+' || peek() == '-') ++at_;
    std::string_view digits = "0123456789_";
    bool hex = false;
    if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X')) {
      hex = true;
      digits = "0123456789abcdefABCDEF_";
      at_ += 2;
    } else if (peek() == '0' && std::string_view("oObB").find(peek(1)) != std::string_view::npos && peek(1) != '\0') {
      at_ += 2;
    }
    const auto skip = [&] {
      while (at_ < text_.size() && digits.find(peek()) != std::string_view::npos) ++at_;
    };
    skip();
    if (peek() == '.') {
      ++at_;
      skip();
    }
    if ((!hex && (peek() == 'e' || peek() == 'E')) || (hex && (peek() == 'p' || peek() == 'P'))) {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      digits = "0123456789_";
      skip();
    }
    if (at_ < text_.size() && is_word(peek())) {
      ++at_;
      return fail(start, "bad number syntax: \"" + std::string(text_.substr(start, at_ - start)) + "\"");
    }
    emit(Kind::number, start);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool inside_ = false;
  bool done_ = false;
  std::size_t parens_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> lex(std::string_view text) { return Lexer(text).run(); }

}  // namespace tocsin::rules::tmpl
