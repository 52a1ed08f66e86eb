// Several blocks: who owns a label set, histories that continue in another block, and bounds.
#include "store/helpers.hpp"

namespace tocsin::store::test {
namespace {

AppendResult first(Store& store, BlockId block, double time, const Labels& labels, double value) {
  return store.append(block, at(time), batch({{0, labels}}, {{0, value}}));
}
AppendResult put(Store& store, BlockId block, double time, double value) {
  return store.append(block, at(time), batch({}, {{0, value}}));
}

TEST(Blocks, RefuseALabelSetThatIsLiveElsewhere) {
  Store store{Limits{}};
  const auto a = store.open_block("a");
  const auto b = store.open_block("b");
  first(store, a, 0, named("x"), 1);
  const auto refused = first(store, b, 1, named("x"), 2);
  EXPECT_EQ(refused.appended, 0U);
  EXPECT_EQ(refused.refused_duplicate, 1U);
  EXPECT_EQ(put(store, b, 2, 2).refused_duplicate, 1U);
  EXPECT_EQ(store.stats().series_refused, 1U) << "a series is counted once";
  EXPECT_EQ(store.stats().samples_refused, 2U);
  EXPECT_EQ(text(store.live(), only(store.live(), "x")), "0=1");
}

TEST(Blocks, ClosingEndsEverySeries) {
  Store store{Limits{}};
  const auto a = store.open_block("a");
  first(store, a, 0, named("x"), 1);
  store.close_block(a, at(10));
  const auto x = only(store.live(), "x");
  EXPECT_EQ(text(store.live(), x), "0=1");
  EXPECT_EQ(latest(store.live(), x, 9), "0=1");
  EXPECT_EQ(latest(store.live(), x, 10), "none");
  EXPECT_EQ(put(store, a, 20, 1).appended, 0U);
  store.close_block(a, at(30));
  EXPECT_EQ(store.stats().series, 0U);
}

TEST(Blocks, AnotherBlockContinuesAHistory) {
  Store store{Limits{}};
  const auto a = store.open_block("a");
  first(store, a, 0, named("x"), 1);
  put(store, a, 10, 2);
  const auto old = store.live();
  const auto b = store.open_block("b");
  store.close_block(a, at(15));
  first(store, b, 20, named("x"), 3);
  put(store, b, 30, 4);
  const auto view = store.live();
  const auto x = only(view, "x");
  EXPECT_EQ(text(view, x), "0=1 10=2 20=3 30=4");
  EXPECT_EQ(text(view, x, 5, 20), "10=2 20=3");
  EXPECT_EQ(text(view, x, 20, 25), "");
  EXPECT_EQ(latest(view, x, 14), "10=2");
  EXPECT_EQ(latest(view, x, 16), "none");
  EXPECT_EQ(latest(view, x, 20), "20=3");
  EXPECT_EQ(latest(view, x, 35), "30=4");
  EXPECT_EQ(text(old, only(old, "x")), "0=1 10=2") << "a view from before has the part it knew";
}

TEST(Blocks, TheNewBlockWinsWhereHistoriesOverlap) {
  Store store{Limits{}};
  const auto a = store.open_block("a");
  first(store, a, 0, named("x"), 1);
  put(store, a, 10, 2);
  store.close_block(a, at(20));
  const auto b = store.open_block("b");
  first(store, b, 8, named("x"), 3);  // a probe that began before the reload
  const auto view = store.live();
  EXPECT_EQ(text(view, only(view, "x")), "0=1 8=3");
  EXPECT_EQ(latest(view, only(view, "x"), 20), "8=3");
}

TEST(Blocks, AHistoryGoesThroughManyBlocks) {
  Store store{Limits{}};
  double time = 0;
  std::string expected;
  for (int i = 0; i < 9; ++i) {
    const auto block = store.open_block("b");
    first(store, block, time, named("x"), i);
    expected += (i == 0 ? "" : " ") + std::to_string(static_cast<int>(time)) + "=" + std::to_string(i);
    store.close_block(block, at(time + 5));
    time += 10;
    store.maintain(at(time));
  }
  const auto view = store.live();
  EXPECT_EQ(text(view, only(view, "x")), expected);
  EXPECT_EQ(latest(view, only(view, "x"), 31), "30=3");
  EXPECT_EQ(latest(view, only(view, "x"), 36), "none");
}

TEST(Blocks, ARefusedSlotGetsInWhenTheOtherEnds) {
  Store store{Limits{}};
  const auto a = store.open_block("a");
  const auto b = store.open_block("b");
  first(store, a, 0, named("x"), 1);
  first(store, b, 1, named("x"), 2);
  store.close_block(a, at(5));
  EXPECT_EQ(put(store, b, 6, 2).appended, 1U);
  EXPECT_EQ(text(store.live(), only(store.live(), "x")), "0=1 6=2");
}

TEST(Blocks, HistoryMovesBackAndForthBetweenOpenBlocks) {
  Store store{Limits{}};
  const auto a = store.open_block("a");
  const auto b = store.open_block("b");
  first(store, a, 0, named("x"), 1);
  store.append(a, at(10), {});
  first(store, b, 11, named("x"), 2);
  EXPECT_EQ(put(store, a, 12, 9).refused_duplicate, 1U) << "the slot of a knows that b has it now";
  store.append(b, at(20), {});
  EXPECT_EQ(put(store, a, 21, 3).appended, 1U);
  EXPECT_EQ(put(store, a, 22, 4).appended, 1U);
  const auto view = store.live();
  EXPECT_EQ(text(view, only(view, "x")), "0=1 11=2 21=3 22=4");
}

TEST(Blocks, ClosedOnesGoWithTheirLastSample) {
  Store store{Limits{}};
  const auto a = store.open_block("a");
  first(store, a, 0, named("x"), 1);
  store.close_block(a, at(10));
  EXPECT_EQ(store.stats().blocks, 1U);
  store.maintain(at(1'000));
  EXPECT_EQ(store.stats().blocks, 1U);
  EXPECT_EQ(text(store.live(), only(store.live(), "x")), "0=1");
  store.maintain(at(2'000));
  EXPECT_EQ(store.stats().blocks, 0U);
  EXPECT_TRUE(select(store.live(), {}).empty());
}

TEST(Blocks, CloseUnusedOnes) {
  Store store{Limits{}};
  store.close_block(store.open_block("a"), at(0));
  store.maintain(at(0));
  EXPECT_EQ(store.stats().blocks, 0U);
}

// A reload moves everything; the index is numbered anew, and again when the old samples are gone.
TEST(Blocks, ViewsStayTrueWhileTheIndexIsCompacted) {
  Store store{Limits{}};
  constexpr int count = 3'000;
  const auto fill = [&](BlockId block, double time, double value) {
    core::Batch rows;
    for (core::Slot slot = 0; slot < count; ++slot) {
      rows.fresh.push_back({slot, named("m" + std::to_string(slot))});
      rows.rows.push_back({slot, value + slot});
    }
    return store.append(block, at(time), rows).appended;
  };
  const auto a = store.open_block("a");
  ASSERT_EQ(fill(a, 0, 0), std::size_t{count});
  const auto old = store.live();
  const auto old_series = only(old, "m77");
  store.close_block(a, at(5));
  const auto b = store.open_block("b");
  ASSERT_EQ(fill(b, 10, 1'000'000), std::size_t{count});
  const auto middle = store.live();
  const auto middle_series = only(middle, "m77");
  EXPECT_EQ(middle_series, old_series + count);
  store.maintain(at(20));  // compacts
  const auto now = store.live();
  EXPECT_EQ(only(now, "m77"), old_series);
  EXPECT_EQ(now.select({}).size(), std::size_t{count});
  EXPECT_EQ(text(old, old_series), "0=77");
  EXPECT_EQ(text(middle, middle_series), "0=77 10=1000077");
  EXPECT_EQ(text(now, only(now, "m77")), "0=77 10=1000077");
  for (double time = 20; time < 4'000; time += 10) {
    core::Batch rows;
    for (core::Slot slot = 0; slot < count; slot += 2) rows.rows.push_back({slot, 5});
    store.append(b, at(time), rows);
    store.maintain(at(time));
  }
  EXPECT_EQ(store.live().select({}).size(), std::size_t{count / 2});
  EXPECT_EQ(text(store.live(), only(store.live(), "m78"), 3'985), "3990=5");
  EXPECT_EQ(text(old, old_series), "");
  EXPECT_EQ(old.labels(old_series), named("m77"));
}

TEST(Bounds, RefuseSeriesPastTheirNumber) {
  Store store{Limits{.max_series = 2}};
  const auto block = store.open_block("b");
  const auto result =
      store.append(block, at(0), batch({{0, named("x")}, {1, named("y")}, {2, named("z")}}, {{0, 1}, {1, 1}, {2, 1}}));
  EXPECT_EQ(result.appended, 2U);
  EXPECT_EQ(result.refused_series, 1U);
  EXPECT_EQ(store.stats().series_refused, 1U);
  EXPECT_TRUE(store.stats().limit_hit);
  // Once there is room, the slot gets in without being introduced again.
  store.set_limits({.max_series = 3});
  store.maintain(at(1));
  EXPECT_FALSE(store.stats().limit_hit);
  EXPECT_EQ(store.append(block, at(10), batch({}, {{0, 1}, {1, 1}, {2, 1}})).appended, 3U);
}

TEST(Bounds, EndedSeriesMakeRoomWhenTheirSamplesGo) {
  Store store{Limits{.max_series = 2}};
  const auto block = store.open_block("b");
  store.append(block, at(0), batch({{0, named("x")}, {1, named("y")}}, {{0, 1}, {1, 1}}));
  EXPECT_EQ(store.append(block, at(10), batch({{2, named("z")}}, {{0, 1}, {2, 1}})).refused_series, 1U);
  for (double time = 20; time < 4'000; time += 10) {
    store.append(block, at(time), batch({}, {{0, 1}, {2, 1}}));
    store.maintain(at(time));
  }
  EXPECT_EQ(latest(store.live(), only(store.live(), "z"), 4'000), "3990=1");
  EXPECT_FALSE(store.stats().limit_hit);
}

TEST(Bounds, AReloadNeedsNoMoreThanItHad) {
  Store store{Limits{.max_series = 1}};
  const auto a = store.open_block("a");
  first(store, a, 0, named("x"), 1);
  store.close_block(a, at(1));
  EXPECT_EQ(first(store, store.open_block("b"), 2, named("x"), 1).appended, 1U);
}

TEST(Bounds, HoldTheBytes) {
  constexpr std::size_t max_bytes = 2 * 1024 * 1024;
  Store store{Limits{.max_bytes = max_bytes}};
  const auto block = store.open_block("b");
  core::Batch rows;
  for (core::Slot slot = 0; slot < 20'000; ++slot) {
    rows.fresh.push_back({slot, named("metric_" + std::to_string(slot))});
    rows.rows.push_back({slot, 1});
  }
  const auto result = store.append(block, at(0), rows);
  EXPECT_GT(result.appended, 1'000U);
  EXPECT_GT(result.refused_series, 1'000U);
  EXPECT_TRUE(store.stats().limit_hit);
  EXPECT_LT(store.stats().bytes, max_bytes * 5 / 4);
  // Samples that do not compress take the rest: the oldest go.
  rows.fresh.clear();
  for (int i = 1; i < 160; ++i) {
    for (auto& row : rows.rows) row.value = 1.0 / (i + row.slot);
    store.append(block, at(i), rows);
    if (i % 10 == 0) store.maintain(at(i));
  }
  EXPECT_GT(store.stats().segments_dropped, 0U);
}

}  // namespace
}  // namespace tocsin::store::test
