// From text to a tree: operators, calls and aggregations.
#include "src/promql/parser.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "src/go_text.hpp"
#include "src/promql/functions.hpp"
#include "src/promql/typecheck.hpp"

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

}  // namespace

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

std::variant<ExprPtr, ParseError> parse(std::string_view query) { return Parser(query).run(); }

std::string ParseError::render(std::string_view query) const {
  const std::string_view before = query.substr(0, std::min(range.begin, query.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return fmt::format("{}:{}: parse error: {}", line, before.size() - line_start + 1, message);
}

}  // namespace tocsin::rules::promql
