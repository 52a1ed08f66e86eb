// PromQL from text to values. Parse once, compile once, evaluate often.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tocsin/core/labels.hpp"
#include "tocsin/core/sample.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/rules/promql/ast.hpp"
#include "tocsin/store/store.hpp"

namespace tocsin::rules::promql {

struct ParseError {
  Range range;
  std::string message;  // "unexpected end of input in aggregation", without position
  /// `1:7: parse error: ...`, as Prometheus says it.
  [[nodiscard]] std::string render(std::string_view query) const;
};

/// A parsed and type-checked expression, or what is wrong with it.
[[nodiscard]] std::variant<ExprPtr, ParseError> parse(std::string_view query);

struct InstantSample {
  core::Labels labels;
  core::Sample sample;
};
using Vector = std::vector<InstantSample>;
struct Series {
  core::Labels labels;
  std::vector<core::Sample> samples;
};
using Matrix = std::vector<Series>;
struct Scalar {
  core::Sample sample;
};
struct String {
  core::TimePoint time;
  std::string value;
};
using Value = std::variant<Scalar, String, Vector, Matrix>;

/// A query that could not be answered.
struct EvalError {
  enum class Kind { execution, timeout, too_many_samples, canceled } kind = Kind::execution;
  std::string message;
};

struct EvalLimits {
  core::Duration lookback = default_lookback;
  std::size_t max_samples = 50'000'000;  // held at one time
  /// Asked every few thousand steps inside the loops; true ends the evaluation with Kind::timeout. May be empty.
  std::function<bool()> expired;
  core::Duration default_subquery_step{std::chrono::minutes{1}};
};

/// An expression made ready to run: constants folded, selectors resolved to series and cached per index generation,
/// output labels cached per input series. Not thread-safe; each thread compiles its own.
class Plan {
 public:
  explicit Plan(const Expr& expr);
  ~Plan();
  Plan(Plan&&) noexcept;
  Plan& operator=(Plan&&) noexcept;

  [[nodiscard]] std::variant<Value, EvalError> instant(const store::View& view, core::TimePoint at,
                                                       const EvalLimits& limits);
  /// One value each step from `start` to `end`, both included.
  [[nodiscard]] std::variant<Matrix, EvalError> range(const store::View& view, core::TimePoint start,
                                                      core::TimePoint end, core::Duration step,
                                                      const EvalLimits& limits);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::rules::promql
