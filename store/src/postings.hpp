// The series that have a label's value, in order. Where these are a few runs (a target's series follow one another),
// the runs are written instead of the series.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tocsin::store {

/// Appends sorted series, all below 2^31. Runs are written as their first series, marked, and how many there are.
void write_postings(std::span<const std::uint32_t> series, std::vector<std::uint32_t>& words);

/// Reads what was written.
class Postings {
 public:
  explicit Postings(std::span<const std::uint32_t> words) : words_(words) {}

  [[nodiscard]] std::size_t size() const;
  void append_to(std::vector<std::uint32_t>& out) const;
  /// Keeps of `candidates`, which are sorted, what is here too.
  void intersect(std::vector<std::uint32_t>& candidates) const;

 private:
  [[nodiscard]] bool has_runs() const;
  void intersect_runs(std::vector<std::uint32_t>& candidates) const;
  void intersect_series(std::vector<std::uint32_t>& candidates) const;

  std::span<const std::uint32_t> words_;
};

}  // namespace tocsin::store
