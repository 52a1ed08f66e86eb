#include "recording_rule.hpp"

#include <fmt/format.h>

#include <unordered_set>

namespace tocsin::rules {

std::optional<std::string> RecordingRule::evaluate(Round& round) {
  auto answer = run(plan_, round, round.data_at);
  if (auto* error = std::get_if<std::string>(&answer)) return std::move(*error);
  auto& vector = std::get<promql::Vector>(answer);
  std::unordered_set<core::Labels, core::LabelsHash> seen;
  for (promql::InstantSample& sample : vector) {
    sample.labels.set(core::metric_name_label, spec_.name);
    for (const core::Label& label : spec_.labels) sample.labels.set(label.name, label.value);  // an empty value removes
    if (vector.size() > 1 && !seen.insert(sample.labels).second) {
      return "vector contains metrics with the same labelset after applying rule labels: " + sample.labels.to_string();
    }
  }
  if (round.group.limit > 0 && vector.size() > round.group.limit) {
    return fmt::format("exceeded limit of {} with {} series", round.group.limit, vector.size());
  }
  output_.begin();
  for (const promql::InstantSample& sample : vector) output_.add(sample.labels, sample.sample.value);
  return output_.commit(round.store, round.group_id + ";" + spec_.name, round.data_at);
}

}  // namespace tocsin::rules
