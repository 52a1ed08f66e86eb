#include "src/promql/compile.hpp"

#include <map>
#include <set>
#include <stdexcept>

#include "src/promql/binary.hpp"
#include "src/promql/calls.hpp"
#include "src/promql/functions.hpp"
#include "src/promql/printer.hpp"
#include "src/promql/range_functions.hpp"
#include "src/promql/scalars.hpp"
#include "src/promql/selectors.hpp"

namespace tocsin::rules::promql {
namespace {

const Expr& unwrap(const Expr& expr) {
  const Expr* at = &expr;
  while (const auto* paren = std::get_if<Paren>(&at->node)) at = paren->inner.get();
  return *at;
}

const std::string& text_of(const Expr& expr) { return std::get<StringLiteral>(unwrap(expr).node).value; }

/// The labels of absent()'s result: those that the selector demands to be equal to something, each once.
core::Labels absent_labels(const Expr& argument) {
  const VectorSelector* selector = std::get_if<VectorSelector>(&argument.node);
  if (const auto* matrix = std::get_if<MatrixSelector>(&argument.node)) selector = &matrix->selector;
  core::Labels labels;
  if (selector == nullptr) return labels;
  std::set<std::string> seen;
  for (const core::Matcher& matcher : selector->matchers) {
    if (matcher.name() == core::metric_name_label) continue;
    if (matcher.kind() == core::Matcher::Kind::equal && seen.insert(matcher.name()).second) {
      labels.set(matcher.name(), matcher.value());
    } else {
      labels.erase(matcher.name());
    }
  }
  return labels;
}

/// Nodes of the same expression are shared, as long as they are asked at the same times: each subquery starts a scope
/// of its own.
class Compiler {
 public:
  NodePtr node(const Expr& wrapped) {
    const Expr& expr = unwrap(wrapped);
    const std::string key = to_string(expr);
    if (const auto it = known_.find(key); it != known_.end()) return it->second;
    NodePtr made = std::visit([this, &expr](const auto& n) { return make(n, expr); }, expr.node);
    known_.emplace(key, made);
    return made;
  }

  RangePtr range(const Expr& wrapped) {
    const Expr& expr = unwrap(wrapped);
    if (const auto* matrix = std::get_if<MatrixSelector>(&expr.node)) return make_range_selector(*matrix);
    const auto& subquery = std::get<Subquery>(expr.node);
    Compiler scope;
    return make_subquery(subquery, scope.node(*subquery.inner));
  }

 private:
  NodePtr make(const NumberLiteral& n, const Expr&) { return make_number(n.value); }
  NodePtr make(const VectorSelector& n, const Expr&) { return make_instant_selector(n); }
  NodePtr make(const Paren& n, const Expr&) { return node(*n.inner); }
  NodePtr make(const StringLiteral&, const Expr&) { throw std::logic_error("a string is no vector"); }
  NodePtr make(const MatrixSelector&, const Expr&) { throw std::logic_error("a range is no vector"); }
  NodePtr make(const Subquery&, const Expr&) { throw std::logic_error("a subquery is no vector"); }

  NodePtr make(const Unary& n, const Expr&) {
    NodePtr inner = node(*n.inner);
    if (!n.negative) return inner;
    return type_of(*n.inner) == ValueType::scalar ? make_scalar_negation(std::move(inner))
                                                  : make_vector_negation(std::move(inner));
  }

  NodePtr make(const Binary& n, const Expr&) {
    NodePtr lhs = node(*n.lhs);
    NodePtr rhs = node(*n.rhs);
    const bool left_scalar = type_of(*n.lhs) == ValueType::scalar;
    const bool right_scalar = type_of(*n.rhs) == ValueType::scalar;
    if (left_scalar && right_scalar) return make_scalar_binary(n.op, std::move(lhs), std::move(rhs));
    if (left_scalar) return make_vector_scalar(n.op, std::move(rhs), std::move(lhs), true, n.return_bool);
    if (right_scalar) return make_vector_scalar(n.op, std::move(lhs), std::move(rhs), false, n.return_bool);
    if (is_set_operator(n.op)) return make_set_operation(n, std::move(lhs), std::move(rhs));
    return make_join(n, std::move(lhs), std::move(rhs));
  }

