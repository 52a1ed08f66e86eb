#include "tocsin/probes/prober.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace tocsin::probes {
namespace {

constexpr std::string_view success_name = "tocsin_probe_success";
constexpr std::string_view duration_name = "tocsin_probe_duration_seconds";
constexpr std::string_view failures_name = "tocsin_probe_failures_total";
constexpr std::string_view class_label = "class";

constexpr core::MetricMeta metadata[] = {
    {success_name, core::MetricType::gauge, "Whether the last probe of this target succeeded."},
    {duration_name, core::MetricType::gauge, "How long the last probe of this target took."},
    {failures_name, core::MetricType::counter, "Failed probes of this target, by class of failure."},
};

}  // namespace

std::span<const core::MetricMeta> common_metadata() { return metadata; }

CommonMetrics::CommonMetrics(const core::Labels& base) : base_(base) {}

void CommonMetrics::append(core::SeriesTable& table, core::Outcome outcome, std::chrono::nanoseconds took) {
  const auto number = static_cast<std::size_t>(outcome);
  if (outcome != core::Outcome::ok) ++failures_[number];
  add(table, known_[0], success_name, {}, outcome == core::Outcome::ok ? 1 : 0);
  add(table, known_[1], duration_name, {}, std::chrono::duration<double>(took).count());
  for (std::size_t i = 1; i < core::outcome_count; ++i) {
    const auto word = core::to_string(static_cast<core::Outcome>(i));
    add(table, known_[i + 1], failures_name, word, static_cast<double>(failures_[i]));
  }
}

void CommonMetrics::add(core::SeriesTable& table, Known& known, std::string_view name, std::string_view word,
                        double value) {
  // The names are compared because a table that was reset counts its serials from the start.
  if (known.slot < table.size()) {
    const auto& labels = table.labels(known.slot);
    if (labels.metric_name() == name && labels.get(class_label) == word && table.add(known.slot, known.serial, value))
      return;
  }
  core::Labels labels = base_;
  labels.set(core::metric_name_label, name);
  labels.set(class_label, word);
  if (const auto slot = table.add(labels, value)) known = {*slot, table.serial(*slot)};
}

void OwedSeries::owe(const core::Batch& batch) { owed_.insert(owed_.end(), batch.fresh.begin(), batch.fresh.end()); }

void OwedSeries::settle(core::Batch& batch) {
  if (owed_.empty()) return;
  core::Slot highest = 0;
  for (const auto& series : owed_) highest = std::max(highest, series.slot);
  std::vector<bool> used(highest + std::size_t{1});
  std::vector<bool> introduced(highest + std::size_t{1});
  for (const auto& row : batch.rows) {
    if (row.slot <= highest) used[row.slot] = true;
  }
  for (const auto& series : batch.fresh) {
    if (series.slot <= highest) introduced[series.slot] = true;
  }
  std::vector<core::NewSeries> kept;
  // From the last to the first: of two meanings of one slot the later one counts.
  for (auto series = owed_.rbegin(); series != owed_.rend(); ++series) {
    const auto slot = series->slot;
    if (introduced[slot]) continue;
    introduced[slot] = true;
    (used[slot] ? batch.fresh : kept).push_back(std::move(*series));
  }
  owed_ = std::move(kept);
}

}  // namespace tocsin::probes
