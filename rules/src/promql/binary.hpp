// Operators with at least one vector.
#pragma once

#include "src/promql/node.hpp"

namespace tocsin::rules::promql {

/// Vector with scalar; `scalar_left` tells the sides.
[[nodiscard]] NodePtr make_vector_scalar(BinaryOp op, NodePtr vector, NodePtr scalar, bool scalar_left,
                                         bool return_bool);
[[nodiscard]] NodePtr make_join(const Binary& binary, NodePtr lhs, NodePtr rhs);
/// and, or, unless
[[nodiscard]] NodePtr make_set_operation(const Binary& binary, NodePtr lhs, NodePtr rhs);

/// What two samples must have in common to be matched, as a label set.
class MatchGroup {
 public:
  explicit MatchGroup(const VectorMatching& matching) : on_(matching.on), names_(matching.labels) {}
  [[nodiscard]] LabelId of(Context& context, LabelId labels) {
    return cache_.get(context.table, labels, [this, &context](LabelId id) {
      const core::Labels& all = context.table.at(id);
      return context.table.intern(on_ ? keep_labels(all, names_) : drop_labels(all, names_));
    });
  }

 private:
  bool on_;
  std::vector<std::string> names_;
  IdCache<LabelId> cache_;
};

}  // namespace tocsin::rules::promql
