#include "redis/samples.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace tocsin::probes::redis {
namespace {

constexpr char end_of_value = '\xff';  // no byte of UTF-8

bool same(std::string_view joined, std::initializer_list<std::string_view> values) {
  for (const auto value : values) {
    if (!joined.starts_with(value)) return false;
    joined.remove_prefix(value.size());
    if (joined.empty() || joined.front() != end_of_value) return false;
    joined.remove_prefix(1);
  }
  return joined.empty();
}

std::string join(std::initializer_list<std::string_view> values) {
  std::string joined;
  for (const auto value : values) {
    joined += label_text(value);
    joined += end_of_value;
  }
  return joined;
}

}  // namespace

void Samples::begin() {
  next_ = 0;
  moves_ = 0;
  changed_ = false;
  cut_ = false;
}

void Samples::add(const Shape& shape, std::initializer_list<std::string_view> values, double value) {
  if (next_ >= most_) {
    cut_ = true;
    return;
  }
  if (next_ == entries_.size()) entries_.emplace_back();
  const bool expected = entries_[next_].shape == &shape && same(*entries_[next_].values, values);
  Entry& entry = expected ? entries_[next_] : make_room(shape, values);
  ++next_;
  entry.value = value;
}

// A sample that is new moves those behind it, and one that went leaves them where they are: they are known again. A
// list that is altogether another one is not worth that.
Samples::Entry& Samples::make_room(const Shape& shape, std::initializer_list<std::string_view> values) {
  constexpr std::size_t most_moves = 32;
  constexpr std::size_t far = 16;
  changed_ = true;
  const auto here = entries_.begin() + static_cast<std::ptrdiff_t>(next_);
  if (here->shape != nullptr && ++moves_ <= most_moves) {
    const auto end = here + static_cast<std::ptrdiff_t>(std::min(far, entries_.size() - next_));
    const auto found = std::find_if(
        here, end, [&](const Entry& entry) { return entry.shape == &shape && same(*entry.values, values); });
    if (found != end) return *entries_.erase(here, found);
    entries_.emplace(here);
  }
  Entry entry;
  entry.shape = &shape;
  entry.values = texts_->take(join(values));
  entries_[next_] = std::move(entry);
  return entries_[next_];
}

void Samples::end() {
  const bool fewer = next_ < entries_.size();
  entries_.resize(next_);
  if (changed_) drop_repeated();
  if (fewer && entries_.capacity() > 4 * entries_.size()) entries_.shrink_to_fit();
}

void Samples::drop_repeated() {
  std::vector<std::size_t> order(entries_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto series = [this](std::size_t i) { return std::tie(entries_[i].shape, *entries_[i].values); };
  std::ranges::sort(order,
                    [&](std::size_t a, std::size_t b) { return std::tuple(series(a), a) < std::tuple(series(b), b); });
  std::vector<std::size_t> repeated;
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (series(order[i - 1]) == series(order[i])) repeated.push_back(order[i]);
  }
  for (const std::size_t i : repeated) entries_[i].shape = nullptr;
  if (!repeated.empty()) std::erase_if(entries_, [](const Entry& entry) { return entry.shape == nullptr; });
}

core::Labels Samples::labels(const Entry& entry) const {
  std::array<LabelPair, 4> pairs;
  std::size_t count = 0;
  std::string_view rest = *entry.values;
  for (; !rest.empty() && count < pairs.size(); ++count) {
    const auto end = rest.find(end_of_value);
    pairs[count] = {entry.shape->labels[count], rest.substr(0, end)};
    rest.remove_prefix(end + 1);
  }
  return series_labels(base_, entry.shape->metric, std::span(pairs).first(count));
}

void Samples::append(core::SeriesTable& table) {
  for (Entry& entry : entries_) entry.known.add(table, entry.value, [&] { return labels(entry); });
}

}  // namespace tocsin::probes::redis
