// A range of series with its postings, sorted and never changed. The index is a handful of these, each much smaller
// than the one before.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/block.hpp"
#include "src/postings.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/matcher.hpp"

namespace tocsin::store {

/// Where the samples of a series are. The part that holds it keeps the block alive.
struct Place {
  const Block* block = nullptr;
  HeadRef ref;
};

inline constexpr std::int64_t lowest_time = std::numeric_limits<std::int64_t>::min();

/// Earlier places of a series: other blocks that had the same labels before. Newest first; each holds what was before
/// the `from` of the one after it.
struct Chain {
  struct Link {
    std::shared_ptr<Block> block;
    HeadRef ref;
    std::int64_t from = 0;
  };
  std::int64_t from = 0;  // of the series itself
  std::vector<Link> older;
};

/// A series that is not in a part yet.
struct NewSeries {
  core::Labels labels;
  std::shared_ptr<Block> block;
  HeadRef ref;
  std::shared_ptr<const Chain> chain;  // usually none
};

class IndexPart {
 public:
  using Keep = std::function<bool(std::uint32_t)>;

  [[nodiscard]] static std::shared_ptr<const IndexPart> build(std::span<const NewSeries> series);
  /// The series of `a`, then those of `b`.
  [[nodiscard]] static std::shared_ptr<const IndexPart> merge(const IndexPart& a, const IndexPart& b);
  /// Those that are kept, in order. Chains lose the links that lead nowhere.
  [[nodiscard]] static std::shared_ptr<const IndexPart> filter(const IndexPart& part, const Keep& keep);

  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(places_.size()); }
  [[nodiscard]] Place place(std::uint32_t series) const {
    const Spot& spot = places_[series];
    return {spot.owner == no_owner ? nullptr : owners_[spot.owner].get(), spot.ref};
  }
  [[nodiscard]] std::shared_ptr<Block> owner(std::uint32_t series) const;
  [[nodiscard]] std::shared_ptr<const Chain> chain(std::uint32_t series) const;  // usually none
  [[nodiscard]] const Chain* find_chain(std::uint32_t series) const;
  [[nodiscard]] core::Labels labels(std::uint32_t series) const;
  /// Empty where there is no such label; valid as long as the part.
  [[nodiscard]] std::string_view label(std::uint32_t series, std::string_view name) const;
  [[nodiscard]] bool equals(std::uint32_t series, const core::Labels& labels) const;
  /// Appends what matches, each plus `first`, in order; `hidden(series)` is left out.
  void select(std::span<const core::Matcher> matchers, std::uint32_t first, const Keep& hidden,
              std::vector<std::uint32_t>& out) const;
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] std::uint64_t hash(std::uint32_t series) const;  // as of its Labels
  /// Those of places and of chains; one may come more than once.
  void each_block(const std::function<void(const std::shared_ptr<Block>&)>& call) const;

 private:
  struct Name {
    std::uint32_t text = 0;
    std::uint32_t size = 0;
    std::uint32_t first_pair = 0;
  };
  static constexpr std::uint32_t no_owner = 0xffffffff;  // of a block that did not come back from the disk
  /// A place in less: the block by its number among the owners.
  struct Spot {
    std::uint32_t owner = no_owner;
    HeadRef ref;
  };
  static_assert(sizeof(Spot) == 12);
  struct PairRange {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  class Filter;
  friend class PartBuilder;
  friend class PartCodec;
  void index_postings();
  [[nodiscard]] std::uint32_t owner_number(const Block* block) const;

  [[nodiscard]] std::string_view name_text(const Name& name) const {
    return std::string_view(text_).substr(name.text, name.size);
  }
  [[nodiscard]] std::string_view pair_name(std::uint32_t pair) const { return name_text(names_[pair_name_[pair]]); }
  [[nodiscard]] std::string_view pair_value(std::uint32_t pair) const {
    return std::string_view(text_).substr(value_begin_[pair], value_begin_[pair + 1] - value_begin_[pair]);
  }
  [[nodiscard]] std::uint32_t pairs() const { return static_cast<std::uint32_t>(pair_name_.size()); }
  [[nodiscard]] PairRange pairs_of(std::string_view name) const;
  [[nodiscard]] std::optional<std::uint32_t> find_pair(std::string_view name, std::string_view value) const;
  [[nodiscard]] Postings postings(std::uint32_t pair) const {
    return Postings(
        std::span(postings_).subspan(posting_begin_[pair], posting_begin_[pair + 1] - posting_begin_[pair]));
  }
  [[nodiscard]] std::span<const std::uint32_t> pairs_of_series(std::uint32_t series) const {
    return std::span(labels_).subspan(label_begin_[series], label_begin_[series + 1] - label_begin_[series]);
  }

  std::string text_;                          // the values in the order of the pairs, then the names
  std::vector<Name> names_;                   // sorted
  std::vector<std::uint32_t> value_begin_;    // one more than there are pairs
  std::vector<std::uint32_t> pair_name_;      // pairs are sorted by name and value
  std::vector<std::uint32_t> posting_begin_;  // one more than there are pairs
  std::vector<std::uint32_t> postings_;
  std::vector<std::uint32_t> label_begin_;  // one more than there are series
  std::vector<std::uint32_t> labels_;
  std::vector<Spot> places_;
  std::vector<std::shared_ptr<Block>> owners_;                                  // sorted by address
  std::vector<std::pair<std::uint32_t, std::shared_ptr<const Chain>>> chains_;  // sorted by series
  std::size_t links_ = 0;                                                       // in all chains
};

}  // namespace tocsin::store
