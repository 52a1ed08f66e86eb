#include "tocsin/core/observation.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "tocsin/core/packed_text.hpp"

namespace tocsin::core {
namespace {

// Packed labels: how many there are besides the common ones, times two, plus one if those are there too; then names and
// values as packed texts. The name's label has an empty name.

std::string_view short_name(const Label& label) {
  return label.name == metric_name_label ? std::string_view() : std::string_view(label.name);
}

/// Calls `own` for each label that is not one of `common`; both are sorted by name.
template <class Own>
void for_each_own(const Labels& labels, std::span<const Label> common, const Own& own) {
  auto next = common.begin();
  for (const Label& label : labels) {
    while (next != common.end() && next->name < label.name) ++next;
    if (next == common.end() || *next != label) own(label);
  }
}

/// Of labels as they are packed, one after the other.
class PackedHash {
 public:
  explicit PackedHash(bool shared) : hash_(shared ? 1 : 0) {}
  void add(std::string_view name, std::string_view value) {
    mix(std::hash<std::string_view>()(name));
    mix(std::hash<std::string_view>()(value));
  }
  [[nodiscard]] std::uint32_t result() const { return static_cast<std::uint32_t>(hash_ ^ (hash_ >> 32U)); }

 private:
  void mix(std::uint64_t part) { hash_ = (hash_ ^ part) * 0x9e3779b97f4a7c15ULL; }
  std::uint64_t hash_;
};

std::uint32_t packed_hash(const char* packed) {
  const std::size_t number = get_packed_number(packed);
  PackedHash hash(number % 2 == 1);
  for (std::size_t left = number / 2; left > 0; --left) {
    const std::string_view name = get_packed_text(packed);
    hash.add(name, get_packed_text(packed));
  }
  return hash.result();
}

}  // namespace

void SeriesTable::begin() {
  ++round_;
  batch_.fresh.clear();
  batch_.rows.clear();
  batch_.rows.reserve(entries_.size());
  // A part of the slots each time, so that all are looked at once in `forget_after` batches.
  if (pinned_ == entries_.size()) return;
  for (std::size_t part = entries_.size() / std::max(forget_after_, 1U) + 1; part > 0; --part) {
    scan_ = (scan_ + 1) % entries_.size();
    Entry& entry = entries_[scan_];
    if (entry.listed != 0 || !forgotten(entry)) continue;
    entry.listed = 1;
    free_.push_back(static_cast<Slot>(scan_));
  }
}

std::optional<Slot> SeriesTable::slot_for(const Labels& labels) {
  if (const auto known = find(labels)) return known;
  while (!free_.empty()) {
    const Slot slot = free_.back();
    free_.pop_back();
    Entry& entry = entries_[slot];
    entry.listed = 0;
    if (!forgotten(entry)) continue;
    finder_->unlink(slot);
    ++entry.serial;
    introduce(slot, labels);
    return slot;
  }
  if (entries_.size() >= max_series_) {
    ++refused_;
    return std::nullopt;
  }
  const Slot slot = static_cast<Slot>(entries_.size());
  entries_.emplace_back().serial = first_serial_;
  introduce(slot, labels);
  return slot;
}

/// After a search: there is a finder.
void SeriesTable::introduce(Slot slot, const Labels& labels) {
  Entry& entry = entries_[slot];
  if (common_.empty()) {
    for_each_own(labels, {}, [this](const Label& label) {
      if (label.name != metric_name_label) common_.push_back(label);
    });
  }
  entry.packed = texts_->take(pack(labels));
  entry.last_used = round_;
  finder_->link(slot, packed_hash((*entry.packed).data()));
  batch_.fresh.push_back({slot, labels});
}

void SeriesTable::keep(Slot slot) {
  Entry& entry = entries_[slot];
  pinned_ += entry.pinned == 0 ? 1 : 0;
  entry.pinned = 1;
}

std::optional<Slot> SeriesTable::find(const Labels& labels) {
  Finder& known = finder();
  searched_ = round_;
  if (known.buckets.empty()) return std::nullopt;
  const std::uint32_t wanted = hash(labels);
  Slot slot = known.bucket(wanted);
  while (slot != none && (known.links[slot].hash != wanted || !is_packed((*entries_[slot].packed).data(), labels))) {
    slot = known.links[slot].next;
  }
  return slot == none ? std::nullopt : std::optional(slot);
}

SeriesTable::Finder& SeriesTable::finder() {
  if (!finder_) {
    finder_ = std::make_unique<Finder>();
    for (Slot slot = 0; slot < entries_.size(); ++slot) {
      finder_->link(slot, packed_hash((*entries_[slot].packed).data()));
    }
  }
  return *finder_;
}

void SeriesTable::Finder::link(Slot slot, std::uint32_t hash) {
  if (slot >= links.size()) links.resize(slot + 1);
  links[slot].hash = hash;
  if (links.size() > buckets.size()) return grow();
  links[slot].next = std::exchange(bucket(hash), slot);
}

void SeriesTable::Finder::unlink(Slot slot) {
  Slot* place = &bucket(links[slot].hash);
  while (*place != slot) place = &links[*place].next;
  *place = links[slot].next;
}

/// All are linked then, the newest too.
void SeriesTable::Finder::grow() {
  buckets.assign(std::max<std::size_t>(16, 2 * buckets.size()), none);
  for (Slot slot = 0; slot < links.size(); ++slot) links[slot].next = std::exchange(bucket(links[slot].hash), slot);
}

bool SeriesTable::shares_common(const Labels& labels) const {
  if (common_.empty()) return false;
  std::size_t own = 0;
  for_each_own(labels, common_, [&own](const Label&) { ++own; });
  return labels.size() == own + common_.size();
}

std::uint32_t SeriesTable::hash(const Labels& labels) const {
  const bool shared = shares_common(labels);
  PackedHash hash(shared);
  for_each_own(labels, shared ? std::span<const Label>(common_) : std::span<const Label>(),
               [&hash](const Label& label) { hash.add(short_name(label), label.value); });
  return hash.result();
}

std::string SeriesTable::pack(const Labels& labels) const {
  const bool shared = shares_common(labels);
  const auto left_out = shared ? std::span<const Label>(common_) : std::span<const Label>();
  std::size_t number = 0;
  std::size_t size = 0;
  for_each_own(labels, left_out, [&](const Label& label) {
    ++number;
    size += packed_size(short_name(label)) + packed_size(label.value);
  });
  number = number * 2 + (shared ? 1 : 0);
  std::string packed(packed_size(number) + size, '\0');
  char* at = packed.data();
  put_packed(at, number);
  for_each_own(labels, left_out, [&at](const Label& label) {
    put_packed(at, short_name(label));
    put_packed(at, label.value);
  });
  return packed;
}

bool SeriesTable::is_packed(const char* packed, const Labels& labels) const {
  const std::size_t number = get_packed_number(packed);
  const bool shared = number % 2 == 1;
  std::size_t left = number / 2;
  if (labels.size() != left + (shared ? common_.size() : 0)) return false;
  auto next = common_.begin();
  for (const Label& label : labels) {
    if (shared && next != common_.end() && *next == label) {
      ++next;
      continue;
    }
    if (left-- == 0 || get_packed_text(packed) != short_name(label) || get_packed_text(packed) != label.value)
      return false;
  }
  return true;
}

Labels SeriesTable::labels(Slot slot) const {
  const char* at = (*entries_[slot].packed).data();
  const std::size_t number = get_packed_number(at);
  std::vector<Label> labels;
  if (number % 2 == 1) labels = common_;
  for (std::size_t left = number / 2; left > 0; --left) {
    const std::string_view name = get_packed_text(at);
    const std::string_view value = get_packed_text(at);
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

Batch SeriesTable::take() {
  // What a target has changes seldom: room for growth is a waste where there are thousands of them.
  if (!batch_.fresh.empty() && entries_.capacity() > entries_.size() + entries_.size() / 8) entries_.shrink_to_fit();
  if (finder_ && round_ - searched_ >= forget_after_) finder_.reset();
  return std::exchange(batch_, Batch{});
}

void SeriesTable::reset() {
  for (Slot slot = 0; slot < entries_.size(); ++slot) first_serial_ = std::max(first_serial_, serial(slot) + 1);
  batch_ = Batch{};
  entries_.clear();
  common_.clear();
  finder_.reset();
  free_.clear();
  scan_ = 0;
  pinned_ = 0;
  ++generation_;
}

}  // namespace tocsin::core
