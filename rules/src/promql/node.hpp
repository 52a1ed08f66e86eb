// A plan is a tree of nodes; each node computes its value at one time. Numbers stand for label sets (label_table.hpp).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "src/promql/label_table.hpp"
#include "tocsin/rules/promql/engine.hpp"

namespace tocsin::rules::promql {

using Millis = std::int64_t;

struct Point {
  LabelId labels = 0;
  double value = 0;
};

/// One run of a plan: what it reads, what it may use, and what went wrong.
class Context {
 public:
  Context(const store::View& view_, LabelTable& table_, Millis start_, Millis end_, std::uint64_t pass_,
          const EvalLimits& limits_)
      : view(view_), table(table_), start(start_), end(end_), pass(pass_), limits(limits_) {}

  const store::View& view;
  LabelTable& table;
  const Millis start;  // of the whole query: what start() and end() mean
  const Millis end;
  const std::uint64_t pass;
  const EvalLimits& limits;
  EvalError error;

  /// Counts samples that are held; false (and an error) over the limit.
  [[nodiscard]] bool take(std::size_t samples) {
    used_ += samples;
    return used_ <= limits.max_samples || too_many();
  }
  /// Whether so many more could be held.
  [[nodiscard]] bool has_room(std::size_t samples) { return used_ + samples <= limits.max_samples || too_many(); }
  /// So many steps would hold a sample each, or be for nothing.
  [[nodiscard]] bool may_step(std::size_t steps) { return steps <= limits.max_samples || too_many(); }
  [[nodiscard]] std::size_t used() const { return used_; }
  void release_to(std::size_t used) { used_ = used; }
  /// Called once a step of every loop over series or samples; false (and an error) when time is up.
  [[nodiscard]] bool tick(std::size_t steps = 1) {
    ticks_ += steps;
    return ticks_ < 4096 || still_in_time();
  }
  /// Always false.
  bool fail(std::string message, EvalError::Kind kind = EvalError::Kind::execution);

 private:
  bool too_many();
  bool still_in_time();
  std::size_t used_ = 0;
  std::size_t ticks_ = 0;
};

class Node {
 public:
  Node() = default;
  virtual ~Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Computes the value at `at`; false when it failed (the context knows why). A node that has its value already does
  /// nothing.
  [[nodiscard]] bool eval(Context& context, Millis at);
  /// Of a vector.
  [[nodiscard]] std::span<const Point> points() const { return points_; }
  /// Of a scalar.
  [[nodiscard]] double scalar() const { return scalar_; }
  /// The value is the same at all times of a query (@ modifiers, constants).
  [[nodiscard]] bool invariant() const { return invariant_; }
  void set_invariant() { invariant_ = true; }

 protected:
  virtual bool run(Context& context, Millis at) = 0;

  std::vector<Point> points_;
  double scalar_ = 0;

 private:
  std::uint64_t pass_ = 0;
  Millis at_ = 0;
  bool invariant_ = false;
};
using NodePtr = std::shared_ptr<Node>;

/// Refuses two points with the same labels, in Prometheus's words.
class UniqueLabels {
 public:
  void begin() { seen_.begin(); }
  [[nodiscard]] bool add(Context& context, LabelId id) {
    return seen_.insert(id) || context.fail("vector cannot contain metrics with the same labelset");
  }

 private:
  IdIndex seen_;
};

/// The samples of one series in a range.
struct Window {
  LabelId labels = 0;
  std::span<const core::Sample> samples;
};

/// What range functions read: a selector with a range, or a subquery.
class RangeSource {
 public:
  RangeSource() = default;
  virtual ~RangeSource() = default;
  RangeSource(const RangeSource&) = delete;
  RangeSource& operator=(const RangeSource&) = delete;

  /// Starts over, for the range that belongs to `at`.
  [[nodiscard]] virtual bool open(Context& context, Millis at) = 0;
  enum class Next { window, done, failed };
  /// The next series that has samples; they are valid until the next call.
  [[nodiscard]] virtual Next next(Context& context, Window& window) = 0;
  [[nodiscard]] virtual bool invariant() const = 0;

  /// The range is (start, end].
  [[nodiscard]] Millis start() const { return start_; }
  [[nodiscard]] Millis end() const { return end_; }

 protected:
  Millis start_ = 0;
  Millis end_ = 0;
};
using RangePtr = std::unique_ptr<RangeSource>;

}  // namespace tocsin::rules::promql
