// sum by (...), topk(), count_values(), ...
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>

#include "src/go_text.hpp"
#include "src/promql/calls.hpp"
#include "src/promql/kahan.hpp"
#include "src/promql/printer.hpp"
#include "src/promql/range_functions.hpp"

namespace tocsin::rules::promql {
namespace {

/// The base of all: sorts samples into groups, which are numbered in the order they are met.
class Grouped : public Node {
 public:
  Grouped(const Aggregation& node, NodePtr vector)
      : vector_(std::move(vector)), grouping_(!node.without, node.labels) {}

 protected:
  [[nodiscard]] bool eval_vector(Context& context, Millis at) {
    ids_.clear();
    index_.begin();
    return vector_->eval(context, at);
  }
  [[nodiscard]] std::span<const Point> input() const { return vector_->points(); }
  [[nodiscard]] bool input_invariant() const { return vector_->invariant(); }
  /// The group's number; one equal to the count of groups before is new.
  std::uint32_t group(Context& context, LabelId labels) {
    const LabelId id = grouping_.of(context.table, labels);
    if (const std::uint32_t* slot = index_.find(id)) return *slot;
    const auto slot = static_cast<std::uint32_t>(ids_.size());
    index_.insert(id, slot);
    ids_.push_back(id);
    return slot;
  }
  [[nodiscard]] const std::vector<LabelId>& groups() const { return ids_; }

 private:
  NodePtr vector_;
  LabelGroups grouping_;
  IdIndex index_;
  std::vector<LabelId> ids_;
};

struct SumOf {
  Kahan sum;
  explicit SumOf(double first) { sum.sum = first; }
  void add(double value) { sum.add(value); }
  [[nodiscard]] double value() const { return sum.total(); }
};
struct MeanOf {
  Mean mean;
  explicit MeanOf(double first) { mean.add(first); }
  void add(double value) { mean.add(value); }
  [[nodiscard]] double value() const { return mean.value(); }
};
struct CountOf {
  double count = 1;
  explicit CountOf(double) {}
  void add(double) { count += 1; }
  [[nodiscard]] double value() const { return count; }
};
struct GroupOf {
  explicit GroupOf(double) {}
  void add(double) {}
  [[nodiscard]] double value() const { return 1; }
};
struct MinOf {
  double best;
  explicit MinOf(double first) : best(first) {}
  void add(double value) {
    if (value < best || std::isnan(best)) best = value;
  }
  [[nodiscard]] double value() const { return best; }
};
struct MaxOf {
  double best;
  explicit MaxOf(double first) : best(first) {}
  void add(double value) {
    if (value > best || std::isnan(best)) best = value;
  }
  [[nodiscard]] double value() const { return best; }
};
struct VarianceOf {
  double count = 1;
  double mean;
  double squares;
  explicit VarianceOf(double first)
      : mean(first), squares(std::isfinite(first) ? 0 : std::numeric_limits<double>::quiet_NaN()) {}
  void add(double value) {
    count += 1;
    const double delta = value - mean;
    mean += delta / count;
    squares += delta * (value - mean);
  }
  [[nodiscard]] double value() const { return squares / count; }
};
struct DeviationOf : VarianceOf {
  using VarianceOf::VarianceOf;
  [[nodiscard]] double value() const { return std::sqrt(VarianceOf::value()); }
};

template <class State>
class Fold final : public Grouped {
 public:
  Fold(const Aggregation& node, NodePtr vector) : Grouped(node, std::move(vector)) {
    if (input_invariant()) set_invariant();
  }

 private:
  bool run(Context& context, Millis at) override {
    if (!eval_vector(context, at)) return false;
    states_.clear();
    for (const Point& point : input()) {
      if (!context.tick()) return false;
      const std::uint32_t slot = group(context, point.labels);
      if (slot == states_.size()) {
        states_.emplace_back(point.value);
      } else {
        states_[slot].add(point.value);
      }
    }
    for (std::size_t i = 0; i < states_.size(); ++i) points_.push_back({groups()[i], states_[i].value()});
    return true;
  }

  std::vector<State> states_;
};

class QuantileOf final : public Grouped {
 public:
  QuantileOf(const Aggregation& node, NodePtr parameter, NodePtr vector)
      : Grouped(node, std::move(vector)), parameter_(std::move(parameter)) {
    if (input_invariant() && parameter_->invariant()) set_invariant();
  }

 private:
  bool run(Context& context, Millis at) override {
    if (!parameter_->eval(context, at) || !eval_vector(context, at)) return false;
    for (auto& values : values_) values.clear();
    for (const Point& point : input()) {
      if (!context.tick()) return false;
      const std::uint32_t slot = group(context, point.labels);
      if (slot == values_.size()) values_.emplace_back();
      values_[slot].push_back(point.value);
    }
    for (std::size_t i = 0; i < groups().size(); ++i) {
      if (!context.tick(values_[i].size())) return false;
      points_.push_back({groups()[i], quantile(parameter_->scalar(), values_[i])});
    }
    return true;
  }

  NodePtr parameter_;
  std::vector<std::vector<double>> values_;
};

/// topk and bottomk: the samples themselves, best first within each group.
class Best final : public Grouped {
 public:
  Best(const Aggregation& node, NodePtr parameter, NodePtr vector)
      : Grouped(node, std::move(vector)), parameter_(std::move(parameter)), top_(node.op == "topk") {
    if (input_invariant() && parameter_->invariant()) set_invariant();
  }

