// Puts the columns of an index part together: pairs in order first, then series after series, then the postings.
#pragma once

#include "src/index_part.hpp"

namespace tocsin::store {

class PartBuilder {
 public:
  PartBuilder() : part_(std::make_shared<IndexPart>()) {}
  void reserve(std::size_t series, std::size_t labels);
  /// Pairs come sorted by name and value, each once; returns the pair's number.
  std::uint32_t add_pair(std::string_view name, std::string_view value);
  /// A series's pairs come sorted, by `add_label`; `end_series` closes it.
  void add_label(std::uint32_t pair) { part_->labels_.push_back(pair); }
  void end_series(const Place& place, std::shared_ptr<const Chain> chain);
  void add_owner(std::shared_ptr<Block> block) { part_->owners_.push_back(std::move(block)); }
  [[nodiscard]] std::shared_ptr<const IndexPart> finish();

  /// Takes over the series of one part whose pairs were added as `pair_map` says.
  void copy_series(const IndexPart& from, std::span<const std::uint32_t> pair_map, const IndexPart::Keep* keep);
  /// Adds the pairs of both in order (of those that `used` says, if given) and fills the maps.
  void merge_pairs(const IndexPart& a, std::vector<std::uint32_t>& map_a, const IndexPart& b,
                   std::vector<std::uint32_t>& map_b);
  static std::vector<bool> used_pairs(const IndexPart& part, const IndexPart::Keep& keep);
  void copy_pairs(const IndexPart& part, const std::vector<bool>& used, std::vector<std::uint32_t>& map);

 private:
  void finish_names();
  void finish_postings();
  void finish_owners();

  std::shared_ptr<IndexPart> part_;
  std::vector<Place> places_;
  std::vector<std::string> names_;
};

}  // namespace tocsin::store
