// The parser's class: recursive descent, operators by precedence.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "src/promql/lexer.hpp"
#include "tocsin/rules/promql/engine.hpp"

namespace tocsin::rules::promql {

struct Parsed {
  ExprPtr expr;
  int height = 1;
};

class Parser {
 public:
  explicit Parser(std::string_view query) : query_(query), lexer_(query) { advance(); }

  std::variant<ExprPtr, ParseError> run();

 private:
  // Every parse_* gives nothing once error_ is set.
  std::optional<Parsed> binary(int min_precedence);
  std::optional<Parsed> unary();
  std::optional<Parsed> postfix();
  std::optional<Parsed> primary();
  std::optional<Parsed> paren();
  std::optional<Parsed> number();
  std::optional<Parsed> name_or_call();
  std::optional<Parsed> call(const Token& name);
  std::optional<Parsed> aggregation(const Token& op);
  std::optional<Parsed> selector(const Token* name);
  bool label_matchers(VectorSelector& out);
  bool label_matcher(VectorSelector& out);
  bool add_matcher(VectorSelector& out, core::Matcher::Kind kind, std::string name, std::string value, Range range);
  bool arguments(std::vector<ExprPtr>& out, int& height);
  bool grouping(std::vector<std::string>& out);
  bool label_name(std::string& out);
  bool matching_clause(Binary& out);
  bool bracket(Parsed& parsed);
  bool make_matrix(Parsed& parsed, core::Duration range);
  bool make_subquery(Parsed& parsed, core::Duration range, std::optional<core::Duration> step);
  bool offset(Expr& expr);
  bool at_modifier(Expr& expr);
  bool set_at(Expr& expr, AtModifier at);
  std::optional<core::Duration> duration(std::string_view context, std::string_view expected, bool signed_);
  std::optional<core::Duration> positive_duration(std::string_view context, std::string_view expected);
  std::optional<core::Duration> to_duration(const Token& token);
  std::optional<double> to_number(const Token& token);

  void advance() {
    last_end_ = token_.end;
    token_ = lexer_.next();
  }
  [[nodiscard]] bool is(TokenKind kind) const { return token_.kind == kind; }
  [[nodiscard]] bool is_keyword(std::string_view word) const { return is(TokenKind::keyword) && token_.text == word; }
  [[nodiscard]] bool is_op(std::string_view op) const { return is(TokenKind::op) && token_.source == op; }
  bool fail(Range range, std::string message);
  bool unexpected(std::string_view context = {}, std::string_view expected = {});
  std::optional<Parsed> finish(decltype(Expr::node) node, std::size_t begin, int height);

  std::string_view query_;
  Lexer lexer_;
  Token token_;
  std::size_t last_end_ = 0;
  int nesting_ = 0;
  std::optional<ParseError> error_;
};

}  // namespace tocsin::rules::promql
