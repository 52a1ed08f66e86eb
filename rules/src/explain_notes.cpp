// What is worth saying of an operation: how near a comparison is, divisions by zero, pairs that do not meet.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "explain_parts.hpp"
#include "src/promql/printer.hpp"
#include "src/promql/scalars.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::rules {
namespace {

using promql::Binary;
using promql::BinaryOp;
using promql::Expr;

struct Operand {
  bool scalar = false;
  double value = 0;  // of a scalar
  promql::Vector vector;
};

/// The value of an expression; nothing where it fails.
std::optional<Operand> value_of(const Expr& expression, const store::View& view, core::TimePoint at,
                                const ExplainLimits& limits) {
  promql::Plan plan(expression);
  auto answer = plan.instant(view, at, limits.evaluation);
  auto* value = std::get_if<promql::Value>(&answer);
  if (value == nullptr) return std::nullopt;
  if (const auto* scalar = std::get_if<promql::Scalar>(value)) return Operand{true, scalar->sample.value, {}};
  if (auto* vector = std::get_if<promql::Vector>(value)) return Operand{false, 0, std::move(*vector)};
  return std::nullopt;
}

std::string_view side_of(double difference) { return difference < 0 ? "below" : "above"; }

/// A value that does not hold, and is nearer to its limit than the others.
struct Nearest {
  const core::Labels* labels = nullptr;
  double value = 0;
  double difference = 0;
  std::size_t others = 0;  // that do not hold either
  void look_at(const core::Labels& its_labels, double its_value, double its_difference) {
    if (std::isnan(its_difference)) return;
    if (labels != nullptr) ++others;
    if (labels != nullptr && std::abs(its_difference) >= std::abs(difference)) return;
    labels = &its_labels;
    value = its_value;
    difference = its_difference;
  }
};

void note_limit(const Binary& binary, const Operand& vector, double limit, bool limit_right, ExplainedNode& node) {
  Nearest nearest;
  std::size_t held = 0;
  for (const promql::InstantSample& one : vector.vector) {
    const double value = one.sample.value;
    if (limit_right ? promql::holds(binary.op, value, limit) : promql::holds(binary.op, limit, value)) {
      ++held;
    } else {
      nearest.look_at(one.labels, value, value - limit);
    }
  }
  if (vector.vector.empty()) {
    node.notes.push_back("there is nothing to compare");
  } else if (nearest.labels != nullptr) {
    const std::string distance = nearest.difference == 0
                                     ? fmt::format("stands on the limit {}", number_text(limit))
                                     : fmt::format("{} {} the limit {}", number_text(std::abs(nearest.difference)),
                                                   side_of(nearest.difference), number_text(limit));
    node.notes.push_back(fmt::format("{}does not hold for {}: the nearest is {}, {}: {}", held > 0 ? "" : "it ",
                                     counted(nearest.others + 1, "series", "series"), number_text(nearest.value),
                                     distance, labels_text(*nearest.labels)));
  }
}

/// Both sides have series, and none of one meets one of the other.
void note_strangers(const Binary& binary, const Operand& lhs, const Operand& rhs, ExplainedNode& node) {
  const promql::VectorMatching& matching = binary.matching;
  const auto group = [&](const core::Labels& labels) {
    core::Labels out;
    for (const core::Label& label : labels.without_name()) {
      const bool named = std::find(matching.labels.begin(), matching.labels.end(), label.name) != matching.labels.end();
      if (named == matching.on) out.set(label.name, label.value);
    }
    return out.to_string();
  };
  std::vector<std::string> right;
  for (const promql::InstantSample& one : rhs.vector) right.push_back(group(one.labels));
  std::sort(right.begin(), right.end());
  const auto alone = static_cast<std::size_t>(std::count_if(lhs.vector.begin(), lhs.vector.end(), [&](const auto& one) {
    return !std::binary_search(right.begin(), right.end(), group(one.labels));
  }));
  if (binary.op == BinaryOp::unless || binary.op == BinaryOp::or_) return;
  if (alone < lhs.vector.size()) {
    if (alone > 0) {
      node.notes.push_back(fmt::format("{} of {} on the left meet none on the right", alone, lhs.vector.size()));
    }
    return;
  }
  node.notes.push_back(
      fmt::format("no series of the left side meets one of the right: there is {} on the left and {} on the right",
                  group(lhs.vector.front().labels), right.front()));
}

/// Two vectors are compared: by how much those that do not hold miss it.
void note_difference(const Expr& expression, const store::View& view, core::TimePoint at, const ExplainLimits& limits,
                     ExplainedNode& node) {
  // The same matching with a difference in place of the comparison, on a tree of our own.
  auto parsed = promql::parse(promql::to_string(expression));
  auto* tree = std::get_if<promql::ExprPtr>(&parsed);
  auto* binary = tree == nullptr ? nullptr : std::get_if<Binary>(&(*tree)->node);
  if (binary == nullptr) return;
  const BinaryOp op = std::exchange(binary->op, BinaryOp::sub);
  binary->return_bool = false;
  const auto differences = value_of(**tree, view, at, limits);
  if (!differences) return;
  Nearest nearest;
  for (const promql::InstantSample& one : differences->vector) {
    if (!promql::holds(op, one.sample.value, 0)) nearest.look_at(one.labels, one.sample.value, one.sample.value);
  }
  if (nearest.labels == nullptr) return;
  const std::string distance =
      nearest.difference == 0 ? std::string("equal to what it is compared with")
                              : fmt::format("{} {} what it is compared with", number_text(std::abs(nearest.difference)),
                                            side_of(nearest.difference));
  node.notes.push_back(fmt::format("does not hold for {}: the nearest is {}: {}",
                                   counted(nearest.others + 1, "series", "series"), distance,
                                   labels_text(*nearest.labels)));
}

void note_division(BinaryOp op, const Operand& rhs, ExplainedNode& node) {
  if (op != BinaryOp::div && op != BinaryOp::mod) return;
  const auto zeros =
      rhs.scalar ? static_cast<std::size_t>(rhs.value == 0 ? 1 : 0)
                 : static_cast<std::size_t>(std::count_if(rhs.vector.begin(), rhs.vector.end(),
                                                          [](const auto& one) { return one.sample.value == 0; }));
  if (zeros == 0) return;
  node.notes.push_back(
      fmt::format("{} divided by 0, which gives Inf or NaN", counted(zeros, "value is", "values are")));
}

void note_binary(const Expr& expression, const Binary& binary, const store::View& view, core::TimePoint at,
                 const ExplainLimits& limits, ExplainedNode& node) {
  const auto lhs = value_of(*binary.lhs, view, at, limits);
  const auto rhs = value_of(*binary.rhs, view, at, limits);
  if (!lhs || !rhs) return;
  note_division(binary.op, *rhs, node);
  if (!lhs->scalar && !rhs->scalar) {
    if (!lhs->vector.empty() && !rhs->vector.empty()) note_strangers(binary, *lhs, *rhs, node);
    if (promql::is_comparison(binary.op)) note_difference(expression, view, at, limits, node);
  } else if (promql::is_comparison(binary.op) && lhs->scalar != rhs->scalar) {
    note_limit(binary, lhs->scalar ? *rhs : *lhs, lhs->scalar ? lhs->value : rhs->value, rhs->scalar, node);
  }
}

/// rate() and its like need two samples.
void note_call(const promql::Call& call, ExplainedNode& node) {
  static constexpr std::array<std::string_view, 8> hungry{
      "rate", "increase", "delta", "irate", "idelta", "deriv", "predict_linear", "double_exponential_smoothing"};
  if (std::find(hungry.begin(), hungry.end(), call.function) == hungry.end() || node.children.empty()) return;
  const ExplainedNode& range = node.children.front();
  if (range.kind != ExplainedNode::Kind::range || range.count <= node.count) return;
  node.notes.push_back(fmt::format("{} only one sample in the range, and {} needs two",
                                   counted(range.count - node.count, "series has", "series have"), call.function));
}

}  // namespace

