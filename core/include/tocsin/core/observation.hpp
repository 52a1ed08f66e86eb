// What a probe brings home, and how samples travel: rows of (slot, value) under one timestamp. A slot is a small number
// that names one series of one block (a target, or a rule group); its labels are sent once, with the first row that
// uses it.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/labels.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/core/text_pool.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::core {

using Slot = std::uint32_t;

struct Row {
  Slot slot = 0;
  double value = 0;
};

/// Introduces a slot. A slot that was introduced before gets a new meaning: its old series ends.
struct NewSeries {
  Slot slot = 0;
  Labels labels;  // complete: __name__, job, instance and all
};

/// All samples of one block at one time. A series of the block that has no row here has ended (a staleness marker is
/// due).
struct Batch {
  std::vector<NewSeries> fresh;
  std::vector<Row> rows;
};

enum class MetricType { unknown, gauge, counter, histogram, summary };
[[nodiscard]] std::string_view to_string(MetricType type);

/// What a metric is, for TYPE and HELP lines and the metadata API. Points at static text.
struct MetricMeta {
  std::string_view name;
  MetricType type = MetricType::unknown;
  std::string_view help;
};

/// The same of a metric that no table of ours knows: a target told us.
struct Described {
  std::string name;
  MetricType type = MetricType::unknown;
  std::string help;
  bool operator==(const Described&) const = default;
};

/// A slot that was given for good.
struct Pin {
  Slot slot = 0;
  std::uint32_t generation = 0;  // of the table; 0: none was given
};

/// The slots of one block, on the side of whoever fills it. Not for use from two threads. Labels are kept packed: there
/// are hundreds of thousands of them, and they are compared far more often than read.
/// Labels that are new get a slot (and are put into the batch's `fresh`); slots that were not used for `forget_after`
/// batches are used again for other labels, so churn does not grow the table. At most `max_series` slots; what does not
/// fit is counted. Tables of targets of one kind have most of their texts in common: give them one pool.
class SeriesTable {
 public:
  static constexpr std::uint32_t usual_forget_after = 16;
  explicit SeriesTable(std::size_t max_series = 100'000, std::uint32_t forget_after = usual_forget_after,
                       std::shared_ptr<TextPool> texts = nullptr)
      : max_series_(max_series), forget_after_(forget_after), texts_(std::move(texts)) {
    if (!texts_) texts_ = std::make_shared<TextPool>();
  }
  SeriesTable(SeriesTable&&) = default;
  SeriesTable& operator=(SeriesTable&&) = default;  // the texts go before their pool: see the order of the members
  ~SeriesTable() { entries_.clear(); }

  /// Starts a batch. The rows of the one before must have been handed over.
  void begin();
  /// Adds one sample to the batch; `labels` may be anything that makes a Labels on demand.
  /// Returns the slot for use with `add(Slot, double)` in later batches, or nothing if the table is full.
  std::optional<Slot> add(const Labels& labels, double value);
  /// Adds a sample of a series whose slot is known. False if that slot means something else by now (compare `serial`).
  bool add(Slot slot, std::uint32_t serial, double value);
  /// Adds a sample of a series that the table is to know until `reset`, even if it has no sample for long. Of many
  /// targets in turn, a pinned series needs no memory but its pin and its row. `make_labels()` is called where the pin
  /// does not hold; if the table is full then, it does not hold after.
  template <class MakeLabels>
  void add(Pin& pin, double value, const MakeLabels& make_labels) {
    if (pin.generation == generation_) {
      batch_.rows.push_back({pin.slot, value});
    } else if (const std::optional<Slot> slot = add(make_labels(), value)) {
      pin = {*slot, generation_};
      keep(*slot);
    }
  }
  /// The slot that stands for these labels now, if there is one.
  [[nodiscard]] std::optional<Slot> find(const Labels& labels);
  /// Changes each time the slot gets another meaning.
  [[nodiscard]] std::uint32_t serial(Slot slot) const { return static_cast<std::uint32_t>(entries_[slot].serial); }
  /// The labels that the slot stands for now.
  [[nodiscard]] Labels labels(Slot slot) const;
  /// Ends the batch and gives it away.
  [[nodiscard]] Batch take();
  /// How many samples did not fit since the table was made.
  [[nodiscard]] std::uint64_t refused() const { return refused_; }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  /// Forgets all slots: the next batch introduces everything anew (after the store lost its block). Serials go on, so
  /// that a slot remembered from before is not taken for one of now.
  void reset();

 private:
  static constexpr Slot none = std::numeric_limits<Slot>::max();
  struct Entry {
    TextPool::Text packed;
    std::uint32_t last_used = 0;
    std::uint32_t serial : 30 = 0;
    std::uint32_t listed : 1 = 0;  // in free_
    std::uint32_t pinned : 1 = 0;
  };
  static_assert(sizeof(Entry) == 16);
  /// From labels to slots. Most tables are asked by slots alone once they are filled: then there is none.
  struct Finder {
    struct Link {
      std::uint32_t hash = 0;
      Slot next = none;  // of the same bucket
    };
    std::vector<Slot> buckets;  // the first of each; a power of two
    std::vector<Link> links;    // one for each entry

    [[nodiscard]] Slot& bucket(std::uint32_t hash) { return buckets[hash & (buckets.size() - 1)]; }
    void link(Slot slot, std::uint32_t hash);
    void unlink(Slot slot);
    void grow();
  };
  std::optional<Slot> slot_for(const Labels& labels);
  [[nodiscard]] bool shares_common(const Labels& labels) const;
  [[nodiscard]] std::string pack(const Labels& labels) const;
  [[nodiscard]] bool is_packed(const char* packed, const Labels& labels) const;
  [[nodiscard]] std::uint32_t hash(const Labels& labels) const;
  [[nodiscard]] Finder& finder();
  void introduce(Slot slot, const Labels& labels);
  void keep(Slot slot);
  [[nodiscard]] bool forgotten(const Entry& entry) const {
    return entry.pinned == 0 && entry.last_used != round_ && round_ - entry.last_used >= forget_after_;
  }

  std::size_t max_series_;
  std::uint32_t forget_after_;
  std::uint32_t round_ = 0;
  std::uint32_t generation_ = 1;  // of pins
  std::size_t pinned_ = 0;
  std::uint64_t refused_ = 0;
  std::uint32_t first_serial_ = 0;  // of a new slot
  std::size_t scan_ = 0;            // where the search for forgotten slots goes on
  std::vector<Slot> free_;          // forgotten slots; one may have been used again since
  std::vector<Entry> entries_;
  std::shared_ptr<TextPool> texts_;
  std::vector<Label> common_;  // of the first series, but for its name: most have them too, and need not repeat them
  std::unique_ptr<Finder> finder_;
  std::uint32_t searched_ = 0;  // the last round with a search
  Batch batch_;
};

/// What one probe found out.
struct Observation {
  std::uint32_t target = 0;  // the target's number in the running configuration
  TimePoint at;              // when the probe began; the time of its samples
  std::chrono::nanoseconds took{0};
  Outcome outcome = Outcome::ok;
  Phase phase = Phase::none;
  std::string detail;      // for the log and the status page; redacted
  std::uint32_t cost = 0;  // what the target was asked: commands, requests; for `budget`
  Batch batch;
  /// Everything that this target describes, when that changed; empty: as before.
  std::vector<Described> described;

  /// Good or bad, as rules see a flip. `throttled` and `auth` are bad too, but not "down".
  [[nodiscard]] bool good() const { return outcome == Outcome::ok; }
};

}  // namespace tocsin::core
