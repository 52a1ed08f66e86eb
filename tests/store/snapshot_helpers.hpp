// Stores that are written, read back and held against each other.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "store/helpers.hpp"
#include "support/temp_dir.hpp"
#include "tocsin/store/snapshot.hpp"

namespace tocsin::store::test {

using tocsin::test::TempDir;

inline std::string all_notes(const RestoreReport& report) {
  std::string out;
  for (const auto& note : report.notes) out += note + "\n";
  return out;
}

/// Every series that has samples after `after`, by its labels: all it reads.
inline std::map<std::string, std::string> contents(const View& view, double after = -1e6) {
  std::map<std::string, std::string> out;
  for (const auto series : view.select({})) {
    const auto samples = text(view, series, after, 1e6);
    if (samples.empty()) continue;
    const auto labels = view.labels(series).to_string();
    EXPECT_FALSE(out.contains(labels)) << labels << " is there twice";
    out[labels] = samples;
  }
  return out;
}

/// What `latest` says of every series that says anything.
inline std::map<std::string, std::string> newest(const View& view, double time, seconds lookback = minutes(5)) {
  std::map<std::string, std::string> out;
  for (const auto series : view.select({})) {
    const auto sample = latest(view, series, time, lookback);
    if (sample != "none") out[view.labels(series).to_string()] = sample;
  }
  return out;
}

inline SnapshotStats write(SnapshotWriter& writer, Store& store, double time) {
  store.publish();
  const auto done = writer.write(store, at(time));
  EXPECT_TRUE(done) << (done ? "" : done.error().detail);
  return done ? *done : SnapshotStats{};
}
inline void write_once(const std::string& folder, Store& store, double time) {
  SnapshotWriter writer(folder);
  write(writer, store, time);
}

/// Targets that come, go, change and lose series by chance, always the same for one seed.
class ChanceTargets {
 public:
  explicit ChanceTargets(unsigned seed, std::size_t count = 6) : random_(seed), targets_(count) {}

  void open(Store& store) {
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      targets_[i].block = store.open_block("cache " + std::to_string(i));
      targets_[i].introduced.clear();
    }
  }
  void step(Store& store, double time) {
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      if (chance(10)) continue;  // no probe this time
      if (chance(150)) reopen(store, i, time);
      store.append(targets_[i].block, at(time + static_cast<double>(i) / 100), row(i));
    }
    if (chance(5)) store.maintain(at(time));
  }
  bool chance(unsigned one_in) { return random_() % one_in == 0; }

 private:
  static constexpr core::Slot slots = 25;
  struct Target {
    BlockId block = 0;
    std::map<core::Slot, unsigned> introduced;  // with which generation of labels
    std::map<core::Slot, unsigned> generation;
    std::map<core::Slot, double> values;
  };

  void reopen(Store& store, std::size_t i, double time) {
    store.close_block(targets_[i].block, at(time));
    targets_[i].block = store.open_block("cache " + std::to_string(i));
    targets_[i].introduced.clear();
  }
  core::Batch row(std::size_t i) {
    auto& target = targets_[i];
    core::Batch out;
    if (chance(30)) return out;  // it was down: everything ends
    for (core::Slot slot = 0; slot < slots; ++slot) {
      if (chance(200)) ++target.generation[slot];
      if (slot % 5 == 4 && chance(4)) continue;
      const auto generation = target.generation[slot];
      if (!target.introduced.contains(slot) || target.introduced[slot] != generation) {
        auto labels =
            named("m" + std::to_string(slot), "host-" + std::to_string(slot % 7 == 3 ? 99 : static_cast<int>(i)));
        if (generation > 0) labels.set("generation", std::to_string(generation));
        out.fresh.push_back({slot, std::move(labels)});
        target.introduced[slot] = generation;
      }
      out.rows.push_back({slot, value(target, slot)});
    }
    return out;
  }
  double value(Target& target, core::Slot slot) {
    auto& value = target.values[slot];
    if (slot % 4 == 0) value += static_cast<double>(random_() % 1'000);
    if (slot % 4 == 1 && chance(10)) value = static_cast<double>(random_()) / 7.0;
    if (slot % 4 == 2 && chance(3)) value = -static_cast<double>(random_() % 10);
    return value;
  }

  std::mt19937 random_;
  std::vector<Target> targets_;
};

}  // namespace tocsin::store::test
