// PromQL as a tree. Every node knows the bytes it came from; to_string() of a tree parses to the same tree.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tocsin/core/matcher.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::rules::promql {

enum class ValueType { scalar, vector, matrix, string };

/// Half-open range of bytes in the query.
struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

/// `@ 123`, `@ start()`, `@ end()`.
struct AtModifier {
  enum class Kind { timestamp, start, end } kind = Kind::timestamp;
  std::int64_t millis = 0;
};

struct NumberLiteral {
  double value = 0;
  bool is_duration = false;  // written as one: `5m`
};
struct StringLiteral {
  std::string value;
};
struct VectorSelector {
  std::string name;  // as written before the braces; also among the matchers
  std::vector<core::Matcher> matchers;
  core::Duration offset{0};
  std::optional<AtModifier> at;
};
struct MatrixSelector {
  VectorSelector selector;
  core::Duration range{0};
};
struct Subquery {
  ExprPtr inner;
  core::Duration range{0};
  std::optional<core::Duration> step;
  core::Duration offset{0};
  std::optional<AtModifier> at;
};
struct Call {
  std::string function;
  std::vector<ExprPtr> args;
};
struct Aggregation {
  std::string op;     // sum, topk, ...
  ExprPtr parameter;  // of topk, bottomk, quantile, count_values; else null
  ExprPtr inner;
  bool without = false;
  std::vector<std::string> labels;
};
enum class BinaryOp { add, sub, mul, div, mod, pow, atan2, eq, ne, lt, le, gt, ge, and_, or_, unless };
struct VectorMatching {
  enum class Cardinality { one_to_one, many_to_one, one_to_many, many_to_many } cardinality = Cardinality::one_to_one;
  bool on = false;  // on(...) or ignoring(...)
  std::vector<std::string> labels;
  std::vector<std::string> include;  // group_left(...), group_right(...)
};
struct Binary {
  BinaryOp op = BinaryOp::add;
  ExprPtr lhs;
  ExprPtr rhs;
  bool return_bool = false;
  VectorMatching matching;
};
struct Unary {
  bool negative = false;
  ExprPtr inner;
};
struct Paren {
  ExprPtr inner;
};

struct Expr {
  std::variant<NumberLiteral, StringLiteral, VectorSelector, MatrixSelector, Subquery, Call, Aggregation, Binary, Unary,
               Paren>
      node;
  Range range;
};

[[nodiscard]] ValueType type_of(const Expr& expr);
/// The normal form that Prometheus's printer gives.
[[nodiscard]] std::string to_string(const Expr& expr);
/// How far an instant selector looks back where nobody says otherwise, as in Prometheus.
inline constexpr core::Duration default_lookback{std::chrono::minutes{5}};

/// The longest time that the expression looks back, offsets and lookback of instant selectors included.
[[nodiscard]] core::Duration look_back(const Expr& expr, core::Duration lookback_delta);

}  // namespace tocsin::rules::promql
