#include "tocsin/probes/prober.hpp"

namespace tocsin::probes {
namespace {

constexpr std::string_view success_name = "tocsin_probe_success";
constexpr std::string_view duration_name = "tocsin_probe_duration_seconds";
constexpr std::string_view failures_name = "tocsin_probe_failures_total";
constexpr std::string_view class_label = "class";

constexpr core::MetricMeta metadata[] = {
    {success_name, core::MetricType::gauge, "Whether the last probe of this target succeeded."},
    {duration_name, core::MetricType::gauge, "How long the last probe of this target took."},
    {probe_age_name, core::MetricType::gauge,
     "How long ago this target was really asked; 0 unless it is asked more rarely than its interval says."},
    {failures_name, core::MetricType::counter, "Failed probes of this target, by class of failure."},
};

}  // namespace

std::span<const core::MetricMeta> common_metadata() { return metadata; }

CommonMetrics::CommonMetrics(const core::Labels& base) : base_(base) {}

void CommonMetrics::append(core::SeriesTable& table, core::Outcome outcome, std::chrono::nanoseconds took) {
  const auto number = static_cast<std::size_t>(outcome);
  if (outcome != core::Outcome::ok) ++failures_[number];
  const auto add = [&](std::size_t which, std::string_view name, double value) {
    table.add(pins_[which], value, [&] {
      core::Labels labels = base_;
      labels.set(core::metric_name_label, name);
      if (which > 2) labels.set(class_label, core::to_string(static_cast<core::Outcome>(which - 2)));
      return labels;
    });
  };
  add(0, success_name, outcome == core::Outcome::ok ? 1 : 0);
  add(1, duration_name, std::chrono::duration<double>(took).count());
  add(2, probe_age_name, 0);
  for (std::size_t i = 1; i < core::outcome_count; ++i) add(i + 2, failures_name, static_cast<double>(failures_[i]));
}

}  // namespace tocsin::probes
