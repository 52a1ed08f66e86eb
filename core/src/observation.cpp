#include "tocsin/core/observation.hpp"

#include <algorithm>
#include <utility>

namespace tocsin::core {
namespace {

// Packed labels: how many there are besides the common ones, times two, plus one if those are there too; then sizes and
// texts of names and values. The name's label has an empty name. Numbers are of 7 bits a byte, the low ones first, as
// in protobuf.

std::size_t number_size(std::size_t number) {
  std::size_t size = 1;
  for (; number >= 0x80; number >>= 7) ++size;
  return size;
}

void put_number(char*& at, std::size_t number) {
  for (; number >= 0x80; number >>= 7) *at++ = static_cast<char>(static_cast<unsigned char>(number | 0x80));
  *at++ = static_cast<char>(number);
}

std::size_t get_number(const char*& at) {
  std::size_t number = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(*at++);
    number |= static_cast<std::size_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) return number;
  }
}

void put_text(char*& at, std::string_view text) {
  put_number(at, text.size());
  at = std::copy(text.begin(), text.end(), at);
}

std::string_view get_text(const char*& at) {
  const std::size_t size = get_number(at);
  const std::string_view text(at, size);
  at += size;
  return text;
}

std::string_view short_name(const Label& label) {
  return label.name == metric_name_label ? std::string_view() : std::string_view(label.name);
}

std::size_t text_size(std::string_view text) { return number_size(text.size()) + text.size(); }

/// Calls `own` for each label that is not one of `common`; both are sorted by name.
template <class Own>
void for_each_own(const Labels& labels, std::span<const Label> common, const Own& own) {
  auto next = common.begin();
  for (const Label& label : labels) {
    while (next != common.end() && next->name < label.name) ++next;
    if (next == common.end() || *next != label) own(label);
  }
}

std::uint32_t short_hash(const Labels& labels) {
  const std::uint64_t hash = labels.hash();
  return static_cast<std::uint32_t>(hash ^ (hash >> 32));
}

}  // namespace

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
    if (entry.listed != 0 || !forgotten(entry)) continue;
    entry.listed = 1;
    free_.push_back(static_cast<Slot>(scan_));
  }
}

std::optional<Slot> SeriesTable::slot_for(const Labels& labels) {
  const auto hash = short_hash(labels);
  if (const Slot known = find(labels, hash); known != none) return known;
  while (!free_.empty()) {
    const Slot slot = free_.back();
    free_.pop_back();
    Entry& entry = entries_[slot];
    entry.listed = 0;
    if (!forgotten(entry)) continue;
    unlink(slot);
    ++entry.serial;
    introduce(slot, labels, hash);
    return slot;
  }
  if (entries_.size() >= max_series_) {
    ++refused_;
    return std::nullopt;
  }
  const Slot slot = static_cast<Slot>(entries_.size());
  entries_.emplace_back().serial = first_serial_;
  if (entries_.size() > buckets_.size()) grow();
  introduce(slot, labels, hash);
  return slot;
}

void SeriesTable::introduce(Slot slot, const Labels& labels, std::uint32_t hash) {
  Entry& entry = entries_[slot];
  if (common_.empty()) {
    for_each_own(labels, {}, [this](const Label& label) {
      if (label.name != metric_name_label) common_.push_back(label);
    });
  }
  entry.packed = texts_->take(pack(labels));
  entry.hash = hash;
  entry.last_used = round_;
  link(slot);
  batch_.fresh.push_back({slot, labels});
}

Slot SeriesTable::find(const Labels& labels, std::uint32_t hash) const {
  if (buckets_.empty()) return none;
  Slot slot = buckets_[hash & (buckets_.size() - 1)];
  while (slot != none && (entries_[slot].hash != hash || !is_packed((*entries_[slot].packed).data(), labels))) {
    slot = entries_[slot].next;
  }
  return slot;
}

void SeriesTable::link(Slot slot) {
  Slot& first = bucket(entries_[slot].hash);
  entries_[slot].next = std::exchange(first, slot);
}