 private:
  [[nodiscard]] bool better(const Point& a, const Point& b) const {
    if (std::isnan(a.value) || std::isnan(b.value)) return !std::isnan(a.value) && std::isnan(b.value);
    return top_ ? a.value > b.value : a.value < b.value;
  }

  bool run(Context& context, Millis at) override {
    if (!parameter_->eval(context, at) || !eval_vector(context, at)) return false;
    std::size_t k = 0;
    if (!limit(context, parameter_->scalar(), k)) return false;
    if (k == 0) return true;
    for (auto& members : members_) members.clear();
    for (const Point& point : input()) {
      if (!context.tick()) return false;
      const std::uint32_t slot = group(context, point.labels);
      if (slot == members_.size()) members_.emplace_back();
      offer(members_[slot], point, k);
    }
    const auto order = [this](const Point& a, const Point& b) { return better(a, b); };
    for (std::size_t i = 0; i < groups().size(); ++i) {
      if (!context.tick(members_[i].size())) return false;
      // The heap's own order says nothing; equal samples keep the order of their numbers.
      std::sort(members_[i].begin(), members_[i].end(), [&order](const Point& a, const Point& b) {
        if (order(a, b)) return true;
        return !order(b, a) && a.labels < b.labels;
      });
      points_.insert(points_.end(), members_[i].begin(), members_[i].end());
    }
    return true;
  }

  /// Keeps the k best in a heap whose front is the worst of them.
  void offer(std::vector<Point>& heap, const Point& point, std::size_t k) const {
    const auto order = [this](const Point& a, const Point& b) { return better(a, b); };
    if (heap.size() == k) {
      if (!better(point, heap.front())) return;
      std::pop_heap(heap.begin(), heap.end(), order);
      heap.pop_back();
    }
    heap.push_back(point);
    std::push_heap(heap.begin(), heap.end(), order);
  }

  static bool limit(Context& context, double wanted, std::size_t& out) {
    if (std::isnan(wanted)) return context.fail("Parameter value is NaN");
    if (wanted >= 9223372036854775808.0) {
      return context.fail(fmt::format("Scalar value {} overflows int64", format_plain(wanted)));
    }
    if (wanted < -9223372036854775808.0) {
      return context.fail(fmt::format("Scalar value {} underflows int64", format_plain(wanted)));
    }
    out = wanted < 1 ? 0 : static_cast<std::size_t>(wanted);
    return true;
  }

  NodePtr parameter_;
  bool top_;
  std::vector<std::vector<Point>> members_;
};

class CountValues final : public Grouped {
 public:
  CountValues(const Aggregation& node, std::string label, NodePtr vector)
      : Grouped(without_label(node, label), std::move(vector)),
        label_(std::move(label)),
        drops_label_(node.without && contains(node.labels, label_)) {
    if (input_invariant()) set_invariant();
  }

 private:
  static bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  /// The label that gets the value says nothing about the group.
  static Aggregation without_label(const Aggregation& node, const std::string& label) {
    Aggregation copy;
    copy.op = node.op;
    copy.without = node.without;
    copy.labels = node.labels;
    if (node.without) {
      copy.labels.push_back(label);
    } else {
      std::erase(copy.labels, label);
    }
    return copy;
  }

  bool run(Context& context, Millis at) override {
    if (!is_utf8_name(label_)) return context.fail(fmt::format("invalid label name {}", go_quote(label_)));
    if (!eval_vector(context, at)) return false;
    counts_.clear();
    for (const Point& point : input()) {
      if (!context.tick()) return false;
      const std::uint32_t slot = group(context, point.labels);
      const double value = std::isnan(point.value) ? std::numeric_limits<double>::quiet_NaN() : point.value;
      const std::uint64_t bits = drops_label_ ? 0 : std::bit_cast<std::uint64_t>(value);
      const auto [it, fresh] = counts_.try_emplace({slot, bits}, points_.size());
      if (fresh) points_.push_back({result(context, groups()[slot], value), 0});
      points_[it->second].value += 1;
    }
    return true;
  }

  LabelId result(Context& context, LabelId group, double value) const {
    if (drops_label_) return group;
    core::Labels labels = context.table.at(group);
    labels.set(label_, format_plain(value));
    return context.table.intern(std::move(labels));
  }

  std::string label_;
  bool drops_label_;
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::size_t> counts_;
};

}  // namespace

NodePtr make_aggregation(const Aggregation& node, NodePtr parameter, NodePtr vector) {
  if (node.op == "sum") return std::make_shared<Fold<SumOf>>(node, std::move(vector));
  if (node.op == "avg") return std::make_shared<Fold<MeanOf>>(node, std::move(vector));
  if (node.op == "count") return std::make_shared<Fold<CountOf>>(node, std::move(vector));
  if (node.op == "group") return std::make_shared<Fold<GroupOf>>(node, std::move(vector));
  if (node.op == "min") return std::make_shared<Fold<MinOf>>(node, std::move(vector));
  if (node.op == "max") return std::make_shared<Fold<MaxOf>>(node, std::move(vector));
  if (node.op == "stdvar") return std::make_shared<Fold<VarianceOf>>(node, std::move(vector));
  if (node.op == "stddev") return std::make_shared<Fold<DeviationOf>>(node, std::move(vector));
  if (node.op == "quantile") return std::make_shared<QuantileOf>(node, std::move(parameter), std::move(vector));
  return std::make_shared<Best>(node, std::move(parameter), std::move(vector));
}

NodePtr make_count_values(const Aggregation& node, std::string label, NodePtr vector) {
  return std::make_shared<CountValues>(node, std::move(label), std::move(vector));
}

}  // namespace tocsin::rules::promql
