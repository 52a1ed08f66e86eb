// From a label set's hash to the series that has it: open addressing, eight bytes an entry. Who asks compares the
// labels.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace tocsin::store {

class LabelTable {
 public:
  /// The series under this hash for which `same(series)` is true.
  template <class Same>
  [[nodiscard]] std::optional<std::uint32_t> find(std::uint64_t hash, const Same& same) const {
    const auto slot = locate(tag(hash), same);
    if (!slot) return std::nullopt;
    return entries_[*slot].series;
  }
  /// Room for that many in all.
  void reserve(std::size_t series) {
    while (series * 4 > entries_.size() * 3) grow();
  }
  void insert(std::uint64_t hash, std::uint32_t series) {
    if ((size_ + 1) * 4 > entries_.size() * 3) grow();
    place({tag(hash), series});
    ++size_;
  }
  void erase(std::uint64_t hash, std::uint32_t series) {
    const auto slot = locate(tag(hash), [&](std::uint32_t one) { return one == series; });
    if (!slot) return;
    --size_;
    close_gap(*slot);
  }
  /// Gives every series the number that `renumber` says.
  template <class Renumber>
  void renumber(const Renumber& renumber) {
    for (auto& entry : entries_) {
      if (entry.series != none) entry.series = renumber(entry.series);
    }
  }
  [[nodiscard]] std::size_t bytes() const { return entries_.capacity() * sizeof(Entry); }

 private:
  static constexpr std::uint32_t none = 0xffffffff;
  struct Entry {
    std::uint32_t tag = 0;
    std::uint32_t series = none;
  };

  static std::uint32_t tag(std::uint64_t hash) {
    return static_cast<std::uint32_t>((hash ^ (hash >> 29)) * 0x9e3779b97f4a7c15ULL >> 32);
  }
  [[nodiscard]] std::size_t mask() const { return entries_.size() - 1; }

  template <class Same>
  [[nodiscard]] std::optional<std::size_t> locate(std::uint32_t tag, const Same& same) const {
    if (entries_.empty()) return std::nullopt;
    for (auto i = tag & mask(); entries_[i].series != none; i = (i + 1) & mask()) {
      if (entries_[i].tag == tag && same(entries_[i].series)) return i;
    }
    return std::nullopt;
  }
  void place(Entry entry) {
    auto i = entry.tag & mask();
    while (entries_[i].series != none) i = (i + 1) & mask();
    entries_[i] = entry;
  }
  void grow() {
    auto old = std::move(entries_);
    entries_.assign(old.empty() ? 64 : old.size() * 2, Entry{});
    for (const auto& entry : old) {
      if (entry.series != none) place(entry);
    }
  }
  // Moves back what linear probing had put after the gap.
  void close_gap(std::size_t gap) {
    for (auto i = (gap + 1) & mask(); entries_[i].series != none; i = (i + 1) & mask()) {
      const auto home = entries_[i].tag & mask();
      if (((i - home) & mask()) < ((i - gap) & mask())) continue;
      entries_[gap] = entries_[i];
      gap = i;
    }
    entries_[gap] = Entry{};
  }

  std::vector<Entry> entries_;
  std::size_t size_ = 0;
};

}  // namespace tocsin::store
