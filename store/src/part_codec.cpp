#include "src/part_codec.hpp"

#include <algorithm>
#include <limits>

#include "src/bytes.hpp"
#include "src/part_builder.hpp"

namespace tocsin::store {
namespace {

/// Tells whether hashes on disk are those that this program makes.
std::uint64_t hash_of_known_labels() { return core::Labels{{"__name__", "up"}, {"job", "cache"}}.hash(); }

/// Far enough from the ends of the range to be reckoned with.
bool is_time(std::int64_t time) { return time > -max_time && time < max_time; }

template <class T>
bool ascends(const std::vector<T>& values) {
  return std::is_sorted(values.begin(), values.end());
}

}  // namespace

struct PartCodec::Header {
  std::uint64_t known_hash = 0;
  std::uint64_t text = 0;
  std::uint32_t names = 0;
  std::uint32_t pairs = 0;
  std::uint32_t series = 0;
  std::uint32_t labels = 0;
  std::uint32_t blocks = 0;
  std::uint32_t chains = 0;
  std::uint32_t links = 0;
  std::uint32_t unused = 0;
};
struct PartCodec::DiskPlace {
  std::uint32_t block = 0;
  std::uint32_t head = 0;
  std::uint32_t serial = 0;
};
struct PartCodec::DiskChain {
  std::int64_t from = 0;
  std::uint32_t series = 0;
  std::uint32_t links = 0;
};
struct PartCodec::DiskLink {
  std::int64_t from = 0;
  DiskPlace place;
  std::uint32_t unused = 0;
};

bool PartCodec::write(const IndexPart& part, FrameFile& file) {
  std::vector<const Block*> blocks;
  part.each_block([&](const std::shared_ptr<Block>& block) { blocks.push_back(block.get()); });
  std::sort(blocks.begin(), blocks.end());
  blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
  const auto disk_place = [&](const Block* block, HeadRef ref) {
    const auto at = std::lower_bound(blocks.begin(), blocks.end(), block) - blocks.begin();
    return DiskPlace{static_cast<std::uint32_t>(at), ref.head, ref.serial};
  };

  Header header;
  header.known_hash = hash_of_known_labels();
  header.text = part.text_.size();
  header.names = static_cast<std::uint32_t>(part.names_.size());
  header.pairs = part.pairs();
  header.series = part.size();
  header.labels = static_cast<std::uint32_t>(part.labels_.size());
  header.blocks = static_cast<std::uint32_t>(blocks.size());
  header.chains = static_cast<std::uint32_t>(part.chains_.size());
  header.links = static_cast<std::uint32_t>(part.links_);
  const std::size_t size = sizeof header + header.blocks * 8ULL + header.series * (8ULL + 4 + sizeof(DiskPlace)) + 4 +
                           header.labels * 4ULL + header.names * sizeof(IndexPart::Name) + header.pairs * 8ULL + 4 +
                           header.chains * sizeof(DiskChain) + header.links * sizeof(DiskLink) + header.text;
  if (size > std::numeric_limits<std::uint32_t>::max()) return false;

  file.begin(FrameKind::part, static_cast<std::uint32_t>(size));
  const auto add = [&](const auto& value) { file.add(bytes_of(&value, 1)); };
  const auto add_all = [&](const auto& values) { file.add(bytes_of(values.data(), values.size())); };
  add(header);
  for (const auto* block : blocks) add(block->uid());
  for (std::uint32_t series = 0; series < part.size(); ++series) add(part.hash(series));
  for (std::uint32_t series = 0; series < part.size(); ++series) {
    const Place place = part.place(series);
    add(disk_place(place.block, place.ref));
  }
  add_all(part.label_begin_);
  add_all(part.labels_);
  add_all(part.names_);
  add_all(part.pair_name_);
  add_all(part.value_begin_);
  for (const auto& [series, chain] : part.chains_) {
    add(DiskChain{chain->from, series, static_cast<std::uint32_t>(chain->older.size())});
  }
  for (const auto& [series, chain] : part.chains_) {
    for (const auto& link : chain->older) add(DiskLink{link.from, disk_place(link.block.get(), link.ref), 0});
  }
  file.add(bytes_of(part.text_));
  file.end();
  return true;
}

class PartCodec::Reader {
 public:
  Reader(std::span<const std::uint8_t> bytes, const Blocks& known) : taker_(bytes) {
    header_ = taker_.one<Header>();
    const auto uids = taker_.many<std::uint64_t>(header_.blocks);
    for (const auto uid : uids) {
      const auto it = known.find(uid);
      blocks_.push_back(it == known.end() ? nullptr : it->second);
    }
  }
  [[nodiscard]] bool read(IndexPart& part, std::vector<std::uint64_t>& hashes) {
    hashes = taker_.many<std::uint64_t>(header_.series);
    const auto places = taker_.many<DiskPlace>(header_.series);
    part.label_begin_ = taker_.many<std::uint32_t>(header_.series + std::uint64_t{1});
    part.labels_ = taker_.many<std::uint32_t>(header_.labels);
    part.names_ = taker_.many<IndexPart::Name>(header_.names);
    part.pair_name_ = taker_.many<std::uint32_t>(header_.pairs);
    part.value_begin_ = taker_.many<std::uint32_t>(header_.pairs + std::uint64_t{1});
    const auto chains = taker_.many<DiskChain>(header_.chains);
    const auto links = taker_.many<DiskLink>(header_.links);
    part.text_ = taker_.text(header_.text);
    if (!taker_.done() || part.label_begin_.empty() || part.value_begin_.empty()) return false;
    take_owners(part);
    part.places_.reserve(places.size());
    for (const auto& place : places) {
      if (place.block >= blocks_.size()) return false;
      part.places_.push_back({part.owner_number(blocks_[place.block].get()), {place.head, place.serial}});
    }
    if (!texts_fit(part, header_.pairs) || !series_fit(part, header_.series)) return false;
    if (!take_chains(part, chains, links)) return false;
    part.index_postings();
    if (header_.known_hash != hash_of_known_labels()) {
      for (std::uint32_t series = 0; series < part.size(); ++series) hashes[series] = part.hash(series);
    }
    return true;
  }

