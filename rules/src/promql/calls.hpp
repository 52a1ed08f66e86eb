// Functions over instant vectors.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/promql/node.hpp"

namespace tocsin::rules::promql {

/// abs(), round(), hour(), ...: each value by itself, the name dropped. Null if there is no such function.
[[nodiscard]] NodePtr make_map_call(std::string_view name, NodePtr vector, std::vector<NodePtr> parameters);
/// `-vector`
[[nodiscard]] NodePtr make_vector_negation(NodePtr vector);
/// timestamp() of anything but a selector.
[[nodiscard]] NodePtr make_timestamp_of(NodePtr vector);
[[nodiscard]] NodePtr make_sort(NodePtr vector, bool descending);
/// `labels` are those of the one point that stands for "nothing there".
[[nodiscard]] NodePtr make_absent(NodePtr vector, core::Labels labels);
/// What holds no classic sample: histogram_count() and the like of floats.
[[nodiscard]] NodePtr make_nothing(NodePtr vector);

[[nodiscard]] NodePtr make_label_replace(NodePtr vector, const std::string& target, const std::string& replacement,
                                         const std::string& source, const std::string& expression);
[[nodiscard]] NodePtr make_label_join(NodePtr vector, std::string target, std::string separator,
                                      std::vector<std::string> sources);

[[nodiscard]] NodePtr make_histogram_quantile(NodePtr phi, NodePtr vector);
[[nodiscard]] NodePtr make_histogram_fraction(NodePtr lower, NodePtr upper, NodePtr vector);

[[nodiscard]] NodePtr make_aggregation(const Aggregation& aggregation, NodePtr parameter, NodePtr vector);
[[nodiscard]] NodePtr make_count_values(const Aggregation& aggregation, std::string label, NodePtr vector);

}  // namespace tocsin::rules::promql