void SeriesTable::unlink(Slot slot) {
  Slot* place = &bucket(entries_[slot].hash);
  while (*place != slot) place = &entries_[*place].next;
  *place = entries_[slot].next;
}

/// Called with the newest entry not linked yet.
void SeriesTable::grow() {
  buckets_.assign(std::max<std::size_t>(16, 2 * buckets_.size()), none);
  for (Slot slot = 0; slot + 1 < entries_.size(); ++slot) link(slot);
}

bool SeriesTable::shares_common(const Labels& labels) const {
  if (common_.empty()) return false;
  std::size_t own = 0;
  for_each_own(labels, common_, [&own](const Label&) { ++own; });
  return labels.size() == own + common_.size();
}

std::string SeriesTable::pack(const Labels& labels) const {
  const bool shared = shares_common(labels);
  const auto left_out = shared ? std::span<const Label>(common_) : std::span<const Label>();
  std::size_t number = 0;
  std::size_t size = 0;
  for_each_own(labels, left_out, [&](const Label& label) {
    ++number;
    size += text_size(short_name(label)) + text_size(label.value);
  });
  number = number * 2 + (shared ? 1 : 0);
  std::string packed(number_size(number) + size, '\0');
  char* at = packed.data();
  put_number(at, number);
  for_each_own(labels, left_out, [&at](const Label& label) {
    put_text(at, short_name(label));
    put_text(at, label.value);
  });
  return packed;
}

bool SeriesTable::is_packed(const char* packed, const Labels& labels) const {
  const std::size_t number = get_number(packed);
  const bool shared = number % 2 == 1;
  std::size_t left = number / 2;
  if (labels.size() != left + (shared ? common_.size() : 0)) return false;
  auto next = common_.begin();
  for (const Label& label : labels) {
    if (shared && next != common_.end() && *next == label) {
      ++next;
      continue;
    }
    if (left-- == 0 || get_text(packed) != short_name(label) || get_text(packed) != label.value) return false;
  }
  return true;
}

Labels SeriesTable::labels(Slot slot) const {
  const char* at = (*entries_[slot].packed).data();
  const std::size_t number = get_number(at);
  std::vector<Label> labels;
  if (number % 2 == 1) labels = common_;
  for (std::size_t left = number / 2; left > 0; --left) {
    const std::string_view name = get_text(at);
    const std::string_view value = get_text(at);
    labels.push_back({std::string(name.empty() ? metric_name_label : name), std::string(value)});
  }
  return Labels(std::move(labels));
}

std::optional<Slot> SeriesTable::add(const Labels& labels, double value) {
  const auto slot = slot_for(labels);
  if (!slot) return std::nullopt;
  entries_[*slot].last_used = round_;
  batch_.rows.push_back({*slot, value});
  return slot;
}

bool SeriesTable::add(Slot slot, std::uint32_t serial, double value) {
  if (slot >= entries_.size() || this->serial(slot) != serial) return false;
  entries_[slot].last_used = round_;
  batch_.rows.push_back({slot, value});
  return true;
}

std::optional<Slot> SeriesTable::find(const Labels& labels) const {
  const Slot slot = find(labels, short_hash(labels));
  return slot == none ? std::nullopt : std::optional(slot);
}

Batch SeriesTable::take() {
  // What a target has changes seldom: room for growth is a waste where there are thousands of them.
  if (!batch_.fresh.empty() && entries_.capacity() > entries_.size() + entries_.size() / 8) entries_.shrink_to_fit();
  return std::exchange(batch_, Batch{});
}

void SeriesTable::reset() {
  for (Slot slot = 0; slot < entries_.size(); ++slot) first_serial_ = std::max(first_serial_, serial(slot) + 1);
  batch_ = Batch{};
  entries_.clear();
  common_.clear();
  buckets_.clear();
  free_.clear();
  scan_ = 0;
}

}  // namespace tocsin::core
