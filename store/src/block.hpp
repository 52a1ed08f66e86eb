// The series that share timestamps: a head for each, the rows that are not sealed yet, and the sealed segments.
//
// One thread (the judge) writes, and reads without locking. Others read under the block's mutex, and only long enough
// to copy what they decode afterwards. Every write of what they read happens under that mutex.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "src/codec.hpp"
#include "src/segment.hpp"
#include "src/slabs.hpp"
#include "tocsin/core/fetch_ahead.hpp"
#include "tocsin/core/sample.hpp"

namespace tocsin::store {

/// Names a series of a block. A head is used again for another series once the samples of the one before are gone; the
/// serial tells.
struct HeadRef {
  std::uint32_t head = 0;
  std::uint32_t serial = 0;
};

/// Of a head: no series of the index is read through it alone.
inline constexpr std::uint32_t no_series = 0xffffffff;

/// A block as it was before a restart.
struct Revived {
  struct Head {
    std::uint64_t last = core::stale_bits;  // the newest sample
    std::uint32_t row = 0;                  // of it; 0: there is none
    std::uint32_t serial = 0;
    bool kept = false;
  };
  std::uint64_t uid = 0;
  std::uint32_t last_row = 0;
  std::vector<std::shared_ptr<const Segment>> segments;  // at least one
  std::vector<Head> heads;
};

/// What is written down of a block at one moment.
struct Picture {
  std::uint64_t uid = 0;
  std::uint32_t last_row = 0;
  std::uint32_t open_first = 0;
  std::vector<std::shared_ptr<const Segment>> sealed;
  std::vector<std::uint32_t> serials;  // of all heads
  std::vector<std::uint32_t> kept;     // heads
  // The open rows; may hold steps of rows that came later than `offsets` know of.
  std::int64_t base = 0;
  std::vector<std::uint32_t> offsets;
  std::vector<std::uint16_t> lengths;
  std::vector<std::uint8_t> payload;
};

class Block {
 public:
  /// `kept`: had a value in the last row before a restart (its row), and none since.
  enum class State : std::uint8_t { free, ended, kept, live };

  Block(std::uint32_t id, std::string name, std::uint64_t uid = 0) : id_(id), name_(std::move(name)), uid_(uid) {}
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() = default;

