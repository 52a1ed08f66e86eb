#include "src/index_part.hpp"

#include <algorithm>
#include <tuple>

#include "src/part_builder.hpp"
#include "tocsin/core/label_hash.hpp"

namespace tocsin::store {
namespace {

using Ids = std::vector<std::uint32_t>;

}  // namespace

// Asks a matcher once for each value of its label.
class IndexPart::Filter {
 public:
  Filter(const IndexPart& part, const core::Matcher& matcher)
      : part_(&part), matcher_(&matcher), range_(part.pairs_of(matcher.name())), known_(range_.end - range_.begin) {}

  [[nodiscard]] bool operator()(std::uint32_t series) {
    for (const auto pair : part_->pairs_of_series(series)) {
      if (pair >= range_.begin && pair < range_.end) return pair_matches(pair);
    }
    if (!empty_) empty_ = matcher_->matches_empty();
    return *empty_;
  }
  [[nodiscard]] bool pair_matches(std::uint32_t pair) {
    auto& known = known_[pair - range_.begin];
    if (known == unknown) known = matcher_->matches(part_->pair_value(pair)) ? yes : no;
    return known == yes;
  }
  [[nodiscard]] PairRange range() const { return range_; }

 private:
  static constexpr std::uint8_t unknown = 0;
  static constexpr std::uint8_t yes = 1;
  static constexpr std::uint8_t no = 2;
  const IndexPart* part_;
  const core::Matcher* matcher_;
  PairRange range_;
  std::vector<std::uint8_t> known_;
  std::optional<bool> empty_;
};

std::shared_ptr<const IndexPart> IndexPart::build(std::span<const NewSeries> series) {
  using Pair = std::pair<std::string_view, std::string_view>;
  std::vector<Pair> pairs;
  std::size_t labels = 0;
  for (const auto& one : series) {
    labels += one.labels.size();
    for (const auto& label : one.labels) pairs.emplace_back(label.name, label.value);
  }
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());

  PartBuilder builder;
  builder.reserve(series.size(), labels);
  for (const auto& [name, value] : pairs) builder.add_pair(name, value);
  for (const auto& one : series) {
    for (const auto& label : one.labels) {
      const auto at = std::lower_bound(pairs.begin(), pairs.end(), Pair(label.name, label.value));
      builder.add_label(static_cast<std::uint32_t>(at - pairs.begin()));
    }
    builder.end_series({one.block.get(), one.ref}, one.chain);
    builder.add_owner(one.block);
  }
  return builder.finish();
}

std::shared_ptr<const IndexPart> IndexPart::merge(const IndexPart& a, const IndexPart& b) {
  PartBuilder builder;
  builder.reserve(a.size() + b.size(), a.labels_.size() + b.labels_.size());
  Ids map_a;
  Ids map_b;
  builder.merge_pairs(a, map_a, b, map_b);
  builder.copy_series(a, map_a, nullptr);
  builder.copy_series(b, map_b, nullptr);
  return builder.finish();
}

std::shared_ptr<const IndexPart> IndexPart::filter(const IndexPart& part, const Keep& keep) {
  PartBuilder builder;
  Ids map;
  builder.copy_pairs(part, PartBuilder::used_pairs(part, keep), map);
  builder.copy_series(part, map, &keep);
  return builder.finish();
}

std::shared_ptr<Block> IndexPart::owner(std::uint32_t series) const { return owners_[places_[series].owner]; }

std::uint32_t IndexPart::owner_number(const Block* block) const {
  const auto it = std::lower_bound(owners_.begin(), owners_.end(), block,
                                   [](const std::shared_ptr<Block>& owner, const Block* b) { return owner.get() < b; });
  return it != owners_.end() && it->get() == block ? static_cast<std::uint32_t>(it - owners_.begin()) : no_owner;
}

std::shared_ptr<const Chain> IndexPart::chain(std::uint32_t series) const {
  const auto it = std::lower_bound(chains_.begin(), chains_.end(), series,
                                   [](const auto& entry, std::uint32_t s) { return entry.first < s; });
  return it != chains_.end() && it->first == series ? it->second : nullptr;
}

const Chain* IndexPart::find_chain(std::uint32_t series) const {
  return chains_.empty() ? nullptr : chain(series).get();  // the part holds it
}

core::Labels IndexPart::labels(std::uint32_t series) const {
  std::vector<core::Label> labels;
  const auto pairs = pairs_of_series(series);
  labels.reserve(pairs.size());
  for (const auto pair : pairs) {
    labels.push_back({std::string(pair_name(pair)), std::string(pair_value(pair))});
  }
  return core::Labels(std::move(labels));
}

std::string_view IndexPart::label(std::uint32_t series, std::string_view name) const {
  for (const auto pair : pairs_of_series(series)) {
    if (pair_name(pair) == name) return pair_value(pair);
  }
  return {};
}

