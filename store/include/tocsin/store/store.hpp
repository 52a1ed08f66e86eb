// The samples: in memory, and the older ones on disk alone where a snapshot has them. Written by one thread (the
// judge); read by that thread and, through views, by any other.
//
// A block is the series that share timestamps: one target, or one rule group. One timestamp column a block; a head for
// each series. Blocks are sealed into immutable segments every four minutes or 64 rows; retention drops whole segments.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/labels.hpp"
#include "tocsin/core/matcher.hpp"
#include "tocsin/core/observation.hpp"
#include "tocsin/core/sample.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::store {

using BlockId = std::uint32_t;
using SeriesId = std::uint32_t;  // an index into a view; never used again for another series while a view knows it

struct Limits {
  core::Duration retention{std::chrono::minutes{30}};
  std::size_t max_series = 1'000'000;
  std::size_t max_bytes = 512 * 1024 * 1024;
  /// Samples stay in memory that long after they were sealed, though they are on disk: the rules look back on them.
  core::Duration at_hand{std::chrono::minutes{30}};
};

struct AppendResult {
  std::size_t appended = 0;
  std::size_t refused_series = 0;     // rows of series over max_series or max_bytes
  std::size_t refused_duplicate = 0;  // rows of series that are live in another block, or came twice in this one
  bool too_old = false;               // not later than the block's newest row: nothing was appended
};

/// Counters for /metrics. `max_series` bounds what can be selected; past `max_bytes` no series is added, and an eighth
/// past it `maintain` gives up the oldest segments.
struct Stats {
  std::size_t series = 0;  // live
  std::size_t blocks = 0;
  std::size_t bytes = 0;       // of memory: samples, heads, labels and index, as accounted
  std::size_t bytes_away = 0;  // samples that are on disk alone; `max_bytes` bounds both together
  std::uint64_t samples_appended = 0;
  std::uint64_t series_refused = 0;
  std::uint64_t samples_refused = 0;
  std::uint64_t segments_dropped = 0;
  std::uint64_t read_failures = 0;  // times that samples on disk could not be read: a query went without them
  bool limit_hit = false;           // a series was refused for a bound, and the last `maintain` found no room
};

/// What an evaluation reads: an index as it was at one moment, and the samples that were there when they are read.
/// Copies are cheap. Any thread; different threads use different copies. A view keeps what its ids mean, whatever
/// happens to the store afterwards; of a series whose samples are gone it reads nothing.
class View {
 public:
  struct Impl;
  friend struct SnapshotAccess;
  explicit View(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

  /// Changes when series appear or go: what `select` returned may be kept until then.
  [[nodiscard]] std::uint64_t generation() const;
  /// Changes when ids come to mean other series. Until then a new series gets an id above all others.
  [[nodiscard]] std::uint64_t numbering() const;
  /// All ids are below.
  [[nodiscard]] SeriesId end() const;
  /// Whether `select` may return it: a series that went leaves a gap.
  [[nodiscard]] bool has(SeriesId series) const;
  /// All series that match, ended ones included as long as samples of them are kept; each label set once, whichever
  /// blocks it was in. Sorted by id.
  [[nodiscard]] std::vector<SeriesId> select(std::span<const core::Matcher> matchers) const;
  /// Made anew at each call (labels are kept interned): keep it, don't ask again and again.
  [[nodiscard]] core::Labels labels(SeriesId series) const;
  /// One label's value, or empty; the text lives as long as the view.
  [[nodiscard]] std::string_view label(SeriesId series, std::string_view name) const;
  /// The newest sample in (at - lookback, at]; nothing if there is none or it is a staleness marker.
  [[nodiscard]] std::optional<core::Sample> latest(SeriesId series, core::TimePoint at, core::Duration lookback) const;
  /// Appends the samples in (after, until] to `out`, oldest first, staleness markers left out.
  void read(SeriesId series, core::TimePoint after, core::TimePoint until, std::vector<core::Sample>& out) const;

 private:
  std::shared_ptr<const Impl> impl_;
};

class Store {
 public:
  friend struct SnapshotAccess;
  explicit Store(Limits limits);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Judge thread.
  [[nodiscard]] BlockId open_block(std::string name);
  /// Ends every series of the block at `at` (staleness markers); the samples stay until retention takes them.
  void close_block(BlockId block, core::TimePoint at);
  /// One row of samples; times of a block only go forward. Series of the block that had a value in its last row and are
  /// not in this one get a staleness marker at `at`. A slot whose series was refused is tried again with each row: it
  /// gets in once the other series has ended, or the bound has room.
  AppendResult append(BlockId block, core::TimePoint at, const core::Batch& batch);
  /// These blocks, 16 at most, are appended to next: asks for their memory together. That changes nothing but the time
  /// it takes.
  void fetch_ahead(std::span<const BlockId> blocks) const;
  /// Seals what is due, lets go of segments that a snapshot has and nobody looks back on, and drops those that are
  /// older than retention; call it every second.
  void maintain(core::TimePoint now);
  /// The clock was set back to `now`: forgets what is later (and up to four minutes before it), so that rows are taken
  /// again. Series read as nothing until their next sample.
  void turn_back(core::TimePoint now);
  void set_limits(Limits limits);
  /// The index as of now: for the judge alone (it reads without locking). Its series are those of this moment, its
  /// samples those of the moment of reading; asking anew is cheap.
  [[nodiscard]] View live() const;
  /// Any thread: the index as last published (at most a second old when `publish` is called that often).
  [[nodiscard]] View snapshot() const;
  /// Judge thread: makes the present index what `snapshot` returns. Costs next to nothing when no series came or went.
  void publish();
  /// Any thread.
  [[nodiscard]] Stats stats() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tocsin::store
