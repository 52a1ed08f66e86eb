#include "postgres/samples.hpp"

#include <algorithm>

#include "src/label_text.hpp"

namespace tocsin::probes::postgres {
namespace {

constexpr char end_of_part = '\0';
constexpr std::size_t most_described = 1000;

/// Takes `part` and its end off the front of `key`, if it begins so.
bool take(std::string_view& key, std::string_view part) {
  if (key.size() <= part.size() || key[part.size()] != end_of_part || !key.starts_with(part)) return false;
  key.remove_prefix(part.size() + 1);
  return true;
}

bool matches(std::string_view key, std::span<const Samples::Label> labels) {
  for (const auto& [name, value] : labels) {
    if (!take(key, name) || !take(key, value)) return false;
  }
  return key.empty();
}

std::string_view next_part(std::string_view& key) {
  const std::size_t end = key.find(end_of_part);
  const std::string_view part = key.substr(0, end);
  key.remove_prefix(end == std::string_view::npos ? key.size() : end + 1);
  return part;
}

}  // namespace

void Samples::begin(core::SeriesTable& table) {
  table_ = &table;
  left_ = max_series_;
  current_ = nullptr;
}

void Samples::section(std::string_view name) {
  auto found = sections_.find(name);
  if (found == sections_.end()) found = sections_.emplace(std::string(name), Section()).first;
  current_ = &found->second;
  current_->used = 0;
  current_->rows_used = 0;
}

std::uint32_t Samples::find_row(Section& section, std::span<const Label> labels) {
  auto& rows = section.rows;
  // The same as before, or the next one of the last time.
  if (section.rows_used > 0 && matches(rows[section.rows_used - 1].key, labels)) {
    return static_cast<std::uint32_t>(section.rows_used - 1);
  }
  const std::size_t next = section.rows_used++;
  if (next == rows.size()) rows.emplace_back();
  Row& row = rows[next];
  if (row.version == 0 || !matches(row.key, labels)) {
    ++row.version;
    row.key.clear();
    for (const auto& [name, text] : labels) {
      row.key.append(name) += end_of_part;
      row.key.append(text) += end_of_part;
    }
  }
  return static_cast<std::uint32_t>(next);
}

std::uint32_t Samples::find_metric(Section& section, std::string_view metric) {
  const auto found = std::find(section.metrics.begin(), section.metrics.end(), metric);
  if (found == section.metrics.end()) {
    section.metrics.emplace_back(metric);
    return static_cast<std::uint32_t>(section.metrics.size() - 1);
  }
  return static_cast<std::uint32_t>(found - section.metrics.begin());
}

void Samples::add(std::string_view metric, std::span<const Label> labels, double value) {
  if (current_ == nullptr) section("");
  if (left_ == 0) {
    ++refused_;
    return;
  }
  Section& section = *current_;
  const std::uint32_t row = find_row(section, labels);
  if (section.used == section.entries.size()) section.entries.emplace_back();
  Entry& entry = section.entries[section.used];
  const std::uint32_t version = section.rows[row].version;
  const bool known = entry.row == row && entry.version == version && section.metrics[entry.metric] == metric;
  if (!known) {
    entry = Entry();
    entry.metric = find_metric(section, metric);
    entry.row = row;
    entry.version = version;
  }
  entry.value = value;
  // What does not fit into the table is not kept here either.
  if (give(section, entry)) ++section.used;
}

bool Samples::give(const Section& section, Entry& entry) {
  if (left_ == 0) return false;
  --left_;
  if (table_->add(entry.slot, entry.serial, entry.value)) return true;
  const auto slot = table_->add(labels(section.metrics[entry.metric], section.rows[entry.row].key), entry.value);
  if (!slot) {
    ++refused_;
    return false;
  }
  entry.slot = *slot;
  entry.serial = table_->serial(*slot);
  return true;
}

core::Labels Samples::labels(std::string_view metric, std::string_view key) const {
  std::vector<core::Label> labels;
  labels.reserve(base_.size() + 8);
  labels.assign(base_.begin(), base_.end());
  labels.push_back({std::string(core::metric_name_label), std::string(metric)});
  while (!key.empty()) {
    const std::string_view name = next_part(key);
    const std::string_view text = next_part(key);
    // A label of the configuration does not give way to one of the server; Prometheus renames the latter in the same
    // way.
    labels.push_back({base_.has(name) ? "exported_" + std::string(name) : std::string(name), label_text(text)});
  }
  return core::Labels(std::move(labels));
}

bool Samples::repeat(std::string_view name) {
  const auto found = sections_.find(name);
  if (found == sections_.end() || found->second.used == 0) return false;
  Section& section = found->second;
  for (std::size_t i = 0; i < section.used; ++i) static_cast<void>(give(section, section.entries[i]));
  return true;
}

void Samples::drop(std::string_view name) {
  const auto found = sections_.find(name);
  if (found == sections_.end()) return;
  if (current_ == &found->second) current_ = nullptr;
  sections_.erase(found);
}

void Samples::describe(std::string_view metric, core::MetricType type, std::string_view help) {
  if (described_.size() >= most_described || described_.contains(metric)) return;
  described_.emplace(metric, core::Described{std::string(metric), type, std::string(help)});
  described_more_ = true;
}

std::vector<core::Described> Samples::take_described() {
  std::vector<core::Described> all;
  if (!std::exchange(described_more_, false)) return all;
  for (const auto& [name, one] : described_) all.push_back(one);
  return all;
}

std::size_t Samples::size(std::string_view name) const {
  const auto found = sections_.find(name);
  return found == sections_.end() ? 0 : found->second.used;
}

}  // namespace tocsin::probes::postgres
