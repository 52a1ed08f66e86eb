// From text to a tree: recursive descent, operators by precedence.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include "src/promql/functions.hpp"
#include "src/promql/lexer.hpp"
#include "src/promql/typecheck.hpp"
#include "tocsin/core/duration.hpp"
#include "tocsin/rules/promql/engine.hpp"

namespace tocsin::rules::promql {
namespace {

// The tree's height bounds every recursion over it; the nesting bounds the parser's own.
constexpr int max_height = 1000;
constexpr int max_nesting = 128;

struct Operator {
  BinaryOp op;
  int precedence;  // higher binds tighter
};

constexpr int unary_precedence = 5;
constexpr int power_precedence = 6;

std::optional<Operator> binary_operator(const Token& token) {
  if (token.kind != TokenKind::op) return std::nullopt;
  const std::string_view text = token.text.empty() ? token.source : std::string_view(token.text);
  if (text == "or") return Operator{BinaryOp::or_, 1};
  if (text == "and") return Operator{BinaryOp::and_, 2};
  if (text == "unless") return Operator{BinaryOp::unless, 2};
  if (text == "==") return Operator{BinaryOp::eq, 3};
  if (text == "!=") return Operator{BinaryOp::ne, 3};
  if (text == "<") return Operator{BinaryOp::lt, 3};
  if (text == "<=") return Operator{BinaryOp::le, 3};
  if (text == ">") return Operator{BinaryOp::gt, 3};
  if (text == ">=") return Operator{BinaryOp::ge, 3};
  if (text == "+") return Operator{BinaryOp::add, 4};
  if (text == "-") return Operator{BinaryOp::sub, 4};
  if (text == "*") return Operator{BinaryOp::mul, 5};
  if (text == "/") return Operator{BinaryOp::div, 5};
  if (text == "%") return Operator{BinaryOp::mod, 5};
  if (text == "atan2") return Operator{BinaryOp::atan2, 5};
  if (text == "^") return Operator{BinaryOp::pow, power_precedence};
  return std::nullopt;
}

/// A token as Prometheus names it in "unexpected ...".
std::string describe(const Token& token) {
  const auto shortened = [](std::string_view text) {
    return text.size() > 10 ? go_quote(text.substr(0, 10)) + "..." : go_quote(text);
  };
  switch (token.kind) {
    case TokenKind::end:
      return "end of input";
    case TokenKind::identifier:
      return "identifier " + go_quote(token.source);
    case TokenKind::metric_identifier:
      return "metric identifier " + go_quote(token.source);
    case TokenKind::string:
      return "string " + shortened(token.source);
    case TokenKind::number:
      return "number " + shortened(token.source);
    case TokenKind::duration:
      return "duration " + shortened(token.source);
    case TokenKind::op:
    case TokenKind::match:
      return fmt::format("<op:{}>", token.source);
    case TokenKind::keyword:
      return fmt::format("<{}>", token.source);
    case TokenKind::aggregator:
      return fmt::format("<aggr:{}>", token.source);
    default:
      return shortened(token.source);
  }
}

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

bool Parser::fail(Range range, std::string message) {
  if (!error_) error_ = ParseError{range, std::move(message)};
  return false;
}

bool Parser::unexpected(std::string_view context, std::string_view expected) {
  const Range range{token_.begin, token_.end};
  if (is(TokenKind::error)) return fail(range, token_.text);
  std::string message = "unexpected " + describe(token_);
  if (!context.empty()) message += fmt::format(" in {}", context);
  if (!expected.empty()) message += fmt::format(", expected {}", expected);
  return fail(range, std::move(message));
}

std::optional<Parsed> Parser::finish(decltype(Expr::node) node, std::size_t begin, int height) {
  const Range range{begin, last_end_};
  if (height > max_height) {
    fail(range, "expression is nested too deeply");
    return std::nullopt;
  }
  return Parsed{std::make_unique<Expr>(Expr{std::move(node), range}), height};
}

std::variant<ExprPtr, ParseError> Parser::run() {
  if (is(TokenKind::end)) return ParseError{{query_.size(), query_.size()}, "no expression found in input"};
  auto parsed = binary(1);
  if (parsed && !is(TokenKind::end)) unexpected();
  if (error_) return *std::move(error_);
  if (auto problem = check_types(*parsed->expr, query_)) return *std::move(problem);
  return std::move(parsed->expr);
}

std::optional<Parsed> Parser::binary(int min_precedence) {
  auto lhs = unary();
  while (lhs) {
    const auto op = binary_operator(token_);
    if (!op || op->precedence < min_precedence) break;
    advance();
    Binary node;
    node.op = op->op;
    const bool set = op->op == BinaryOp::and_ || op->op == BinaryOp::or_ || op->op == BinaryOp::unless;
    if (set) node.matching.cardinality = VectorMatching::Cardinality::many_to_many;
    if (!matching_clause(node)) return std::nullopt;
    // Only ^ is right associative.
    auto rhs = binary(op->precedence == power_precedence ? op->precedence : op->precedence + 1);
    if (!rhs) return std::nullopt;
    const std::size_t begin = lhs->expr->range.begin;
    const int height = std::max(lhs->height, rhs->height) + 1;
    node.lhs = std::move(lhs->expr);
    node.rhs = std::move(rhs->expr);
    lhs = finish(std::move(node), begin, height);
  }
  return lhs;
}

bool Parser::matching_clause(Binary& out) {
  if (is_keyword("bool")) {
    out.return_bool = true;
    advance();
  }
  if (!is_keyword("on") && !is_keyword("ignoring")) return true;
  out.matching.on = token_.text == "on";
  advance();
  if (!grouping(out.matching.labels)) return false;
  if (!is_keyword("group_left") && !is_keyword("group_right")) return true;
  out.matching.cardinality =
      token_.text == "group_left" ? VectorMatching::Cardinality::many_to_one : VectorMatching::Cardinality::one_to_many;
  advance();
  return is(TokenKind::left_paren) ? grouping(out.matching.include) : true;
}

std::optional<Parsed> Parser::unary() {
  if (!is_op("+") && !is_op("-")) return postfix();
  const bool negative = is_op("-");
  const std::size_t begin = token_.begin;
  if (++nesting_ > max_nesting) {
    fail({begin, token_.end}, "expression is nested too deeply");
    return std::nullopt;
  }
  advance();
  auto inner = binary(unary_precedence + 1);
  --nesting_;
  if (!inner) return std::nullopt;
  if (auto* literal = std::get_if<NumberLiteral>(&inner->expr->node)) {
    if (negative) literal->value = -literal->value;
    inner->expr->range.begin = begin;
    return inner;
  }
  const int height = inner->height + 1;
  return finish(Unary{negative, std::move(inner->expr)}, begin, height);
}

std::optional<Parsed> Parser::postfix() {
  auto parsed = primary();
  while (parsed) {
    bool good = true;
    if (is(TokenKind::left_bracket)) {
      good = bracket(*parsed);
    } else if (is_keyword("offset")) {
      good = offset(*parsed->expr);
    } else if (is_op("@")) {
      good = at_modifier(*parsed->expr);
    } else {
      break;
    }
    if (!good) return std::nullopt;
  }
  return parsed;
}

std::optional<Parsed> Parser::primary() {
  switch (token_.kind) {
    case TokenKind::left_paren:
      return paren();
    case TokenKind::number:
    case TokenKind::duration:
      return number();
    case TokenKind::string: {
      StringLiteral literal{std::move(token_.text)};
      const std::size_t begin = token_.begin;
      advance();
      return finish(std::move(literal), begin, 1);
    }
    case TokenKind::left_brace:
      return selector(nullptr);
    case TokenKind::identifier:
    case TokenKind::metric_identifier:
    case TokenKind::aggregator:
    case TokenKind::preprocessor:
      return name_or_call();
    case TokenKind::keyword:
      if (token_.text == "offset" || token_.text == "by" || token_.text == "without") return name_or_call();
      break;
    case TokenKind::op:
      if (token_.text == "and" || token_.text == "or" || token_.text == "unless") return name_or_call();
      break;
    default:
      break;
  }
  unexpected();
  return std::nullopt;
}

std::optional<Parsed> Parser::paren() {
  const std::size_t begin = token_.begin;
  if (++nesting_ > max_nesting) {
    fail({begin, token_.end}, "expression is nested too deeply");
    return std::nullopt;
  }
  advance();
  auto inner = binary(1);
  if (!inner) return std::nullopt;
  if (!is(TokenKind::right_paren)) {
    unexpected();
    return std::nullopt;
  }
  advance();
  --nesting_;
  const int height = inner->height + 1;
  return finish(Paren{std::move(inner->expr)}, begin, height);
}

std::optional<double> Parser::to_number(const Token& token) {
  std::string text = token.text;
  text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  const auto whole = [&](int base, std::size_t skip) -> std::optional<double> {
    std::int64_t value = 0;
    const auto [at, ec] = std::from_chars(begin + skip, end, value, base);
    if (ec != std::errc() || at != end) return std::nullopt;
    return static_cast<double>(value);
  };
  std::optional<double> value;
  if (text.size() > 1 && text[0] == '0') {
    const bool hex = (text[1] | 0x20) == 'x';
    value = hex ? whole(16, 2) : whole(8, 1);
  }
  if (!value) {
    double decimal = 0;
    const auto [at, ec] = std::from_chars(begin, end, decimal);
    if (ec == std::errc::result_out_of_range && at == end) {
      const bool small = text.find("e-") != std::string::npos || text.find("E-") != std::string::npos;
      decimal = small ? 0 : std::numeric_limits<double>::infinity();
    } else if (ec != std::errc() || at != end) {
      fail({token.begin, token.end}, "error parsing number: invalid syntax in " + go_quote(token.source));
      return std::nullopt;
    }
    value = decimal;
  }
  return value;
}

std::optional<Parsed> Parser::number() {
  const Token token = token_;
  NumberLiteral literal;
  if (token.kind == TokenKind::duration) {
    const auto value = to_duration(token);
    if (!value) return std::nullopt;
    literal.value = core::to_seconds(*value);
    literal.is_duration = true;
  } else {
    const auto value = to_number(token);
    if (!value) return std::nullopt;
    literal.value = *value;
  }
  advance();
  return finish(literal, token.begin, 1);
}

std::optional<Parsed> Parser::name_or_call() {
  const Token name = token_;
  advance();
  if (name.kind == TokenKind::aggregator && (is(TokenKind::left_paren) || is_keyword("by") || is_keyword("without"))) {
    return aggregation(name);
  }
  if (name.kind == TokenKind::identifier && is(TokenKind::left_paren)) return call(name);
  if (name.kind == TokenKind::preprocessor && is(TokenKind::left_paren)) {
    fail({name.begin, name.end}, fmt::format("function {} is not enabled", go_quote(name.text)));
    return std::nullopt;
  }
  return selector(&name);
}

std::optional<Parsed> Parser::call(const Token& name) {
  if (find_function(name.source) == nullptr) {
    fail({name.begin, name.end}, "unknown function with name " + go_quote(name.source));
    return std::nullopt;
  }
  Call node;
  node.function = name.source;
  int height = 0;
  if (!arguments(node.args, height)) return std::nullopt;
  return finish(std::move(node), name.begin, height + 1);
}

bool Parser::arguments(std::vector<ExprPtr>& out, int& height) {
  if (!is(TokenKind::left_paren)) return unexpected("aggregation");
  if (++nesting_ > max_nesting) return fail({token_.begin, token_.end}, "expression is nested too deeply");
  advance();
  while (!is(TokenKind::right_paren)) {
    auto argument = binary(1);
    if (!argument) return false;
    height = std::max(height, argument->height);
    out.push_back(std::move(argument->expr));
    if (is(TokenKind::right_paren)) break;
    if (!is(TokenKind::comma)) return unexpected();
    const Range comma{token_.begin, token_.end};
    advance();
    if (is(TokenKind::right_paren)) return fail(comma, "trailing commas not allowed in function call args");
  }
  advance();
  --nesting_;
  return true;
}

std::optional<Parsed> Parser::aggregation(const Token& op) {
  Aggregation node;
  node.op = op.text;
  bool modified = false;
  const auto modifier = [&] {
    if (modified || (!is_keyword("by") && !is_keyword("without"))) return true;
    modified = true;
    node.without = token_.text == "without";
    advance();
    return grouping(node.labels);
  };
  std::vector<ExprPtr> args;
  int height = 0;
  if (!modifier() || !arguments(args, height) || !modifier()) return std::nullopt;
  const Range range{op.begin, last_end_};
  if (op.text == "limitk" || op.text == "limit_ratio") {
    fail(range, op.text + "() is experimental and must be enabled with --enable-feature=promql-experimental-functions");
    return std::nullopt;
  }
  const bool with_parameter =
      op.text == "topk" || op.text == "bottomk" || op.text == "quantile" || op.text == "count_values";
  const std::size_t wanted = with_parameter ? 2 : 1;
  if (args.empty()) {
    fail(range, "no arguments for aggregate expression provided");
    return std::nullopt;
  }
  if (args.size() != wanted) {
    fail(range, fmt::format("wrong number of arguments for aggregate expression provided, expected {}, got {}", wanted,
                            args.size()));
    return std::nullopt;
  }
  if (with_parameter) node.parameter = std::move(args[0]);
  node.inner = std::move(args.back());
  return finish(std::move(node), op.begin, height + 1);
}

bool Parser::label_name(std::string& out) {
  switch (token_.kind) {
    case TokenKind::identifier:
    case TokenKind::keyword:
    case TokenKind::aggregator:
    case TokenKind::preprocessor:
      out = token_.source;
      break;
    case TokenKind::op:
      if (token_.text.empty()) return unexpected("grouping opts", "label");
      out = token_.source;
      break;
    case TokenKind::string:
      if (token_.text.empty()) return unexpected("grouping opts", "label");
      out = std::move(token_.text);
      break;
    default:
      return unexpected("grouping opts", "label");
  }
  advance();
  return true;
}

bool Parser::grouping(std::vector<std::string>& out) {
  if (!is(TokenKind::left_paren)) return unexpected("grouping opts", "\"(\"");
  advance();
  while (!is(TokenKind::right_paren)) {
    std::string name;
    if (!label_name(name)) return false;
    out.push_back(std::move(name));
    if (is(TokenKind::right_paren)) break;
    if (!is(TokenKind::comma)) return unexpected("grouping opts", "\",\" or \")\"");
    advance();
  }
  advance();
  return true;
}

std::optional<Parsed> Parser::selector(const Token* name) {
  VectorSelector node;
  const std::size_t begin = name != nullptr ? name->begin : token_.begin;
  if (name != nullptr) {
    node.name = name->source;
    node.matchers.emplace_back(core::Matcher::Kind::equal, std::string(core::metric_name_label), node.name);
  }
  if (is(TokenKind::left_brace) && !label_matchers(node)) return std::nullopt;
  const Range range{begin, last_end_};
  const bool all_match_empty =
      std::all_of(node.matchers.begin(), node.matchers.end(), [](const core::Matcher& m) { return m.matches_empty(); });
  if (all_match_empty) {
    fail(range, "vector selector must contain at least one non-empty matcher");
    return std::nullopt;
  }
  return finish(std::move(node), begin, 1);
}

bool Parser::label_matchers(VectorSelector& out) {
  advance();
  while (!is(TokenKind::right_brace)) {
    if (!label_matcher(out)) return false;
    if (is(TokenKind::right_brace)) break;
    if (!is(TokenKind::comma)) return unexpected("label matching", "\",\" or \"}\"");
    advance();
  }
  advance();
  return true;
}

bool Parser::label_matcher(VectorSelector& out) {
  if (!is(TokenKind::identifier) && !is(TokenKind::string)) return unexpected("label matching", "identifier or \"}\"");
  const bool quoted = is(TokenKind::string);
  const std::size_t begin = token_.begin;
  std::string name = token_.text;
  advance();
  core::Matcher::Kind kind = core::Matcher::Kind::equal;
  if (is(TokenKind::equal)) {
    kind = core::Matcher::Kind::equal;
  } else if (is_op("!=")) {
    kind = core::Matcher::Kind::not_equal;
  } else if (is(TokenKind::match)) {
    kind = token_.source == "=~" ? core::Matcher::Kind::regex : core::Matcher::Kind::not_regex;
  } else if (quoted && (is(TokenKind::comma) || is(TokenKind::right_brace))) {
    return add_matcher(out, kind, std::string(core::metric_name_label), std::move(name), {begin, last_end_});
  } else {
    return unexpected("label matching", "label matching operator");
  }
  advance();
  if (!is(TokenKind::string)) return unexpected("label matching", "string");
  std::string value = std::move(token_.text);
  advance();
  return add_matcher(out, kind, std::move(name), std::move(value), {begin, last_end_});
}

bool Parser::add_matcher(VectorSelector& out, core::Matcher::Kind kind, std::string name, std::string value,
                         Range range) {
  if (name == core::metric_name_label && !out.name.empty()) {
    return fail(range, fmt::format("metric name must not be set twice: {} or {}", go_quote(out.name), go_quote(value)));
  }
  try {
    out.matchers.emplace_back(kind, std::move(name), std::move(value));
  } catch (const std::invalid_argument& problem) {
    return fail(range, fmt::format("error parsing regexp: {}", problem.what()));
  }
  return true;
}

std::optional<core::Duration> Parser::to_duration(const Token& token) {
  const Range range{token.begin, token.end};
  if (token.kind == TokenKind::duration) {
    const auto parsed = core::parse_duration(token.text);
    if (!parsed) fail(range, "not a valid duration string: " + go_quote(token.text));
    return parsed;
  }
  const auto seconds = to_number(token);
  if (!seconds) return std::nullopt;
  if (!(std::fabs(*seconds) < 9.2e9)) {  // nanoseconds in 64 bits
    fail(range, "duration out of range");
    return std::nullopt;
  }
  return core::Duration{std::llround(*seconds * 1000)};
}

std::optional<core::Duration> Parser::duration(std::string_view context, std::string_view expected, bool signed_) {
  bool negative = false;
  while (signed_ && (is_op("-") || is_op("+"))) {
    negative ^= is_op("-");
    advance();
  }
  if (!is(TokenKind::number) && !is(TokenKind::duration)) {
    unexpected(context, expected);
    return std::nullopt;
  }
  const auto value = to_duration(token_);
  if (!value) return std::nullopt;
  advance();
  return negative ? -*value : *value;
}

std::optional<core::Duration> Parser::positive_duration(std::string_view context, std::string_view expected) {
  const Range range{token_.begin, token_.end};
  const auto value = duration(context, expected, false);
  if (value && value->count() <= 0) {
    fail(range, "duration must be greater than 0");
    return std::nullopt;
  }
  return value;
}

bool Parser::bracket(Parsed& parsed) {
  advance();
  const auto range = positive_duration("subquery or range selector", "number or duration");
  if (!range) return false;
  if (is(TokenKind::right_bracket)) {
    advance();
    return make_matrix(parsed, *range);
  }
  if (!is(TokenKind::colon)) return unexpected("subquery or range", "\":\" or \"]\"");
  advance();
  std::optional<core::Duration> step;
  if (!is(TokenKind::right_bracket)) {
    step = positive_duration("subquery selector", "number or duration or \"]\"");
    if (!step) return false;
  }
  if (!is(TokenKind::right_bracket)) return unexpected("subquery selector", "\"]\"");
  advance();
  return make_subquery(parsed, *range, step);
}

bool Parser::make_matrix(Parsed& parsed, core::Duration range) {
  const Range where{parsed.expr->range.begin, last_end_};
  auto* selector = std::get_if<VectorSelector>(&parsed.expr->node);
  if (selector == nullptr) return fail(where, "ranges only allowed for vector selectors");
  if (selector->offset.count() != 0) return fail(where, "no offset modifiers allowed before range");
  if (selector->at) return fail(where, "no @ modifiers allowed before range");
  VectorSelector moved = std::move(*selector);
  parsed.expr->node = MatrixSelector{std::move(moved), range};
  parsed.expr->range = where;
  return true;
}

bool Parser::make_subquery(Parsed& parsed, core::Duration range, std::optional<core::Duration> step) {
  const std::size_t begin = parsed.expr->range.begin;
  Subquery node;
  node.inner = std::move(parsed.expr);
  node.range = range;
  node.step = step;
  auto made = finish(std::move(node), begin, parsed.height + 1);
  if (!made) return false;
  parsed = *std::move(made);
  return true;
}

bool Parser::offset(Expr& expr) {
  advance();
  const auto value = duration("offset", "number or duration", true);
  if (!value) return false;
  core::Duration* target = nullptr;
  if (auto* vector = std::get_if<VectorSelector>(&expr.node)) target = &vector->offset;
  if (auto* matrix = std::get_if<MatrixSelector>(&expr.node)) target = &matrix->selector.offset;
  if (auto* subquery = std::get_if<Subquery>(&expr.node)) target = &subquery->offset;
  if (target == nullptr) {
    return fail(
        expr.range,
        "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery");
  }
  if (target->count() != 0) return fail(expr.range, "offset may not be set multiple times");
  *target = *value;
  expr.range.end = last_end_;
  return true;
}

bool Parser::set_at(Expr& expr, AtModifier at) {
  std::optional<AtModifier>* target = nullptr;
  if (auto* vector = std::get_if<VectorSelector>(&expr.node)) target = &vector->at;
  if (auto* matrix = std::get_if<MatrixSelector>(&expr.node)) target = &matrix->selector.at;
  if (auto* subquery = std::get_if<Subquery>(&expr.node)) target = &subquery->at;
  if (target == nullptr) {
    return fail(expr.range,
                "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery");
  }
  if (target->has_value()) return fail(expr.range, "@ <timestamp> may not be set multiple times");
  *target = at;
  expr.range.end = last_end_;
  return true;
}

bool Parser::at_modifier(Expr& expr) {
  advance();
  AtModifier at;
  if (is(TokenKind::preprocessor)) {
    at.kind = token_.text == "start" ? AtModifier::Kind::start : AtModifier::Kind::end;
    advance();
    if (!is(TokenKind::left_paren)) return unexpected("@", "timestamp");
    advance();
    if (!is(TokenKind::right_paren)) return unexpected("@", "timestamp");
    advance();
    return set_at(expr, at);
  }
  bool negative = false;
  if (is_op("-") || is_op("+")) {
    negative = is_op("-");
    advance();
  }
  double seconds = 0;
  if (is(TokenKind::duration)) {
    const auto value = to_duration(token_);
    if (!value) return false;
    seconds = core::to_seconds(*value);
  } else if (is(TokenKind::number)) {
    const auto value = to_number(token_);
    if (!value) return false;
    seconds = *value;
  } else {
    return unexpected("@", "timestamp");
  }
  advance();
  if (negative) seconds = -seconds;
  // A third of the 64 bits leaves room for offsets and ranges to be added without overflow.
  if (!(std::fabs(seconds) < 3e15)) {
    return fail(expr.range, fmt::format("timestamp out of bounds for @ modifier: {:f}", seconds));
  }
  at.millis = std::llround(seconds * 1000);
  return set_at(expr, at);
}

}  // namespace

std::variant<ExprPtr, ParseError> parse(std::string_view query) { return Parser(query).run(); }

std::string ParseError::render(std::string_view query) const {
  const std::string_view before = query.substr(0, std::min(range.begin, query.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return fmt::format("{}:{}: parse error: {}", line, before.size() - line_start + 1, message);
}

}  // namespace tocsin::rules::promql