bool IndexPart::equals(std::uint32_t series, const core::Labels& labels) const {
  const auto pairs = pairs_of_series(series);
  return std::equal(pairs.begin(), pairs.end(), labels.begin(), labels.end(),
                    [&](std::uint32_t pair, const core::Label& label) {
                      return pair_value(pair) == label.value && pair_name(pair) == label.name;
                    });
}

IndexPart::PairRange IndexPart::pairs_of(std::string_view name) const {
  const auto it = std::lower_bound(names_.begin(), names_.end(), name,
                                   [&](const Name& one, std::string_view n) { return name_text(one) < n; });
  if (it == names_.end() || name_text(*it) != name) return {};
  return {it->first_pair, it + 1 == names_.end() ? pairs() : (it + 1)->first_pair};
}

std::optional<std::uint32_t> IndexPart::find_pair(std::string_view name, std::string_view value) const {
  auto [low, high] = pairs_of(name);
  const auto end = high;
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    if (pair_value(middle) < value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == end || pair_value(low) != value) return std::nullopt;
  return low;
}

void IndexPart::select(std::span<const core::Matcher> matchers, std::uint32_t first, const Keep& hidden,
                       std::vector<std::uint32_t>& out) const {
  std::vector<Postings> lists;
  std::vector<Filter> filters;
  std::optional<std::size_t> widest;  // a filter that a series without the label does not pass
  for (const auto& matcher : matchers) {
    if (matcher.kind() == core::Matcher::Kind::equal && !matcher.value().empty()) {
      const auto pair = find_pair(matcher.name(), matcher.value());
      if (!pair) return;
      lists.push_back(postings(*pair));
      continue;
    }
    if (!widest && !matcher.matches_empty()) widest = filters.size();
    filters.emplace_back(*this, matcher);
  }

  Ids found;
  if (!lists.empty()) {
    std::sort(lists.begin(), lists.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
    lists.front().append_to(found);
    for (std::size_t i = 1; i < lists.size() && !found.empty(); ++i) lists[i].intersect(found);
  } else if (widest) {
    auto& filter = filters[*widest];
    for (auto pair = filter.range().begin; pair < filter.range().end; ++pair) {
      if (filter.pair_matches(pair)) postings(pair).append_to(found);
    }
    std::sort(found.begin(), found.end());
    filters.erase(filters.begin() + static_cast<std::ptrdiff_t>(*widest));
  } else {
    found.resize(size());
    for (std::uint32_t series = 0; series < size(); ++series) found[series] = series;
  }

  for (const auto series : found) {
    if (hidden(series)) continue;
    if (std::all_of(filters.begin(), filters.end(), [&](Filter& filter) { return filter(series); })) {
      out.push_back(first + series);
    }
  }
}

void IndexPart::index_postings() {
  Ids begin(pairs() + 1);
  for (const auto pair : labels_) ++begin[pair + 1];
  for (std::size_t i = 1; i < begin.size(); ++i) begin[i] += begin[i - 1];
  Ids all(labels_.size());
  auto next = begin;
  for (std::uint32_t series = 0; series < size(); ++series) {
    for (const auto pair : pairs_of_series(series)) all[next[pair]++] = series;
  }
  posting_begin_.reserve(pairs() + 1);
  posting_begin_.push_back(0);
  for (std::uint32_t pair = 0; pair < pairs(); ++pair) {
    write_postings(std::span(all).subspan(begin[pair], begin[pair + 1] - begin[pair]), postings_);
    posting_begin_.push_back(static_cast<std::uint32_t>(postings_.size()));
  }
  postings_.shrink_to_fit();
}

std::uint64_t IndexPart::hash(std::uint32_t series) const {
  core::LabelHash hash;
  for (const auto pair : pairs_of_series(series)) hash.add(pair_name(pair), pair_value(pair));
  return hash.value();
}

void IndexPart::each_block(const std::function<void(const std::shared_ptr<Block>&)>& call) const {
  for (const auto& owner : owners_) call(owner);
  for (const auto& [series, chain] : chains_) {
    for (const auto& link : chain->older) call(link.block);
  }
}

std::size_t IndexPart::bytes() const {
  const auto words = value_begin_.capacity() + pair_name_.capacity() + posting_begin_.capacity() +
                     postings_.capacity() + label_begin_.capacity() + labels_.capacity();
  return sizeof *this + text_.capacity() + names_.capacity() * sizeof(Name) + words * sizeof(std::uint32_t) +
         places_.capacity() * sizeof(Spot) + owners_.capacity() * sizeof(owners_[0]) +
         chains_.capacity() * (sizeof(chains_[0]) + sizeof(Chain) + 16) + links_ * sizeof(Chain::Link);
}

}  // namespace tocsin::store