 private:
  void take_owners(IndexPart& part) const {
    part.owners_ = blocks_;
    std::erase(part.owners_, nullptr);
    std::sort(part.owners_.begin(), part.owners_.end());
    part.owners_.erase(std::unique(part.owners_.begin(), part.owners_.end()), part.owners_.end());
  }

  // Links to blocks that are not there lead nowhere; the rest goes on without them.
  bool take_chains(IndexPart& part, const std::vector<DiskChain>& chains, const std::vector<DiskLink>& links) {
    auto link = links.begin();
    std::uint64_t next_series = 0;
    for (const auto& chain : chains) {
      if (chain.series < next_series || chain.series >= part.size() || !is_time(chain.from)) return false;
      if (static_cast<std::size_t>(links.end() - link) < chain.links) return false;
      next_series = std::uint64_t{chain.series} + 1;
      auto taken = std::make_shared<Chain>();
      taken->from = chain.from;
      for (std::uint32_t i = 0; i < chain.links; ++i, ++link) {
        if (link->place.block >= blocks_.size()) return false;
        if (link->from != lowest_time && !is_time(link->from)) return false;
        const auto& block = blocks_[link->place.block];
        const HeadRef ref{link->place.head, link->place.serial};
        if (block != nullptr && block->holds(ref)) taken->older.push_back({block, ref, link->from});
      }
      if (taken->older.empty()) continue;
      part.links_ += taken->older.size();
      part.chains_.emplace_back(chain.series, std::move(taken));
    }
    return link == links.end();
  }

  Taker taker_;
  Header header_;
  std::vector<std::shared_ptr<Block>> blocks_;
};

std::optional<LoadedPart> PartCodec::read(std::span<const std::uint8_t> bytes, const Blocks& blocks) {
  LoadedPart loaded;
  const auto part = std::make_shared<IndexPart>();
  if (!Reader(bytes, blocks).read(*part, loaded.hashes)) return std::nullopt;
  loaded.part = part;
  return loaded;
}

// Names are sorted, each begins where its pairs do; values are sorted in each name.
bool PartCodec::texts_fit(const IndexPart& part, std::size_t pairs) {
  if (!ascends(part.value_begin_) || part.value_begin_.back() > part.text_.size()) return false;
  std::uint32_t pair = 0;
  for (std::uint32_t i = 0; i < part.names_.size(); ++i) {
    const auto& name = part.names_[i];
    if (name.text > part.text_.size() || name.size > part.text_.size() - name.text) return false;
    if (i > 0 && part.name_text(part.names_[i - 1]) >= part.name_text(name)) return false;
    if (name.first_pair != pair || pair >= pairs) return false;
    for (; pair < pairs && part.pair_name_[pair] == i; ++pair) {
      if (pair > name.first_pair && part.pair_value(pair - 1) >= part.pair_value(pair)) return false;
    }
    if (pair == name.first_pair) return false;
  }
  return pair == pairs;
}

// Each series's labels are sorted, no name comes twice.
bool PartCodec::series_fit(const IndexPart& part, std::size_t series) {
  const auto& begin = part.label_begin_;
  if (begin.front() != 0 || begin.back() != part.labels_.size() || !ascends(begin)) return false;
  if (begin.size() != series + 1) return false;
  const auto pairs = part.pairs();
  for (const auto pair : part.labels_) {
    if (pair >= pairs) return false;
  }
  for (std::uint32_t one = 0; one < series; ++one) {
    for (auto i = begin[one] + 1; i < begin[one + 1]; ++i) {
      if (part.pair_name_[part.labels_[i - 1]] >= part.pair_name_[part.labels_[i]]) return false;
    }
  }
  return true;
}

}  // namespace tocsin::store