  NodePtr make(const Aggregation& n, const Expr&) {
    NodePtr inner = node(*n.inner);
    if (n.op == "count_values") return make_count_values(n, text_of(*n.parameter), std::move(inner));
    NodePtr parameter = n.parameter ? node(*n.parameter) : nullptr;
    return make_aggregation(n, std::move(parameter), std::move(inner));
  }

  NodePtr make(const Call& n, const Expr&) {
    if (find_range_function(n.function) != nullptr) return range_call(n);
    if (n.function == "absent_over_time") {
      return make_absent_over_time(range(*n.args[0]), absent_labels(unwrap(*n.args[0])));
    }
    if (n.function == "time") return make_time();
    if (n.function == "pi") return make_number(3.14159265358979323846);
    if (n.function == "scalar") return make_scalar_of(node(*n.args[0]));
    if (n.function == "vector") return make_vector_of(node(*n.args[0]));
    if (n.function == "histogram_quantile") return make_histogram_quantile(node(*n.args[0]), node(*n.args[1]));
    if (n.function == "histogram_fraction") {
      return make_histogram_fraction(node(*n.args[0]), node(*n.args[1]), node(*n.args[2]));
    }
    if (n.function == "label_replace") {
      return make_label_replace(node(*n.args[0]), text_of(*n.args[1]), text_of(*n.args[2]), text_of(*n.args[3]),
                                text_of(*n.args[4]));
    }
    if (n.function == "label_join") return label_join(n);
    return vector_call(n);
  }

  NodePtr range_call(const Call& n) {
    const bool parameter_first = n.function == "quantile_over_time";
    const Expr& matrix = *n.args[parameter_first ? 1 : 0];
    NodePtr parameter = n.args.size() > 1 ? node(*n.args[parameter_first ? 0 : 1]) : nullptr;
    return make_range_call(n.function, range(matrix), std::move(parameter));
  }

  NodePtr label_join(const Call& n) {
    std::vector<std::string> sources;
    for (std::size_t i = 3; i < n.args.size(); ++i) sources.push_back(text_of(*n.args[i]));
    return make_label_join(node(*n.args[0]), text_of(*n.args[1]), text_of(*n.args[2]), std::move(sources));
  }

  NodePtr vector_call(const Call& n) {
    if (n.args.empty()) return make_map_call(n.function, make_vector_of(make_time()), {});
    const Expr& argument = unwrap(*n.args[0]);
    if (n.function == "timestamp") {
      const auto* selector = std::get_if<VectorSelector>(&argument.node);
      return selector != nullptr ? make_timestamp_selector(*selector) : make_timestamp_of(node(argument));
    }
    NodePtr vector = node(argument);
    if (n.function == "absent") return make_absent(std::move(vector), absent_labels(argument));
    if (n.function == "sort") return make_sort(std::move(vector), false);
    if (n.function == "sort_desc") return make_sort(std::move(vector), true);
    // Of native histograms; samples that are floats are passed over.
    if (n.function.starts_with("histogram_")) return make_nothing(std::move(vector));
    std::vector<NodePtr> parameters;
    for (std::size_t i = 1; i < n.args.size(); ++i) parameters.push_back(node(*n.args[i]));
    return make_map_call(n.function, std::move(vector), std::move(parameters));
  }

  std::map<std::string, NodePtr> known_;
};

}  // namespace

Compiled compile(const Expr& expr) {
  const ValueType type = type_of(expr);
  Compiler compiler;
  if (type == ValueType::string) return {type, text_of(expr)};
  if (type == ValueType::matrix) return {type, compiler.range(expr)};
  return {type, compiler.node(expr)};
}

}  // namespace tocsin::rules::promql