  // What the judge calls without the mutex.
  [[nodiscard]] std::uint32_t id() const { return id_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Names the block on disk, over restarts.
  [[nodiscard]] std::uint64_t uid() const { return uid_; }
  [[nodiscard]] bool blank() const { return heads_.empty() && row_ == 0; }
  /// For a blank block, of which no reader knows.
  void set_uid(std::uint64_t uid) { uid_ = uid; }
  void revive(Revived revived);
  /// The head has this series again.
  void keep(std::uint32_t head, std::uint32_t series);
  [[nodiscard]] bool accepts(std::int64_t at) const { return at > newest_; }
  [[nodiscard]] std::int64_t newest() const { return newest_; }
  [[nodiscard]] std::size_t live() const { return live_; }
  [[nodiscard]] std::size_t kept() const { return kept_; }
  [[nodiscard]] State state(std::uint32_t head) const { return heads_[head].state; }
  [[nodiscard]] std::uint32_t heads() const { return static_cast<std::uint32_t>(heads_.size()); }
  /// The series's number in the index as it is now; kept here for the judge.
  [[nodiscard]] std::uint32_t series(std::uint32_t head) const { return heads_[head].series; }
  void set_series(std::uint32_t head, std::uint32_t series) { heads_[head].series = series; }
  [[nodiscard]] bool holds(HeadRef ref) const;
  /// What it takes in memory.
  [[nodiscard]] std::size_t bytes() const;
  /// What its segments take on disk that are not in memory.
  [[nodiscard]] std::size_t bytes_away() const { return away_bytes_; }
  /// True if the open rows are many or old enough to be sealed before a row at `at`.
  [[nodiscard]] bool due(std::int64_t at, std::int64_t max_age) const;
  /// The last time in the oldest segment, if there is one.
  [[nodiscard]] std::optional<std::int64_t> oldest() const;
  [[nodiscard]] bool has_samples() const { return !sealed_.empty() || rows() > 0; }

  /// Asks for the memory that a row is written to. The block itself must be at hand.
  void fetch_ahead() const {
    core::fetch_ahead(heads_.data(), heads_.size() * sizeof(Head));
    core::fetch_ahead(offsets_.data() + offsets_.size(), sizeof offsets_[0]);
  }

  // Writing a row: the judge holds the mutex from begin_row to end_row.
  [[nodiscard]] std::mutex& mutex() const { return mutex_; }
  void begin_row(std::int64_t at);
  [[nodiscard]] HeadRef add_head();
  /// False if this head has had its value in this row.
  bool put(std::uint32_t index, double value) {
    auto& head = heads_[index];
    const bool goes_on = head.row + 1 == row_ && open_first_ != row_ && head.state == State::live;
    if (!goes_on || std::bit_cast<std::uint64_t>(value) != head.last) return put_change(head, value);
    ++head.run;
    head.row = row_;
    ++written_live_;
    return true;
  }
  /// Ends the live series that had no value in this row; returns how many.
  std::size_t end_row();

  // These lock by themselves.
  void end_kept();
  void seal();
  /// Takes this in place of the same segment: one is in memory, the other on disk alone. As long as series are kept,
  /// none goes from memory: their times are read from there.
  void exchange(std::shared_ptr<const Segment> segment);
  /// The clock was set back: forgets what is later than `time`, in whole segments, so that rows are taken again. All
  /// series are as if they had ended, without a marker, until their next sample.
  void turn_back(std::int64_t time);
  /// Drops the segments whose last time is not after `time`; returns how many.
  std::size_t drop(std::int64_t time);
  /// Frees the ended heads of which no sample is left, and appends them. Their series stay known until they are used
  /// again.
  void reclaim(std::vector<std::uint32_t>& gone);
  /// For a closed block without samples: gives back what it holds.
  void clear();

  // Reading; `shared` is true on every thread but the judge's.
  /// The newest sample in (after, at] where that needs no decoding, that is at the newest row or later; `known` tells
  /// whether this was so.
  [[nodiscard]] std::optional<core::Sample> newest(HeadRef ref, std::int64_t at, std::int64_t after, bool shared,
                                                   bool& known) const;
  /// The newest sample in (after, at]; decodes.
  [[nodiscard]] std::optional<core::Sample> earlier(HeadRef ref, std::int64_t at, std::int64_t after,
                                                    bool shared) const;
  void read(HeadRef ref, std::int64_t after, std::int64_t until, bool shared, std::vector<core::Sample>& out) const;
  /// Any thread.
  void picture(Picture& out) const;

 private:
  static constexpr std::uint32_t none = Slabs::none;
  struct Head {
    std::uint64_t last = core::stale_bits;
    std::uint32_t first_slab = none;  // these and the run are of the open rows, if `row` is one of them
    std::uint32_t tail_slab = none;
    std::uint32_t row = 0;  // the number of the row that it was written in last
    std::uint32_t serial = 0;
    std::uint32_t series = 0;
    std::uint8_t tail_used = 0;
    std::uint8_t run = 0;  // rows that repeat the last step's value and are not written yet
    State state = State::free;
  };
  static_assert(sizeof(Head) == 32);
  using StepBuffer = std::array<std::uint8_t, max_rows * max_step>;
  struct Pieces;

  [[nodiscard]] std::uint32_t rows() const { return static_cast<std::uint32_t>(offsets_.size()); }
  [[nodiscard]] bool in_open_rows(const Head& head) const {
    return static_cast<std::int32_t>(head.row - open_first_) >= 0;
  }
  bool put_change(Head& head, double value);
  [[nodiscard]] Times open_times() const;
  /// Of a row that is sealed.
  [[nodiscard]] std::int64_t time_of(std::uint32_t row) const;
  /// Copies the steps of the open rows; returns their size.
  std::size_t gather(const Head& head, std::uint8_t* out) const;
  void write(Head& head, std::uint64_t bits);
  void step(Head& head, std::uint64_t before, std::uint64_t bits);
  void write_byte(Head& head, std::uint8_t byte);
  void add_slab(Head& head);
  [[nodiscard]] std::shared_ptr<const Segment> make_segment() const;
  void append_steps(std::uint32_t head, std::vector<std::uint16_t>& lengths, std::vector<std::uint8_t>& payload) const;
  bool picture_at_once(Picture& out, std::uint32_t heads_at_once) const;
  [[nodiscard]] std::optional<core::Sample> newest_locked(HeadRef ref, std::int64_t at, std::int64_t after,
                                                          bool& known) const;
  void count(const Segment& segment);
  void discount(const Segment& segment);
  void collect(HeadRef ref, std::int64_t after, std::int64_t until, bool shared, Pieces& pieces) const;

  const std::uint32_t id_;
  const std::string name_;
  std::uint64_t uid_;
  mutable std::mutex mutex_;
  std::vector<Head> heads_;
  Slabs slabs_;
  std::vector<std::uint32_t> offsets_;  // the open rows' times after base_
  std::int64_t base_ = 0;
  std::int64_t newest_ = std::numeric_limits<std::int64_t>::min();
  std::uint32_t row_ = 0;         // the newest row's number
  std::uint32_t open_first_ = 1;  // the number of the first open row
  std::vector<std::shared_ptr<const Segment>> sealed_;
  // Only the judge's:
  std::vector<std::uint32_t> free_;
  std::size_t live_ = 0;
  std::size_t kept_ = 0;
  std::size_t written_live_ = 0;  // of this row
  std::size_t sealed_bytes_ = 0;
  std::size_t away_bytes_ = 0;
};

}  // namespace tocsin::store
