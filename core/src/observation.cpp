#include "tocsin/core/observation.hpp"

#include <algorithm>
#include <utility>

namespace tocsin::core {

void SeriesTable::begin() {
  ++round_;
  batch_.fresh.clear();
  batch_.rows.clear();
  batch_.rows.reserve(entries_.size());
  // A part of the slots each time, so that all are looked at once in `forget_after` batches.
  if (entries_.empty()) return;
  for (std::size_t part = entries_.size() / std::max(forget_after_, 1U) + 1; part > 0; --part) {
    scan_ = (scan_ + 1) % entries_.size();
    Entry& entry = entries_[scan_];
    if (entry.listed || !forgotten(entry)) continue;
    entry.listed = true;
    free_.push_back(static_cast<Slot>(scan_));
  }
}

std::optional<Slot> SeriesTable::slot_for(const Labels& labels) {
  if (const auto it = index_.find(labels); it != index_.end()) return it->second;
  while (!free_.empty()) {
    const Slot slot = free_.back();
    free_.pop_back();
    Entry& entry = entries_[slot];
    entry.listed = false;
    if (!forgotten(entry)) continue;
    index_.erase(entry.labels);
    entry.labels = labels;
    entry.last_used = round_;
    ++entry.serial;
    index_.emplace(labels, slot);
    batch_.fresh.push_back({slot, labels});
    return slot;
  }
  if (entries_.size() >= max_series_) {
    ++refused_;
    return std::nullopt;
  }
  const Slot slot = static_cast<Slot>(entries_.size());
  entries_.push_back(Entry{labels, round_, first_serial_, false});
  index_.emplace(labels, slot);
  batch_.fresh.push_back({slot, labels});
  return slot;
}

std::optional<Slot> SeriesTable::add(const Labels& labels, double value) {
  const auto slot = slot_for(labels);
  if (!slot) return std::nullopt;
  entries_[*slot].last_used = round_;
  batch_.rows.push_back({*slot, value});
  return slot;
}

bool SeriesTable::add(Slot slot, std::uint32_t serial, double value) {
  if (slot >= entries_.size() || entries_[slot].serial != serial) return false;
  entries_[slot].last_used = round_;
  batch_.rows.push_back({slot, value});
  return true;
}

std::optional<Slot> SeriesTable::find(const Labels& labels) const {
  const auto it = index_.find(labels);
  return it == index_.end() ? std::nullopt : std::optional(it->second);
}

Batch SeriesTable::take() { return std::exchange(batch_, Batch{}); }

void SeriesTable::reset() {
  for (const Entry& entry : entries_) first_serial_ = std::max(first_serial_, entry.serial + 1);
  batch_ = Batch{};
  entries_.clear();
  index_.clear();
  free_.clear();
  scan_ = 0;
}

}  // namespace tocsin::core
