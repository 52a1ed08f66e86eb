#include "src/promql/typecheck.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/go_text.hpp"
#include "src/promql/functions.hpp"
#include "src/promql/printer.hpp"

namespace tocsin::rules::promql {
namespace {

using Problem = std::optional<ParseError>;

class Checker {
 public:
  explicit Checker(std::string_view query) : query_(query) {}

  Problem check(const Expr& expr) const {
    return std::visit([this, &expr](const auto& node) { return visit(node, expr); }, expr.node);
  }

 private:
  Problem expect(const Expr& expr, ValueType wanted, std::string_view context) const {
    if (Problem problem = check(expr)) return problem;
    const ValueType got = type_of(expr);
    if (got == wanted) return std::nullopt;
    return ParseError{expr.range,
                      fmt::format("expected type {} in {}, got {}", type_name(wanted), context, type_name(got))};
  }

  Problem visit(const NumberLiteral&, const Expr&) const { return std::nullopt; }
  Problem visit(const StringLiteral&, const Expr&) const { return std::nullopt; }
  Problem visit(const VectorSelector&, const Expr&) const { return std::nullopt; }
  Problem visit(const MatrixSelector&, const Expr&) const { return std::nullopt; }
  Problem visit(const Paren& node, const Expr&) const { return check(*node.inner); }

  Problem visit(const Subquery& node, const Expr& expr) const {
    if (Problem problem = check(*node.inner)) return problem;
    const ValueType got = type_of(*node.inner);
    if (got == ValueType::vector) return std::nullopt;
    return ParseError{expr.range,
                      fmt::format("subquery is only allowed on instant vector, got {} instead", short_type_name(got))};
  }

  Problem visit(const Unary& node, const Expr& expr) const {
    if (Problem problem = check(*node.inner)) return problem;
    const ValueType got = type_of(*node.inner);
    if (got == ValueType::scalar || got == ValueType::vector) return std::nullopt;
    return ParseError{
        expr.range, fmt::format("unary expression only allowed on expressions of type scalar or instant vector, got {}",
                                go_quote(type_name(got)))};
  }

  Problem visit(const Call& node, const Expr& expr) const {
    const Signature& function = *find_function(node.function);
    const std::string name = go_quote(node.function);
    if (function.experimental) return ParseError{expr.range, fmt::format("function {} is not enabled", name)};
    const std::size_t count = function.args.size();
    if (function.variadic == 0) {
      if (node.args.size() != count) return arguments(expr, "expected", count, name, node.args.size());
    } else {
      // The last argument of the signature is one that may be left out.
      const std::size_t least = count - 1;
      if (node.args.size() < least) return arguments(expr, "expected at least", least, name, node.args.size());
      const std::size_t most = least + static_cast<std::size_t>(std::max(function.variadic, 0));
      if (function.variadic > 0 && node.args.size() > most) {
        return arguments(expr, "expected at most", most, name, node.args.size());
      }
    }
    for (std::size_t i = 0; i < node.args.size(); ++i) {
      const ValueType wanted = function.args[std::min(i, count - 1)];
      if (Problem problem = expect(*node.args[i], wanted, "call to function " + name)) return problem;
    }
    return std::nullopt;
  }

  static Problem arguments(const Expr& expr, std::string_view expected, std::size_t count, const std::string& name,
                           std::size_t got) {
    return ParseError{expr.range, fmt::format("{} {} argument(s) in call to {}, got {}", expected, count, name, got)};
  }

  Problem visit(const Aggregation& node, const Expr&) const {
    if (Problem problem = expect(*node.inner, ValueType::vector, "aggregation expression")) return problem;
    if (!node.parameter) return std::nullopt;
    const ValueType wanted = node.op == "count_values" ? ValueType::string : ValueType::scalar;
    return expect(*node.parameter, wanted, "aggregation parameter");
  }

  Problem visit(const Binary& node, const Expr& expr) const {
    if (Problem problem = check(*node.lhs)) return problem;
    if (Problem problem = check(*node.rhs)) return problem;
    const ValueType lhs = type_of(*node.lhs);
    const ValueType rhs = type_of(*node.rhs);
    const bool compares = is_comparison(node.op);
    if (node.return_bool && !compares) {
      return ParseError{operator_range(node), "bool modifier can only be used on comparison operators"};
    }
    if (compares && !node.return_bool && lhs == ValueType::scalar && rhs == ValueType::scalar) {
      return ParseError{operator_range(node), "comparisons between scalars must use BOOL modifier"};
    }
    if (Problem problem = check_labels(node)) return problem;
    const auto fits = [](ValueType type) { return type == ValueType::scalar || type == ValueType::vector; };
    for (const auto& [type, side] : {std::pair(lhs, node.lhs.get()), std::pair(rhs, node.rhs.get())}) {
      if (!fits(type)) {
        return ParseError{side->range, "binary expression must contain only scalar and instant vector types"};
      }
    }
    return check_matching(node, expr, lhs, rhs);
  }

  Problem check_labels(const Binary& node) const {
    if (!node.matching.on) return std::nullopt;
    for (const std::string& label : node.matching.labels) {
      if (std::find(node.matching.include.begin(), node.matching.include.end(), label) == node.matching.include.end()) {
        continue;
      }
      return ParseError{operator_range(node),
                        fmt::format("label {} must not occur in ON and GROUP clause at once", go_quote(label))};
    }
    return std::nullopt;
  }

  Problem check_matching(const Binary& node, const Expr& expr, ValueType lhs, ValueType rhs) const {
    const bool vectors = lhs == ValueType::vector && rhs == ValueType::vector;
    if (!vectors && !node.matching.labels.empty()) {
      return ParseError{expr.range, "vector matching only allowed between instant vectors"};
    }
    if (!is_set_operator(node.op)) return std::nullopt;
    if (vectors && node.matching.cardinality != VectorMatching::Cardinality::many_to_many) {
      return ParseError{expr.range,
                        fmt::format("no grouping allowed for {} operation", go_quote(operator_name(node.op)))};
    }
    if (!vectors) {
      return ParseError{expr.range, fmt::format("set operator {} not allowed in binary scalar expression",
                                                go_quote(operator_name(node.op)))};
    }
    return std::nullopt;
  }

  static std::string_view short_type_name(ValueType type) {
    switch (type) {
      case ValueType::scalar:
        return "scalar";
      case ValueType::vector:
        return "vector";
      case ValueType::matrix:
        return "matrix";
      case ValueType::string:
        break;
    }
    return "string";
  }

  Range operator_range(const Binary& node) const {
    Range range{node.lhs->range.end, node.rhs->range.begin};
    const auto blank = [this](std::size_t at) {
      return std::string_view(" \t\r\n").find(query_[at]) != std::string_view::npos;
    };
    while (range.begin < range.end && blank(range.begin)) ++range.begin;
    while (range.begin < range.end && blank(range.end - 1)) --range.end;
    return range;
  }

  std::string_view query_;
};

}  // namespace

std::optional<ParseError> check_types(const Expr& expr, std::string_view query) { return Checker(query).check(expr); }

}  // namespace tocsin::rules::promql
