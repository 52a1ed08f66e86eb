// What the store promises about rows, slots, ends, sealing and retention.
#include "tocsin/store/store.hpp"

#include <random>

#include "store/helpers.hpp"

namespace tocsin::store::test {
namespace {

class StoreTest : public ::testing::Test {
 protected:
  /// One row with one series in slot 0.
  AppendResult put(BlockId block, double time, double value) {
    return store.append(block, at(time), batch({}, {{0, value}}));
  }
  AppendResult first(BlockId block, double time, const Labels& labels, double value) {
    return store.append(block, at(time), batch({{0, labels}}, {{0, value}}));
  }
  Store store{Limits{}};
};

TEST_F(StoreTest, IsEmptyAtFirst) {
  EXPECT_TRUE(select(store.live(), {}).empty());
  EXPECT_TRUE(select(store.snapshot(), {}).empty());
  EXPECT_EQ(store.stats().series, 0U);
  EXPECT_EQ(latest(store.live(), 7, 0), "none");
  EXPECT_EQ(text(store.live(), 7), "");
  EXPECT_TRUE(store.live().labels(7).empty());
}

TEST_F(StoreTest, KeepsRowsUnderTheirLabels) {
  const auto block = store.open_block("cache a:1");
  const auto result = store.append(block, at(0), batch({{0, named("up")}, {1, named("keys")}}, {{0, 1}, {1, 10}}));
  EXPECT_EQ(result.appended, 2U);
  EXPECT_EQ(store.append(block, at(15), batch({}, {{1, 12}, {0, 1}})).appended, 2U);
  const auto view = store.live();
  EXPECT_EQ(text(view, only(view, "up")), "0=1 15=1");
  EXPECT_EQ(text(view, only(view, "keys")), "0=10 15=12");
  EXPECT_EQ(view.labels(only(view, "keys")), named("keys"));
  EXPECT_EQ(view.label(only(view, "keys"), "instance"), "a:1");
  EXPECT_EQ(view.label(only(view, "keys"), "none"), "");
  EXPECT_EQ(store.stats().series, 2U);
  EXPECT_EQ(store.stats().samples_appended, 4U);
}

TEST_F(StoreTest, MemoryOfBlocksMayBeAskedForAhead) {
  std::vector<BlockId> blocks;
  for (int n = 0; n < 20; ++n) blocks.push_back(store.open_block("b" + std::to_string(n)));  // more than at a time
  blocks.push_back(blocks.back() + 1000);                                                    // none such
  store.fetch_ahead(blocks);
  first(blocks[0], 0, named("x"), 1);
  store.close_block(blocks[1], at(1));
  store.fetch_ahead(blocks);
  store.fetch_ahead({});
  put(blocks[0], 2, 2);
  EXPECT_EQ(text(store.live(), only(store.live(), "x")), "0=1 2=2");
}

TEST_F(StoreTest, ReadsAfterUntil) {
  const auto block = store.open_block("b");
  first(block, 0, named("x"), 0);
  for (int i = 1; i < 200; ++i) put(block, i, i);
  const auto view = store.live();
  const auto x = only(view, "x");
  EXPECT_EQ(text(view, x, 10, 12), "11=11 12=12");
  EXPECT_EQ(text(view, x, 62, 66), "63=63 64=64 65=65 66=66") << "over the edge of a segment";
  EXPECT_EQ(text(view, x, 197, 500), "198=198 199=199");
  EXPECT_EQ(text(view, x, 12, 12), "");
  EXPECT_EQ(text(view, x, -10, -1), "");
  EXPECT_EQ(text(view, x, 199, 300), "");
}

TEST_F(StoreTest, TakesRowsAgainAfterTheClockWasSetBack) {
  const auto block = store.open_block("b");
  first(block, 0, named("x"), 0);
  for (int i = 1; i <= 200; ++i) put(block, 10 * i, i);
  EXPECT_TRUE(put(block, 1'000, -1).too_old);
  store.turn_back(at(1'000));
  const auto view = store.live();
  const auto x = only(view, "x");
  EXPECT_EQ(latest(view, x, 1'000), "none") << "what stood is not known any more";
  EXPECT_EQ(put(block, 1'001, 7).appended, 1U);
  EXPECT_EQ(latest(store.live(), x, 1'005), "1001=7");
  EXPECT_EQ(put(block, 1'011, 8).appended, 1U);
  const std::string before = text(store.live(), x, -1, 1'000);
  EXPECT_TRUE(before.starts_with("0=0 10=1 20=2 ")) << before;
  EXPECT_EQ(text(store.live(), x, 1'000, 5'000), "1001=7 1011=8") << "nothing of the future is left";
  EXPECT_EQ(store.stats().series, 1U);
}

TEST_F(StoreTest, AClockSetBackBeforeEverythingLeavesNothing) {
  const auto block = store.open_block("b");
  first(block, 1'000, named("x"), 1);
  put(block, 1'010, 2);
  store.turn_back(at(500));
  EXPECT_EQ(put(block, 501, 3).appended, 1U);
  const auto x = only(store.live(), "x");
  EXPECT_EQ(text(store.live(), x, 0, 5'000), "501=3");
  for (int i = 0; i < 200; ++i) {
    put(block, 510 + 10 * i, i);
    store.maintain(at(510 + 10 * i));
  }
  EXPECT_EQ(latest(store.live(), x, 2'500), "2500=199");
}

TEST_F(StoreTest, ABlockThatEndedInATimeThatIsNotYetIsForgotten) {
  const auto ended = store.open_block("b");
  first(ended, 1'000, named("x"), 1);
  store.close_block(ended, at(1'010));
  store.turn_back(at(500));
  store.maintain(at(500));
  const auto block = store.open_block("c");
  EXPECT_EQ(first(block, 510, named("x"), 2).appended, 1U);
  EXPECT_EQ(text(store.live(), only(store.live(), "x"), 0, 5'000), "510=2");
}

TEST_F(StoreTest, AnswersTheLatestWithinTheLookback) {
  const auto block = store.open_block("b");
  first(block, 0, named("x"), 0);
  for (int i = 1; i < 100; ++i) put(block, 10 * i, i);
  const auto view = store.live();
  const auto x = only(view, "x");
  EXPECT_EQ(latest(view, x, 990), "990=99");
  EXPECT_EQ(latest(view, x, 1'000), "990=99");
  EXPECT_EQ(latest(view, x, 1'289), "990=99");
  EXPECT_EQ(latest(view, x, 1'290), "none") << "the lookback is open on the left";
  EXPECT_EQ(latest(view, x, 989), "980=98");
  EXPECT_EQ(latest(view, x, 5), "0=0");
  EXPECT_EQ(latest(view, x, 0), "0=0");
  EXPECT_EQ(latest(view, x, -1), "none");
  EXPECT_EQ(latest(view, x, 989, seconds(9)), "none");
  EXPECT_EQ(latest(view, x, 989, seconds(10)), "980=98");
  EXPECT_EQ(latest(view, x, 639, seconds(9)), "none") << "at the end of a sealed segment";
  EXPECT_EQ(latest(view, x, 639, seconds(10)), "630=63");
}

TEST_F(StoreTest, EndsASeriesThatIsMissing) {
  const auto block = store.open_block("b");
  store.append(block, at(0), batch({{0, named("x")}, {1, named("y")}}, {{0, 1}, {1, 2}}));
  store.append(block, at(10), batch({}, {{1, 3}}));
  const auto view = store.live();
  EXPECT_EQ(text(view, only(view, "x")), "0=1");
  EXPECT_EQ(latest(view, only(view, "x"), 9), "0=1");
  EXPECT_EQ(latest(view, only(view, "x"), 10), "none");
  EXPECT_EQ(latest(view, only(view, "x"), 11), "none");
  EXPECT_EQ(latest(view, only(view, "y"), 11), "10=3");
  EXPECT_EQ(store.stats().series, 1U);
  store.append(block, at(20), batch({}, {{0, 5}, {1, 3}}));
  EXPECT_EQ(text(view, only(view, "x")), "0=1 20=5");
  EXPECT_EQ(latest(view, only(view, "x"), 19), "none");
  EXPECT_EQ(latest(view, only(view, "x"), 20), "20=5");
}

TEST_F(StoreTest, EndsASeriesByItsMarker) {
  const auto block = store.open_block("b");
  first(block, 0, named("x"), 1);
  put(block, 10, core::stale_marker());
  put(block, 20, core::stale_marker());
  const auto view = store.live();
  EXPECT_EQ(text(view, only(view, "x")), "0=1");
  EXPECT_EQ(latest(view, only(view, "x"), 10), "none");
  EXPECT_EQ(store.stats().series, 0U);
  put(block, 30, 4);
  EXPECT_EQ(text(view, only(view, "x")), "0=1 30=4");
}

TEST_F(StoreTest, NeverMakesASeriesOfAMarker) {
  const auto block = store.open_block("b");
  first(block, 0, named("x"), core::stale_marker());
  EXPECT_TRUE(select(store.live(), {}).empty());
  put(block, 10, 1);
  EXPECT_EQ(text(store.live(), only(store.live(), "x")), "10=1");
}

TEST_F(StoreTest, AnEmptyRowEndsEverything) {
  const auto block = store.open_block("b");
  first(block, 0, named("x"), 1);
  store.append(block, at(10), {});
  EXPECT_EQ(latest(store.live(), only(store.live(), "x"), 10), "none");
  EXPECT_EQ(store.stats().series, 0U);
}

TEST_F(StoreTest, KeepsOrdinaryNansAndNegativeZero) {
  const auto block = store.open_block("b");
  const auto nan = std::bit_cast<double>(0x7ff8000000000001ULL);
  first(block, 0, named("x"), nan);
  put(block, 10, -0.0);
  std::vector<Sample> samples;
  const auto view = store.live();
  view.read(only(view, "x"), at(-1), at(11), samples);
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(samples[0].value), 0x7ff8000000000001ULL);
  EXPECT_TRUE(std::signbit(samples[1].value));
}

TEST_F(StoreTest, RefusesWhatIsNotLater) {
  const auto block = store.open_block("b");
  first(block, 10, named("x"), 1);
  EXPECT_TRUE(put(block, 10, 2).too_old);
  EXPECT_TRUE(put(block, 9, 2).too_old);
  EXPECT_EQ(put(block, 9, 2).appended, 0U);
  EXPECT_EQ(store.stats().samples_refused, 3U);
  EXPECT_EQ(text(store.live(), only(store.live(), "x")), "10=1");
  EXPECT_FALSE(put(block, 10.001, 2).too_old);
}

TEST_F(StoreTest, LearnsSlotsFromARowThatIsTooOld) {
  const auto block = store.open_block("b");
  first(block, 10, named("x"), 1);
  store.append(block, at(5), batch({{1, named("y")}}, {{1, 1}}));
  store.append(block, at(20), batch({}, {{0, 1}, {1, 7}}));
  EXPECT_EQ(text(store.live(), only(store.live(), "y")), "20=7");
}

TEST_F(StoreTest, RefusesUnknownSlotsAndBlocks) {
  const auto block = store.open_block("b");
  EXPECT_EQ(store.append(block, at(0), batch({}, {{3, 1}})).appended, 0U);
  EXPECT_EQ(store.append(block + 1, at(0), batch({{0, named("x")}}, {{0, 1}})).appended, 0U);
  EXPECT_EQ(store.append(block, at(1), batch({{0xfffffff0, named("x")}}, {{0xfffffff0, 1}})).appended, 0U);
  EXPECT_EQ(store.stats().samples_refused, 3U);
}

TEST_F(StoreTest, TakesASlotTwiceInARowOnce) {
  const auto block = store.open_block("b");
  const auto result = store.append(block, at(0), batch({{0, named("x")}}, {{0, 1}, {0, 2}}));
  EXPECT_EQ(result.appended, 1U);
  EXPECT_EQ(result.refused_duplicate, 1U);
  EXPECT_EQ(text(store.live(), only(store.live(), "x")), "0=1");
}

TEST_F(StoreTest, GivesASlotAnotherMeaning) {
  const auto block = store.open_block("b");
  first(block, 0, named("x"), 1);
  first(block, 10, named("y"), 2);
  const auto view = store.live();
  EXPECT_EQ(text(view, only(view, "x")), "0=1");
  EXPECT_EQ(latest(view, only(view, "x"), 10), "none");
  EXPECT_EQ(text(view, only(view, "y")), "10=2");
  EXPECT_EQ(latest(view, only(view, "y"), 9), "none");
  EXPECT_EQ(store.stats().series, 1U);
}

TEST_F(StoreTest, GoesOnWithASeriesThatComesBackInAnotherSlot) {
  const auto block = store.open_block("b");
  first(block, 0, named("x"), 1);
  const auto generation = store.live().generation();
  store.append(block, at(10), batch({{5, named("x")}}, {{5, 2}}));
  EXPECT_EQ(store.live().generation(), generation);
  EXPECT_EQ(text(store.live(), only(store.live(), "x")), "0=1 10=2");
  EXPECT_EQ(latest(store.live(), only(store.live(), "x"), 10), "10=2");
}

TEST_F(StoreTest, ChangesItsGenerationOnlyWithTheSeries) {
  const auto block = store.open_block("b");
  const auto empty = store.live().generation();
  first(block, 0, named("x"), 1);
  const auto one = store.live().generation();
  EXPECT_NE(one, empty);
  for (int i = 1; i < 200; ++i) put(block, i, i);
  store.maintain(at(200));
  EXPECT_EQ(store.live().generation(), one);
}

TEST_F(StoreTest, DropsSegmentsOlderThanRetention) {
  const auto block = store.open_block("b");
  first(block, 0, named("x"), 0);
  for (int i = 1; i <= 400; ++i) {
    put(block, 15 * i, i);
    store.maintain(at(15 * i));
  }
  std::vector<Sample> samples;
  const auto view = store.live();
  view.read(only(view, "x"), at(-1), at(1e6), samples);
  ASSERT_FALSE(samples.empty());
  EXPECT_EQ(samples.back().time, at(6'000));
  EXPECT_LE(samples.front().time, at(6'000 - 1'800)) << "all of the retention is there";
  EXPECT_GE(samples.front().time, at(6'000 - 1'800 - 450)) << "and at most a segment more";
  EXPECT_GT(store.stats().segments_dropped, 0U);
}

TEST_F(StoreTest, ForgetsEndedSeriesWithTheirLastSample) {
  const auto block = store.open_block("b");
  store.append(block, at(0), batch({{0, named("x")}, {1, named("gone")}}, {{0, 1}, {1, 1}}));
  const auto before = store.live();
  const auto gone = only(before, "gone");
  for (int i = 1; i <= 300; ++i) {
    put(block, 15 * i, i);
    store.maintain(at(15 * i));
    if (i == 100) {
      EXPECT_EQ(text(store.live(), only(store.live(), "gone")), "0=1");
    }
  }
  EXPECT_TRUE(select(store.live(), {equal("__name__", "gone")}).empty());
  EXPECT_NE(store.live().generation(), before.generation());
  EXPECT_EQ(before.labels(gone), named("gone")) << "the old view knows it still";
  EXPECT_EQ(text(before, gone), "");
  // Its place is used for another series: the old view does not take that one for it.
  store.append(block, at(5'000), batch({{2, named("new")}}, {{0, 1}, {2, 9}}));
  EXPECT_EQ(text(before, gone), "");
  EXPECT_EQ(latest(before, gone, 5'000), "none");
  EXPECT_EQ(text(store.live(), only(store.live(), "new")), "5000=9");
}

TEST_F(StoreTest, ASlotOutlivesItsForgottenSeries) {
  const auto block = store.open_block("b");
  store.append(block, at(0), batch({{0, named("x")}, {1, named("rare")}}, {{0, 1}, {1, 1}}));
  for (int i = 1; i <= 300; ++i) {
    put(block, 15 * i, i);
    store.maintain(at(15 * i));
  }
  ASSERT_TRUE(select(store.live(), {equal("__name__", "rare")}).empty());
  store.append(block, at(5'000), batch({{2, named("new")}}, {{0, 1}, {2, 9}}));
  store.append(block, at(5'010), batch({}, {{0, 1}, {1, 5}, {2, 9}}));
  EXPECT_EQ(text(store.live(), only(store.live(), "rare")), "5010=5");
  EXPECT_EQ(text(store.live(), only(store.live(), "new")), "5000=9 5010=9");
}

TEST_F(StoreTest, SurvivesGapsAndHugeSteps) {
  const auto block = store.open_block("b");
  first(block, 0, named("x"), 1);
  put(block, 1e7, 2);
  put(block, 2e7, 3);
  EXPECT_EQ(text(store.live(), only(store.live(), "x"), -1, 1e9), "0=1 10000000=2 20000000=3");
}

// Rows with gaps, markers and slots that change, against a plain list of samples.
TEST_F(StoreTest, ReadsWhatAPlainListWouldHold) {
  std::mt19937_64 random(11);
  const auto block = store.open_block("b");
  constexpr int slots = 40;
  std::vector<std::vector<std::pair<double, double>>> expected(slots);  // stale markers included
  double time = 0;
  for (int row = 0; row < 500; ++row) {
    time += static_cast<double>(1 + random() % 30);
    core::Batch rows;
    for (core::Slot slot = 0; slot < slots; ++slot) {
      if (row == 0) rows.fresh.push_back({slot, named("m" + std::to_string(slot))});
      const bool absent = random() % 10 < slot % 4;
      const auto kind = slot % 5;
      const double value = kind == 0   ? 42
                           : kind == 1 ? row * 3
                           : kind == 2 ? static_cast<double>(random() % 5)
                           : kind == 3 ? static_cast<double>(random()) / 7
                                       : (random() % 4 == 0 ? core::stale_marker() : row);
      if (!absent) rows.rows.push_back({slot, value});
      expected[slot].emplace_back(time, absent ? core::stale_marker() : value);
    }
    store.append(block, at(time), rows);
    if (row % 17 == 0) store.maintain(at(0));
  }
  const auto view = store.live();
  for (int slot = 0; slot < slots; ++slot) {
    const auto found = select(view, {equal("__name__", "m" + std::to_string(slot))});
    ASSERT_EQ(found.size(), 1U);
    const double after = static_cast<double>(random() % 5'000);
    const double until = after + static_cast<double>(random() % 3'000);
    std::vector<Sample> want;
    for (const auto& [t, v] : expected[slot]) {
      if (t > after && t <= until && !core::is_stale(v)) want.push_back({at(t), v});
    }
    std::vector<Sample> got;
    view.read(found[0], at(after), at(until), got);
    ASSERT_EQ(got.size(), want.size()) << slot;
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_EQ(got[i].time, want[i].time);
      EXPECT_EQ(got[i].value, want[i].value);
    }
    for (int probe = 0; probe < 100; ++probe) {
      const double t = static_cast<double>(random() % 8'000);
      std::optional<Sample> newest;
      for (const auto& [when, v] : expected[slot]) {
        if (when <= t && when > t - 60) newest = Sample{at(when), v};
      }
      if (newest && core::is_stale(newest->value)) newest.reset();
      const auto answer = view.latest(found[0], at(t), minutes(1));
      ASSERT_EQ(answer.has_value(), newest.has_value()) << slot << " at " << t;
      if (newest) {
        EXPECT_EQ(answer->value, newest->value);
      }
    }
  }
}

}  // namespace
}  // namespace tocsin::store::test
