// One thread writes while others read; meant to be run under ThreadSanitizer too.
#include <atomic>
#include <thread>

#include "store/helpers.hpp"

namespace tocsin::store::test {
namespace {

constexpr core::Slot slots = 30;
constexpr int rows = 3'000;

/// Every value says when it was written, so a reader can tell whether what it sees belongs together.
double value_at(std::int64_t millis, core::Slot slot) {
  return static_cast<double>(millis / 1'000 % 100'000 * 100 + slot % 7);
}

void check(const Sample& sample, const std::string& slot) {
  ASSERT_EQ(sample.value, value_at(core::to_millis(sample.time), static_cast<core::Slot>(std::stoul(slot))));
}

void read_all(const View& view, TimePoint now) {
  std::vector<Sample> samples;
  for (const auto series : view.select({})) {
    const std::string slot(view.label(series, "slot"));
    samples.clear();
    view.read(series, now - minutes(20), now + minutes(600), samples);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      check(samples[i], slot);
      if (i > 0) {
        ASSERT_LT(samples[i - 1].time, samples[i].time);
      }
    }
    for (const auto back : {seconds(0), seconds(500), seconds(2'000)}) {
      if (const auto sample = view.latest(series, now - back, minutes(5))) check(*sample, slot);
    }
  }
}

core::Batch churning_batch(int row, TimePoint now) {
  core::Batch out;
  for (core::Slot slot = 0; slot < slots; ++slot) {
    const bool fresh = row % 200 == static_cast<int>(slot) || row % 700 == 0;
    if (fresh) {
      auto labels = named("m" + std::to_string(row / 200));
      labels.set("slot", std::to_string(slot));
      out.fresh.push_back({slot, std::move(labels)});
    }
    if ((row + static_cast<int>(slot)) % 13 != 0) out.rows.push_back({slot, value_at(core::to_millis(now), slot)});
  }
  return out;
}

TEST(Threads, ReadersSeeWholeRowsWhileTheJudgeWrites) {
  Store store{Limits{.retention = minutes(30)}};
  std::atomic<bool> done{false};
  std::atomic<std::int64_t> written{core::to_millis(at(0))};
  std::atomic<int> reads{0};
  const auto reader = [&] {
    while (!done || reads < 20) {
      read_all(store.snapshot(), from_millis(written));
      EXPECT_LE(store.stats().blocks, 1'000U);
      ++reads;
    }
  };
  std::thread one(reader);
  std::thread two(reader);
  auto block = store.open_block("b");
  for (int row = 0; row < rows; ++row) {
    const auto now = at(row * 5);
    if (row % 700 == 699) {
      store.close_block(block, now);
      block = store.open_block("again");
      continue;
    }
    store.append(block, now, churning_batch(row, now));
    written = core::to_millis(now);
    if (row % 10 == 0) store.maintain(now);
    if (row % 20 == 0) store.publish();
    if (row % 300 == 0) read_all(store.live(), now);
  }
  done = true;
  one.join();
  two.join();
  EXPECT_GE(reads, 20);
}

}  // namespace
}  // namespace tocsin::store::test