void note_operation(const Expr& expression, const store::View& view, core::TimePoint at, const ExplainLimits& limits,
                    ExplainedNode& node) {
  if (const auto* binary = std::get_if<Binary>(&expression.node)) {
    note_binary(expression, *binary, view, at, limits, node);
  } else if (const auto* call = std::get_if<promql::Call>(&expression.node)) {
    note_call(*call, node);
  }
}

void note_values(ExplainedNode& node, std::size_t nans) {
  if (nans == 0) return;
  node.notes.push_back(
      fmt::format("{} not a number (NaN): a comparison with it never holds", counted(nans, "value is", "values are")));
}

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  return count == 0 ? fmt::format("no {}", many) : fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string number_text(double value) {
  // Whole numbers as they are: nobody wants to read 1.0235e+06 where a limit is 1023500.
  if (std::isfinite(value) && std::floor(value) == value && std::abs(value) < 1e15) return fmt::format("{:.0f}", value);
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{:.6g}", value);
}

std::string span_text(core::Duration duration) {
  if (duration.count() < 0) return "-" + span_text(-duration);
  const bool fine = duration < std::chrono::seconds(10);
  return core::format_duration(fine ? duration : std::chrono::duration_cast<std::chrono::seconds>(duration));
}

std::string labels_text(const core::Labels& labels) {
  core::Labels rest = labels;
  rest.erase("alertname");
  return rest.to_string();
}

}  // namespace tocsin::rules
