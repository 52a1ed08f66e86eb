// Arithmetic and comparison of two vectors: which sample meets which, and what the pair is called.
#include <fmt/format.h>

#include "src/promql/binary.hpp"
#include "src/promql/printer.hpp"
#include "src/promql/scalars.hpp"

namespace tocsin::rules::promql {
namespace {

using Cardinality = VectorMatching::Cardinality;

class Join final : public Node {
 public:
  Join(const Binary& binary, NodePtr lhs, NodePtr rhs)
      : op_(binary.op),
        return_bool_(binary.return_bool),
        matching_(binary.matching),
        lhs_(std::move(lhs)),
        rhs_(std::move(rhs)),
        many_group_(binary.matching.on, binary.matching.labels),
        one_group_(binary.matching.on, binary.matching.labels) {
    if (lhs_->invariant() && rhs_->invariant()) set_invariant();
  }

 private:
  bool run(Context& context, Millis at) override {
    if (!lhs_->eval(context, at) || !rhs_->eval(context, at)) return false;
    if (lhs_->points().empty() || rhs_->points().empty()) return true;
    if (!index_one_side(context)) return false;
    matched_.begin();
    unique_.begin();
    for (const Point& many : many_side()) {
      if (!context.tick()) return false;
      const LabelId group = many_group_.of(context.table, many.labels);
      const std::uint32_t* found = one_index_.find(group);
      if (found == nullptr) continue;
      if (!add(context, many, one_side()[*found], group)) return false;
    }
    return true;
  }

  [[nodiscard]] bool swapped() const { return matching_.cardinality == Cardinality::one_to_many; }
  [[nodiscard]] std::span<const Point> many_side() const { return swapped() ? rhs_->points() : lhs_->points(); }
  [[nodiscard]] std::span<const Point> one_side() const { return swapped() ? lhs_->points() : rhs_->points(); }

  bool index_one_side(Context& context) {
    one_index_.begin();
    const auto side = one_side();
    for (std::uint32_t i = 0; i < side.size(); ++i) {
      if (!context.tick()) return false;
      const LabelId group = one_group_.of(context.table, side[i].labels);
      if (!one_index_.insert(group, i)) return duplicate(context, group, side[*one_index_.find(group)], side[i]);
    }
    return true;
  }

  bool duplicate(Context& context, LabelId group, const Point& a, const Point& b) const {
    core::Labels first = context.table.at(a.labels);
    core::Labels second = context.table.at(b.labels);
    if (second < first) std::swap(first, second);
    return context.fail(fmt::format(
        "found duplicate series for the match group {} on the {} hand-side of the operation: [{}, {}];many-to-many "
        "matching not allowed: matching labels must be unique on one side",
        braces_text(context.table.at(group)), swapped() ? "left" : "right", braces_text(first), braces_text(second)));
  }

  bool add(Context& context, const Point& many, const Point& one, LabelId group) {
    const LabelId labels = result_labels(context, many.labels, one.labels);
    if (matching_.cardinality == Cardinality::one_to_one) {
      if (!matched_.insert(group)) {
        return context.fail(
            "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
      }
    } else if (!matched_.insert(labels, group) && *matched_.find(labels) == group) {
      return context.fail("multiple matches for labels: grouping labels must ensure unique matches");
    }
    const double lhs = swapped() ? one.value : many.value;
    const double rhs = swapped() ? many.value : one.value;
    double value = lhs;
    if (!is_comparison(op_) || return_bool_) {
      value = apply(op_, lhs, rhs);
    } else if (!holds(op_, lhs, rhs)) {
      return true;
    }
    if (!unique_.add(context, labels)) return false;
    points_.push_back({labels, value});
    return true;
  }

  LabelId result_labels(Context& context, LabelId many, LabelId one) {
    const auto make = [&](LabelId id) {
      return context.table.intern(combine(context.table.at(id), context.table.at(one)));
    };
    if (matching_.include.empty()) return plain_results_.get(context.table, many, make);
    // The same sample meets the same partner nearly always.
    const Pair& pair = paired_results_.get(context.table, many, [&](LabelId id) { return Pair{one, make(id)}; });
    return pair.one == one ? pair.result : make(many);
  }

  core::Labels combine(const core::Labels& many, const core::Labels& one) const {
    const bool drops_name = !is_comparison(op_) || return_bool_;
    core::Labels labels = drops_name ? drop_name(many) : many;
    if (matching_.cardinality == Cardinality::one_to_one) {
      if (matching_.on) {
        labels = keep_labels(labels, matching_.labels);
      } else {
        for (const std::string& name : matching_.labels) labels.erase(name);
      }
    }
    for (const std::string& name : matching_.include) labels.set(name, one.get(name));
    return labels;
  }

  struct Pair {
    LabelId one = 0;
    LabelId result = 0;
  };

  BinaryOp op_;
  bool return_bool_;
  VectorMatching matching_;
  NodePtr lhs_;
  NodePtr rhs_;
  LabelGroups many_group_;
  LabelGroups one_group_;
  IdIndex one_index_;
  IdIndex matched_;
  UniqueLabels unique_;
  IdCache<LabelId> plain_results_;
  IdCache<Pair> paired_results_;
};

}  // namespace

NodePtr make_join(const Binary& binary, NodePtr lhs, NodePtr rhs) {
  return std::make_shared<Join>(binary, std::move(lhs), std::move(rhs));
}

}  // namespace tocsin::rules::promql
