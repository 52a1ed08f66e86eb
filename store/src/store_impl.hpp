// What a store is made of.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <unordered_map>

#include "src/live_index.hpp"
#include "src/segment_file.hpp"

namespace tocsin::store {

constexpr std::size_t new_series_bytes = 200;  // about what one costs before it is accounted

/// A slot's labels as long as no series stands for them.
struct Waiting {
  core::Labels labels;
  std::uint64_t hash = 0;
  bool counted = false;  // as refused
};

using WaitingSlots = std::unordered_map<core::Slot, Waiting>;

/// What the judge knows of a block besides its samples.
struct Owned {
  std::shared_ptr<Block> block;
  std::vector<std::uint32_t> slots;  // the head of each slot
  WaitingSlots waiting;
  bool closed = false;
  std::size_t accounted_bytes = 0;
  std::size_t accounted_away = 0;
  std::size_t accounted_live = 0;
};

/// Where a sealed segment is on disk.
struct Stored {
  std::uint32_t first_row = 0;
  std::uint32_t rows = 0;
  std::uint32_t file = 0;
  std::uint32_t size = 0;
  std::uint64_t offset = 0;
};
using StoredBlocks = std::unordered_map<std::uint64_t, std::vector<Stored>>;  // by the block's uid, in order

/// A segment that is to stand in the place of the same one: one of them is in memory, the other on disk alone.
struct Move {
  std::shared_ptr<Block> block;
  std::shared_ptr<const Segment> segment;
};

/// For any thread to read.
struct Counters {
  std::atomic<std::size_t> live{0};
  std::atomic<std::size_t> blocks{0};
  std::atomic<std::size_t> bytes{0};
  std::atomic<std::size_t> bytes_away{0};
  std::atomic<std::uint64_t> appended{0};
  std::atomic<std::uint64_t> series_refused{0};
  std::atomic<std::uint64_t> samples_refused{0};
  std::atomic<std::uint64_t> segments_dropped{0};
  std::atomic<bool> limit_hit{false};
};

struct Store::Impl {
  explicit Impl(Limits given) : limits(given), at_hand(given.at_hand.count()), published(index.shared_view()) {}

  [[nodiscard]] BlockId open_block(std::string name);

  AppendResult append(Owned& owned, core::TimePoint at, const core::Batch& batch);
  void introduce(Owned& owned, const std::vector<core::NewSeries>& fresh);
  void write_rows(Owned& owned, core::TimePoint at, const std::vector<core::Row>& rows, AppendResult& result);
  std::uint32_t head_for(Owned& owned, core::Slot slot, core::TimePoint at, AppendResult& result);
  std::uint32_t refuse(Waiting& waiting, std::size_t& reason);
  void unlink(Owned& owned, const std::vector<std::uint32_t>& heads);
  void bound_waiting(Owned& owned);
  void account(Owned& owned);
  void drop(Owned& owned, std::int64_t time);
  /// Gives up the heads of which no sample is left.
  void reclaim(Owned& owned);
  void move_segments();
  void relieve_pressure();
  void count_bytes();
  [[nodiscard]] bool full() const { return index.size() >= limits.max_series || taken() >= limits.max_bytes; }
  /// In memory.
  [[nodiscard]] std::size_t bytes() const { return blocks_bytes + index.bytes() + index.waiting() * new_series_bytes; }
  /// In memory, or on disk alone.
  [[nodiscard]] std::size_t taken() const { return bytes() + away_bytes; }

  Limits limits;
  std::atomic<std::int64_t> at_hand;  // of the limits, for the writer
  LiveIndex index;
  std::unordered_map<BlockId, Owned> blocks;
  BlockId next_block = 0;
  std::uint64_t next_uid = 1;
  std::unordered_map<std::string, BlockId> left;  // blocks from before a restart that nobody opened yet
  std::size_t blocks_bytes = 0;
  std::size_t away_bytes = 0;  // of segments that are on disk alone
  std::size_t husks = 0;       // blocks that are gone since the index was compacted
  Counters counters;
  mutable std::mutex publish_mutex;
  std::shared_ptr<const View::Impl> published;
  StoredBlocks stored;      // what `restore` found, for the writer; under publish_mutex
  std::vector<Move> moves;  // what the writer found, for `maintain`; under publish_mutex
  const std::shared_ptr<LoadedSegments> loaded = std::make_shared<LoadedSegments>();
};

/// For those parts of the room that are no members.
struct SnapshotAccess {
  using StoreImpl = Store::Impl;
  [[nodiscard]] static Store::Impl& impl(const Store& store) { return *store.impl_; }
  [[nodiscard]] static const std::shared_ptr<const View::Impl>& impl(const View& view) { return view.impl_; }
};

}  // namespace tocsin::store
