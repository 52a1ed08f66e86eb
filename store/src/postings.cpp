#include "src/postings.hpp"

#include <algorithm>
#include <numeric>

namespace tocsin::store {
namespace {

constexpr std::uint32_t run_mark = 0x80000000U;

/// How long the run at the front is.
std::size_t run_length(std::span<const std::uint32_t> series) {
  std::size_t length = 1;
  while (length < series.size() && series[length] == series[0] + length) ++length;
  return length;
}

std::size_t count_runs(std::span<const std::uint32_t> series) {
  std::size_t runs = 0;
  for (; !series.empty(); ++runs) series = series.subspan(run_length(series));
  return runs;
}

}  // namespace

void write_postings(std::span<const std::uint32_t> series, std::vector<std::uint32_t>& words) {
  // Runs are slower to read one by one: they have to save a good deal.
  if (4 * count_runs(series) > series.size()) {
    words.insert(words.end(), series.begin(), series.end());
    return;
  }
  while (!series.empty()) {
    const std::size_t length = run_length(series);
    words.push_back(series[0] | run_mark);
    words.push_back(static_cast<std::uint32_t>(length));
    series = series.subspan(length);
  }
}

bool Postings::has_runs() const { return !words_.empty() && (words_[0] & run_mark) != 0; }

std::size_t Postings::size() const {
  if (!has_runs()) return words_.size();
  std::size_t size = 0;
  for (std::size_t i = 1; i < words_.size(); i += 2) size += words_[i];
  return size;
}

void Postings::append_to(std::vector<std::uint32_t>& out) const {
  if (!has_runs()) {
    out.insert(out.end(), words_.begin(), words_.end());
    return;
  }
  for (std::size_t i = 0; i < words_.size(); i += 2) {
    const std::size_t before = out.size();
    out.resize(before + words_[i + 1]);
    std::iota(out.begin() + static_cast<std::ptrdiff_t>(before), out.end(), words_[i] & ~run_mark);
  }
}

void Postings::intersect(std::vector<std::uint32_t>& candidates) const {
  if (has_runs()) {
    intersect_runs(candidates);
  } else {
    intersect_series(candidates);
  }
}

void Postings::intersect_runs(std::vector<std::uint32_t>& candidates) const {
  std::size_t run = 0;
  std::erase_if(candidates, [&](std::uint32_t series) {
    const auto behind = [&] { return (words_[run] & ~run_mark) + words_[run + 1]; };
    while (run < words_.size() && behind() <= series) run += 2;
    return run == words_.size() || series < (words_[run] & ~run_mark);
  });
}

void Postings::intersect_series(std::vector<std::uint32_t>& candidates) const {
  auto from = words_.begin();
  std::erase_if(candidates, [&](std::uint32_t series) {
    // The postings may be far longer than the candidates: gallop.
    std::ptrdiff_t stride = 1;
    while (words_.end() - from > stride && from[stride] < series) {
      from += stride;
      stride *= 2;
    }
    from = std::lower_bound(from, from + std::min(stride + 1, words_.end() - from), series);
    return from == words_.end() || *from != series;
  });
}

}  // namespace tocsin::store
