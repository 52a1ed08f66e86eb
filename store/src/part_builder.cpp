#include "src/part_builder.hpp"

#include <algorithm>
#include <iterator>

namespace tocsin::store {
namespace {

/// Without links whose samples are gone; nothing if none is left.
std::shared_ptr<const Chain> pruned(const std::shared_ptr<const Chain>& chain) {
  const auto leads_somewhere = [](const Chain::Link& link) { return link.block->holds(link.ref); };
  if (std::all_of(chain->older.begin(), chain->older.end(), leads_somewhere)) return chain;
  auto kept = std::make_shared<Chain>();
  kept->from = chain->from;
  std::copy_if(chain->older.begin(), chain->older.end(), std::back_inserter(kept->older), leads_somewhere);
  if (kept->older.empty()) return nullptr;
  return kept;
}

}  // namespace

void PartBuilder::reserve(std::size_t series, std::size_t labels) {
  places_.reserve(series);
  part_->label_begin_.reserve(series + 1);
  part_->labels_.reserve(labels);
}

std::uint32_t PartBuilder::add_pair(std::string_view name, std::string_view value) {
  const auto pair = part_->pairs();
  if (names_.empty() || names_.back() != name) {
    names_.emplace_back(name);
    part_->names_.push_back({0, static_cast<std::uint32_t>(name.size()), pair});
  }
  part_->pair_name_.push_back(static_cast<std::uint32_t>(names_.size() - 1));
  part_->value_begin_.push_back(static_cast<std::uint32_t>(part_->text_.size()));
  part_->text_.append(value);
  return pair;
}

void PartBuilder::end_series(const Place& place, std::shared_ptr<const Chain> chain) {
  if (chain) {
    part_->links_ += chain->older.size();
    part_->chains_.emplace_back(static_cast<std::uint32_t>(places_.size()), std::move(chain));
  }
  places_.push_back(place);
  part_->label_begin_.push_back(static_cast<std::uint32_t>(part_->labels_.size()));
}

void PartBuilder::copy_series(const IndexPart& from, std::span<const std::uint32_t> pair_map,
                              const IndexPart::Keep* keep) {
  auto next_chain = from.chains_.begin();
  for (std::uint32_t series = 0; series < from.size(); ++series) {
    std::shared_ptr<const Chain> chain;
    if (next_chain != from.chains_.end() && next_chain->first == series) chain = (next_chain++)->second;
    if (keep != nullptr && !(*keep)(series)) continue;
    for (const auto pair : from.pairs_of_series(series)) add_label(pair_map[pair]);
    end_series(from.place(series), chain && keep != nullptr ? pruned(chain) : std::move(chain));
  }
  part_->owners_.insert(part_->owners_.end(), from.owners_.begin(), from.owners_.end());
}

void PartBuilder::merge_pairs(const IndexPart& a, std::vector<std::uint32_t>& map_a, const IndexPart& b,
                              std::vector<std::uint32_t>& map_b) {
  map_a.resize(a.pairs());
  map_b.resize(b.pairs());
  std::uint32_t i = 0;
  std::uint32_t j = 0;
  while (i < a.pairs() || j < b.pairs()) {
    int order = i == a.pairs() ? 1 : (j == b.pairs() ? -1 : 0);
    if (order == 0) order = a.pair_name(i).compare(b.pair_name(j));
    if (order == 0) order = a.pair_value(i).compare(b.pair_value(j));
    const auto pair =
        order <= 0 ? add_pair(a.pair_name(i), a.pair_value(i)) : add_pair(b.pair_name(j), b.pair_value(j));
    if (order <= 0) map_a[i++] = pair;
    if (order >= 0) map_b[j++] = pair;
  }
}

std::vector<bool> PartBuilder::used_pairs(const IndexPart& part, const IndexPart::Keep& keep) {
  std::vector<bool> used(part.pairs());
  for (std::uint32_t series = 0; series < part.size(); ++series) {
    if (!keep(series)) continue;
    for (const auto pair : part.pairs_of_series(series)) used[pair] = true;
  }
  return used;
}

void PartBuilder::copy_pairs(const IndexPart& part, const std::vector<bool>& used, std::vector<std::uint32_t>& map) {
  map.resize(part.pairs());
  for (std::uint32_t pair = 0; pair < part.pairs(); ++pair) {
    if (used[pair]) map[pair] = add_pair(part.pair_name(pair), part.pair_value(pair));
  }
}

std::shared_ptr<const IndexPart> PartBuilder::finish() {
  finish_names();
  finish_owners();
  finish_postings();
  part_->pair_name_.shrink_to_fit();
  part_->value_begin_.shrink_to_fit();
  part_->text_.shrink_to_fit();
  part_->names_.shrink_to_fit();
  part_->label_begin_.shrink_to_fit();
  part_->labels_.shrink_to_fit();
  part_->chains_.shrink_to_fit();
  return part_;
}

void PartBuilder::finish_names() {
  part_->value_begin_.push_back(static_cast<std::uint32_t>(part_->text_.size()));
  for (std::size_t i = 0; i < names_.size(); ++i) {
    part_->names_[i].text = static_cast<std::uint32_t>(part_->text_.size());
    part_->text_.append(names_[i]);
  }
}

void PartBuilder::finish_postings() {
  // label_begin_ has the ends so far.
  part_->label_begin_.insert(part_->label_begin_.begin(), 0);
  part_->index_postings();
}

void PartBuilder::finish_owners() {
  auto& owners = part_->owners_;
  std::sort(owners.begin(), owners.end());
  owners.erase(std::unique(owners.begin(), owners.end()), owners.end());
  std::vector<const Block*> used;
  used.reserve(places_.size());
  for (const auto& place : places_) {
    if (used.empty() || used.back() != place.block) used.push_back(place.block);
  }
  std::sort(used.begin(), used.end());
  std::erase_if(owners, [&](const auto& owner) { return !std::binary_search(used.begin(), used.end(), owner.get()); });
  owners.shrink_to_fit();
  part_->places_.reserve(places_.size());
  const Block* block = nullptr;
  std::uint32_t owner = IndexPart::no_owner;
  for (const auto& place : places_) {
    if (place.block != block) owner = part_->owner_number(block = place.block);
    part_->places_.push_back({owner, place.ref});
  }
}

}  // namespace tocsin::store
