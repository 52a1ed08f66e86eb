#include "src/promql/binary.hpp"

#include "src/promql/printer.hpp"
#include "src/promql/scalars.hpp"

namespace tocsin::rules::promql {
namespace {

class VectorScalar final : public Node {
 public:
  VectorScalar(BinaryOp op, NodePtr vector, NodePtr scalar, bool scalar_left, bool return_bool)
      : op_(op),
        vector_(std::move(vector)),
        scalar_node_(std::move(scalar)),
        scalar_left_(scalar_left),
        filters_(is_comparison(op) && !return_bool) {
    if (vector_->invariant() && scalar_node_->invariant()) set_invariant();
  }

 private:
  bool run(Context& context, Millis at) override {
    if (!vector_->eval(context, at) || !scalar_node_->eval(context, at)) return false;
    const double scalar = scalar_node_->scalar();
    unique_.begin();
    for (const Point& point : vector_->points()) {
      if (!context.tick()) return false;
      const double lhs = scalar_left_ ? scalar : point.value;
      const double rhs = scalar_left_ ? point.value : scalar;
      if (filters_) {
        if (holds(op_, lhs, rhs)) points_.push_back(point);
        continue;
      }
      const LabelId labels = nameless_.of(context.table, point.labels);
      if (!unique_.add(context, labels)) return false;
      points_.push_back({labels, apply(op_, lhs, rhs)});
    }
    return true;
  }

  BinaryOp op_;
  NodePtr vector_;
  NodePtr scalar_node_;
  bool scalar_left_;
  bool filters_;
  Nameless nameless_;
  UniqueLabels unique_;
};

class SetOperation final : public Node {
 public:
  SetOperation(const Binary& binary, NodePtr lhs, NodePtr rhs)
      : op_(binary.op),
        lhs_(std::move(lhs)),
        rhs_(std::move(rhs)),
        lhs_group_(binary.matching.on, binary.matching.labels),
        rhs_group_(binary.matching.on, binary.matching.labels) {
    if (lhs_->invariant() && rhs_->invariant()) set_invariant();
  }

 private:
  bool run(Context& context, Millis at) override {
    // Both sides, even where one of them is empty: what is wrong with a rule must show before the rule is needed.
    if (!lhs_->eval(context, at) || !rhs_->eval(context, at)) return false;
    return op_ == BinaryOp::or_ ? either(context) : filter(context, op_ == BinaryOp::and_);
  }

  bool filter(Context& context, bool wanted) {
    groups_.begin();
    for (const Point& point : rhs_->points()) {
      if (!context.tick()) return false;
      groups_.insert(rhs_group_.of(context.table, point.labels));
    }
    for (const Point& point : lhs_->points()) {
      if (!context.tick()) return false;
      const bool found = groups_.find(lhs_group_.of(context.table, point.labels)) != nullptr;
      if (found == wanted) points_.push_back(point);
    }
    return true;
  }

  bool either(Context& context) {
    groups_.begin();
    unique_.begin();
    for (const Point& point : lhs_->points()) {
      if (!context.tick() || !unique_.add(context, point.labels)) return false;
      groups_.insert(lhs_group_.of(context.table, point.labels));
      points_.push_back(point);
    }
    for (const Point& point : rhs_->points()) {
      if (!context.tick()) return false;
      if (groups_.find(rhs_group_.of(context.table, point.labels)) != nullptr) continue;
      if (!unique_.add(context, point.labels)) return false;
      points_.push_back(point);
    }
    return true;
  }

  BinaryOp op_;
  NodePtr lhs_;
  NodePtr rhs_;
  LabelGroups lhs_group_;
  LabelGroups rhs_group_;
  IdIndex groups_;
  UniqueLabels unique_;
};

}  // namespace

NodePtr make_vector_scalar(BinaryOp op, NodePtr vector, NodePtr scalar, bool scalar_left, bool return_bool) {
  return std::make_shared<VectorScalar>(op, std::move(vector), std::move(scalar), scalar_left, return_bool);
}

NodePtr make_set_operation(const Binary& binary, NodePtr lhs, NodePtr rhs) {
  return std::make_shared<SetOperation>(binary, std::move(lhs), std::move(rhs));
}

}  // namespace tocsin::rules::promql
