#include "src/promql/scalars.hpp"

#include <cmath>
#include <limits>

#include "src/promql/printer.hpp"

namespace tocsin::rules::promql {

bool holds(BinaryOp op, double lhs, double rhs) {
  switch (op) {
    case BinaryOp::eq:
      return lhs == rhs;
    case BinaryOp::ne:
      return lhs != rhs;
    case BinaryOp::lt:
      return lhs < rhs;
    case BinaryOp::le:
      return lhs <= rhs;
    case BinaryOp::gt:
      return lhs > rhs;
    case BinaryOp::ge:
      return lhs >= rhs;
    default:
      return true;
  }
}

double apply(BinaryOp op, double lhs, double rhs) {
  switch (op) {
    case BinaryOp::add:
      return lhs + rhs;
    case BinaryOp::sub:
      return lhs - rhs;
    case BinaryOp::mul:
      return lhs * rhs;
    case BinaryOp::div:
      return lhs / rhs;
    case BinaryOp::mod:
      return std::fmod(lhs, rhs);
    case BinaryOp::pow:
      return std::pow(lhs, rhs);
    case BinaryOp::atan2:
      return std::atan2(lhs, rhs);
    default:
      return holds(op, lhs, rhs) ? 1 : 0;
  }
}

namespace {

class Number final : public Node {
 public:
  explicit Number(double value) {
    scalar_ = value;
    set_invariant();
  }

 private:
  bool run(Context&, Millis) override { return true; }
};

class Time final : public Node {
  bool run(Context&, Millis at) override {
    scalar_ = static_cast<double>(at) / 1000.0;
    return true;
  }
};

class ScalarBinary final : public Node {
 public:
  ScalarBinary(BinaryOp op, NodePtr lhs, NodePtr rhs) : op_(op), lhs_(std::move(lhs)), rhs_(std::move(rhs)) {
    if (lhs_->invariant() && rhs_->invariant()) set_invariant();
  }

 private:
  bool run(Context& context, Millis at) override {
    if (!lhs_->eval(context, at) || !rhs_->eval(context, at)) return false;
    scalar_ = apply(op_, lhs_->scalar(), rhs_->scalar());
    return true;
  }

  BinaryOp op_;
  NodePtr lhs_;
  NodePtr rhs_;
};

class ScalarNegation final : public Node {
 public:
  explicit ScalarNegation(NodePtr inner) : inner_(std::move(inner)) {
    if (inner_->invariant()) set_invariant();
  }

 private:
  bool run(Context& context, Millis at) override {
    if (!inner_->eval(context, at)) return false;
    scalar_ = -inner_->scalar();
    return true;
  }

  NodePtr inner_;
};

class ScalarOf final : public Node {
 public:
  explicit ScalarOf(NodePtr inner) : inner_(std::move(inner)) {
    if (inner_->invariant()) set_invariant();
  }

 private:
  bool run(Context& context, Millis at) override {
    if (!inner_->eval(context, at)) return false;
    const auto points = inner_->points();
    scalar_ = points.size() == 1 ? points.front().value : std::numeric_limits<double>::quiet_NaN();
    return true;
  }

  NodePtr inner_;
};

class VectorOf final : public Node {
 public:
  explicit VectorOf(NodePtr inner) : inner_(std::move(inner)) {
    if (inner_->invariant()) set_invariant();
  }

 private:
  bool run(Context& context, Millis at) override {
    if (!inner_->eval(context, at)) return false;
    points_.push_back({context.table.intern({}), inner_->scalar()});
    return true;
  }

  NodePtr inner_;
};

}  // namespace

NodePtr make_number(double value) { return std::make_shared<Number>(value); }
NodePtr make_time() { return std::make_shared<Time>(); }
NodePtr make_scalar_binary(BinaryOp op, NodePtr lhs, NodePtr rhs) {
  return std::make_shared<ScalarBinary>(op, std::move(lhs), std::move(rhs));
}
NodePtr make_scalar_negation(NodePtr inner) { return std::make_shared<ScalarNegation>(std::move(inner)); }
NodePtr make_scalar_of(NodePtr vector) { return std::make_shared<ScalarOf>(std::move(vector)); }
NodePtr make_vector_of(NodePtr scalar) { return std::make_shared<VectorOf>(std::move(scalar)); }

}  // namespace tocsin::rules::promql
