#include "postgres/table_collector.hpp"

#include <array>

namespace tocsin::probes::postgres {
namespace {

constexpr std::size_t most_labels = 8;

constexpr std::size_t no_column = static_cast<std::size_t>(-1);

}  // namespace

TableCollector::TableCollector(const TableSpec& spec, std::shared_ptr<const PostgresOptions> options)
    : spec_(spec), options_(std::move(options)) {
  if (!options_->legacy_names) return;
  for (const ValueColumn& value : spec_.values) aliases_.push_back(legacy_name(value.metric.name));
}

bool TableCollector::read(const Rows& rows, const ServerInfo&, Samples& samples) const {
  std::array<std::size_t, most_labels> label_columns{};
  std::array<Samples::Label, most_labels> labels;
  const std::size_t label_count = spec_.labels.size();
  if (label_count > most_labels) return false;
  for (std::size_t i = 0; i < label_count; ++i) {
    const auto column = rows.column(spec_.labels[i].column);
    if (!column) return false;
    label_columns[i] = *column;
    labels[i].first = spec_.labels[i].label;
  }
  std::vector<std::size_t> value_columns;
  value_columns.reserve(spec_.values.size());
  bool any = spec_.values.empty();
  for (const ValueColumn& value : spec_.values) {
    const auto column = rows.column(value.column);
    value_columns.push_back(column.value_or(no_column));
    any = any || column.has_value();
  }
  if (!any) return false;

  for (std::size_t row = 0; row < rows.size(); ++row) {
    for (std::size_t i = 0; i < label_count; ++i) labels[i].second = rows.text(row, label_columns[i]);
    const std::span<const Samples::Label> given(labels.data(), label_count);
    for (std::size_t i = 0; i < value_columns.size(); ++i) {
      if (value_columns[i] == no_column) continue;
      const auto value = rows.number(row, value_columns[i]);
      if (!value) continue;
      samples.add(spec_.values[i].metric.name, given, *value);
      if (!aliases_.empty() && !aliases_[i].empty()) samples.add(aliases_[i], given, *value);
    }
  }
  return true;
}

}  // namespace tocsin::probes::postgres
