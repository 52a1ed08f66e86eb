// What comes back from a snapshot, and how life goes on with it.
#include <sys/stat.h>

#include "store/snapshot_helpers.hpp"

namespace tocsin::store::test {
namespace {

namespace fs = std::filesystem;

class Snapshot : public ::testing::Test {
 protected:
  /// A store with two series: x goes on, y ended.
  void fill(Store& store, int rows, double interval = 5) {
    block_ = store.open_block("cache a:1");
    for (int i = 0; i < rows; ++i) {
      core::Batch out;
      if (i == 0) out.fresh = {{0, named("x")}, {1, named("y")}, {2, named("z")}};
      out.rows = {{0, 1.0 * i}, {2, 7}};
      if (i < rows - 2) out.rows.push_back({1, 10.0 * i});
      store.append(block_, at(i * interval), out);
    }
  }
  RestoreReport restored(Store& store, double time) {
    auto report = restore(folder_, store, at(time));
    store.publish();
    return report;
  }

  TempDir temp_;
  std::string folder_ = temp_ / "samples";
  BlockId block_ = 0;
};

TEST_F(Snapshot, OfNothingIsNothing) {
  Store store{Limits{}};
  const auto report = restore(folder_, store, at(0));
  EXPECT_EQ(report.blocks, 0U);
  EXPECT_TRUE(report.notes.empty()) << "a first start is nothing to speak of";
  write_once(folder_, store, 0);
  Store next{Limits{}};
  EXPECT_TRUE(restored(next, 0).notes.empty());
  EXPECT_TRUE(next.live().select({}).empty());
}

TEST_F(Snapshot, BringsBackWhatWasRead) {
  for (const int rows : {1, 2, 3, 17, 64, 65, 100, 200}) {
    Store store{Limits{}};
    fill(store, rows);
    write_once(folder_, store, rows * 5.0);
    Store next{Limits{}};
    const auto report = restored(next, rows * 5.0);
    EXPECT_EQ(all_notes(report), "");
    EXPECT_EQ(report.newest, at(rows * 5.0 - 5));
    EXPECT_EQ(report.written, at(rows * 5.0));
    EXPECT_EQ(report.samples, 2U * static_cast<unsigned>(rows) + static_cast<unsigned>(std::max(0, rows - 2)));
    EXPECT_EQ(contents(next.live()), contents(store.live())) << rows;
    EXPECT_EQ(contents(next.snapshot()), contents(store.live())) << rows;
    for (double time = -5; time < rows * 5 + 320; time += 5) {
      EXPECT_EQ(newest(next.live(), time), newest(store.live(), time)) << rows << " rows at " << time;
      EXPECT_EQ(newest(next.snapshot(), time), newest(store.live(), time)) << rows << " rows at " << time;
    }
  }
}

TEST_F(Snapshot, FilesAreOurs) {
  Store store{Limits{}};
  fill(store, 100);
  write_once(folder_, store, 500);
  struct stat info {};
  ASSERT_EQ(::stat(folder_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0700U);
  for (const auto& entry : fs::directory_iterator(folder_)) {
    ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << entry.path();
  }
}

TEST_F(Snapshot, GoesOnWhereItEnded) {
  Store store{Limits{}};
  fill(store, 100);
  write_once(folder_, store, 500);
  Store next{Limits{}};
  restored(next, 510);
  const auto block = next.open_block("cache a:1");
  next.append(block, at(512), batch({{0, named("x")}, {5, named("new")}}, {{0, 100}, {5, 1}}));
  next.append(block, at(517), batch({}, {{0, 101}, {5, 2}}));
  const auto view = next.live();
  EXPECT_EQ(text(view, only(view, "x"), 485), "490=98 495=99 512=100 517=101");
  EXPECT_EQ(latest(view, only(view, "x"), 511), "495=99");
  EXPECT_EQ(latest(view, only(view, "x"), 516), "512=100");
  EXPECT_EQ(latest(view, only(view, "x"), 520), "517=101");
  EXPECT_EQ(text(view, only(view, "new")), "512=1 517=2");
  EXPECT_EQ(next.stats().blocks, 1U) << "the block itself goes on";
  EXPECT_EQ(latest(view, only(view, "y"), 520), "none") << "it had ended before the restart";
}

TEST_F(Snapshot, ASeriesThatDoesNotComeBackGoesStaleByLookBack) {
  Store store{Limits{}};
  fill(store, 100);
  write_once(folder_, store, 500);
  Store next{Limits{}};
  restored(next, 510);
  const auto block = next.open_block("cache a:1");
  const auto z = only(next.live(), "z");
  EXPECT_EQ(latest(next.live(), z, 510), "495=7");
  for (int i = 0; i < 100; ++i) {
    const auto time = 512 + i * 5.0;
    next.append(block, at(time), batch({{0, named("x")}}, {{0, 1.0 * i}}));
    next.maintain(at(time));
    const std::string expected = time < 495 + 300 ? "495=7" : "none";
    EXPECT_EQ(latest(next.live(), z, time), expected) << time;
    next.publish();
    EXPECT_EQ(latest(next.snapshot(), only(next.snapshot(), "z"), time), expected) << time;
  }
  EXPECT_EQ(latest(next.live(), z, 494), "490=7");
  EXPECT_EQ(text(next.live(), z, 485), "490=7 495=7") << "no marker, and no samples that nobody took";
}

TEST_F(Snapshot, ASeriesMayComeBackLater) {
  Store store{Limits{}};
  fill(store, 100);
  write_once(folder_, store, 500);
  Store next{Limits{}};
  restored(next, 510);
  const auto block = next.open_block("cache a:1");
  next.append(block, at(512), batch({{0, named("x")}}, {{0, 1}}));
  next.append(block, at(517), batch({{2, named("z")}}, {{0, 1}, {2, 8}}));
  const auto z = only(next.live(), "z");
  EXPECT_EQ(latest(next.live(), z, 517), "517=8");
  EXPECT_EQ(text(next.live(), z, 485), "490=7 495=7 517=8");
  next.append(block, at(522), batch({}, {{0, 1}}));
  EXPECT_EQ(latest(next.live(), z, 522), "none") << "now it ended for all to see";
}

TEST_F(Snapshot, ATargetThatIsGoneAgesOut) {
  Store store{Limits{}};
  fill(store, 100);
  write_once(folder_, store, 500);
  Store next{Limits{}};
  restored(next, 510);
  EXPECT_EQ(next.stats().blocks, 1U);
  EXPECT_EQ(latest(next.live(), only(next.live(), "x"), 700), "495=99");
  next.maintain(at(700));
  EXPECT_EQ(contents(next.live()).size(), 3U);
  next.maintain(at(3'000));
  EXPECT_TRUE(next.live().select({}).empty());
  EXPECT_EQ(next.stats().blocks, 0U);
  const auto block = next.open_block("cache a:1");
  next.append(block, at(3'001), batch({{0, named("x")}}, {{0, 1}}));
  EXPECT_EQ(text(next.live(), only(next.live(), "x")), "3001=1");
}

TEST_F(Snapshot, RestoredSeriesAreReclaimedOneByOne) {
  Store store{Limits{}};
  fill(store, 100);
  write_once(folder_, store, 500);
  Store next{Limits{}};
  restored(next, 510);
  const auto block = next.open_block("cache a:1");
  for (double time = 512; time < 4'000; time += 5) {
    next.append(block, at(time), time < 515 ? batch({{0, named("x")}}, {{0, 1}}) : batch({}, {{0, 1}}));
    next.maintain(at(time));
  }
  EXPECT_EQ(next.live().select({}).size(), 1U) << "y and z are gone";
  next.append(block, at(4'000), batch({{1, named("w")}}, {{0, 1}, {1, 5}}));
  EXPECT_EQ(text(next.live(), only(next.live(), "w")), "4000=5") << "in a head that was used before";
}

TEST_F(Snapshot, AClosedBlockEndsWhatWasKept) {
  Store store{Limits{}};
  fill(store, 100);
  write_once(folder_, store, 500);
  Store next{Limits{}};
  restored(next, 510);
  const auto block = next.open_block("cache a:1");
  next.close_block(block, at(520));
  EXPECT_EQ(latest(next.live(), only(next.live(), "x"), 519), "495=99");
  EXPECT_EQ(latest(next.live(), only(next.live(), "x"), 521), "none");
}

TEST_F(Snapshot, FillsABlockThatIsOpenAlready) {
  Store store{Limits{}};
  fill(store, 100);
  write_once(folder_, store, 500);
  Store next{Limits{}};
  const auto own = next.open_block("tocsin");
  const auto block = next.open_block("cache a:1");
  restored(next, 510);
  next.append(block, at(512), batch({{0, named("x")}}, {{0, 100}}));
  next.append(own, at(512), batch({{0, named("own")}}, {{0, 1}}));
  EXPECT_EQ(text(next.live(), only(next.live(), "x"), 490), "495=99 512=100");
  EXPECT_EQ(next.stats().blocks, 2U);
  write_once(folder_, next, 513);
  Store third{Limits{}};
  EXPECT_EQ(all_notes(restored(third, 513)), "");
  EXPECT_EQ(contents(third.live()), contents(next.live())) << "the two blocks have names of their own on disk";
}

TEST_F(Snapshot, AnotherBlockTakesASeriesOver) {
  Store store{Limits{}};
  fill(store, 100);
  write_once(folder_, store, 500);
  Store next{Limits{}};
  restored(next, 510);
  const auto block = next.open_block("under another name");
  EXPECT_EQ(next.append(block, at(512), batch({{0, named("x")}}, {{0, 100}})).appended, 1U);
  EXPECT_EQ(text(next.live(), only(next.live(), "x"), 485), "490=98 495=99 512=100");
  EXPECT_EQ(latest(next.live(), only(next.live(), "x"), 511), "495=99");
  // ... and the chain is written too.
  write_once(folder_, next, 513);
  Store third{Limits{}};
  EXPECT_EQ(all_notes(restored(third, 513)), "");
  EXPECT_EQ(contents(third.live()), contents(next.live()));
  EXPECT_EQ(latest(third.live(), only(third.live(), "x"), 511), "495=99");
}

TEST_F(Snapshot, WhatWasKeptIsKeptOverASecondRestart) {
  Store store{Limits{}};
  fill(store, 100);
  write_once(folder_, store, 500);
  Store next{Limits{}};
  restored(next, 510);
  next.append(next.open_block("cache a:1"), at(512), batch({{0, named("x")}}, {{0, 100}}));
  write_once(folder_, next, 513);
  Store third{Limits{}};
  restored(third, 520);
  EXPECT_EQ(latest(third.live(), only(third.live(), "z"), 520), "495=7");
  EXPECT_EQ(latest(third.live(), only(third.live(), "x"), 520), "512=100");
  EXPECT_EQ(latest(third.live(), only(third.live(), "y"), 520), "none");
}

TEST_F(Snapshot, LeavesOutWhatIsOld) {
  Store store{Limits{}};
  fill(store, 300);  // 25 minutes
  write_once(folder_, store, 1'500);
  Store next{Limits{}};
  restored(next, 1'500 + 1'200);
  const auto view = next.live();
  EXPECT_EQ(latest(view, only(view, "x"), 1'500), "1495=299");
  EXPECT_EQ(text(view, only(view, "x"), -100, 500), "");
  EXPECT_NE(text(view, only(view, "x"), 900, 1'500), "");
  Store later{Limits{}};
  EXPECT_EQ(restored(later, 1'500 + 2'000).blocks, 0U);
  EXPECT_TRUE(later.live().select({}).empty());
}

// The clock was set back: what is to come did not happen yet.
TEST_F(Snapshot, LeavesOutWhatIsToCome) {
  Store store{Limits{}};
  fill(store, 300);
  write_once(folder_, store, 1'500);
  for (const double now : {1'494.0, 1'200.0, 1'203.0, 777.0, 5.0}) {
    Store next{Limits{}};
    restored(next, now);
    const auto view = next.live();
    EXPECT_EQ(text(view, only(view, "x")), text(store.live(), only(store.live(), "x"), -100, now));
    EXPECT_EQ(latest(view, only(view, "x"), now), latest(store.live(), only(store.live(), "x"), now));
    const auto block = next.open_block("cache a:1");
    EXPECT_FALSE(next.append(block, at(now + 1), batch({{0, named("x")}}, {{0, 1}})).too_old);
  }
  Store next{Limits{}};
  EXPECT_EQ(restored(next, -1).blocks, 0U);
}

TEST_F(Snapshot, HoldsTheBoundOnSeries) {
  Store store{Limits{}};
  fill(store, 10);
  write_once(folder_, store, 50);
  Store next{Limits{.max_series = 2}};
  const auto report = restored(next, 50);
  EXPECT_EQ(report.series, 2U);
  EXPECT_EQ(all_notes(report), "1 series are over the bound on series\n");
  EXPECT_EQ(next.live().select({}).size(), 2U);
}

TEST_F(Snapshot, WritesEachSegmentOnce) {
  Store store{Limits{}};
  fill(store, 200);
  SnapshotWriter writer(folder_);
  EXPECT_GT(write(writer, store, 1'000).segments, 2U);
  const auto again = write(writer, store, 1'001);
  EXPECT_EQ(again.segments, 0U);
  EXPECT_LT(again.bytes, 2'000U);
  EXPECT_EQ(again.blocks, 1U);
  EXPECT_EQ(again.files, 3U);
  Store next{Limits{}};
  EXPECT_EQ(all_notes(restored(next, 1'001)), "");
  EXPECT_EQ(contents(next.live()), contents(store.live()));
  // A writer after a restart knows what is there; only the open rows became a segment.
  SnapshotWriter second(folder_);
  EXPECT_LE(write(second, next, 1'002).segments, 1U);
  Store third{Limits{}};
  EXPECT_EQ(all_notes(restored(third, 1'002)), "");
  EXPECT_EQ(contents(third.live()), contents(store.live()));
}

TEST_F(Snapshot, FilesGoWithTheirLastSegment) {
  Store store{Limits{.retention = minutes(5)}};
  const auto block = store.open_block("b");
  SnapshotWriter writer(folder_);
  std::mt19937 random(1);
  constexpr core::Slot slots = 500;
  core::Batch out;
  for (core::Slot slot = 0; slot < slots; ++slot) out.fresh.push_back({slot, named("m" + std::to_string(slot))});
  std::size_t most = 0;
  std::size_t most_files = 0;
  for (int i = 0; i < 3'000; ++i) {
    out.rows.clear();
    for (core::Slot slot = 0; slot < slots; ++slot) out.rows.push_back({slot, static_cast<double>(random())});
    store.append(block, at(i), out);
    out.fresh.clear();
    if (i % 10 != 0) continue;
    store.maintain(at(i));
    const auto stats = write(writer, store, i);
    most = std::max(most, stats.on_disk);
    most_files = std::max(most_files, stats.files);
  }
  // Five minutes are 750 KB, and a file more covers five minutes again.
  EXPECT_LT(most, 2'500'000U);
  EXPECT_GT(most, 700'000U);
  EXPECT_LE(most_files, 6U);
}

TEST_F(Snapshot, ManyRestartsLeaveNoTrace) {
  ChanceTargets targets(7);
  auto store = std::make_unique<Store>(Limits{});
  targets.open(*store);
  std::size_t most_files = 0;
  double time = 0;
  for (int restart = 0; restart < 60; ++restart) {
    SnapshotWriter writer(folder_);
    for (int i = 0; i < 8; ++i, time += 15) targets.step(*store, time);
    store->maintain(at(time));
    const auto stats = write(writer, *store, time);
    most_files = std::max(most_files, stats.files);
    auto next = std::make_unique<Store>(Limits{});
    EXPECT_EQ(all_notes(restored(*next, time)), "");
    EXPECT_EQ(contents(next->live(), time - 1'700), contents(store->live(), time - 1'700)) << restart;
    EXPECT_EQ(newest(next->live(), time), newest(store->live(), time)) << restart;
    store = std::move(next);
    targets.open(*store);
  }
  EXPECT_LE(most_files, 40U) << "a file a restart, until its samples are old";
}

// What a series's past looks like may differ in one point only: one that is not in the first row after a restart is
// seen by look-back there.
TEST_F(Snapshot, ByChanceAllIsAsBefore) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    fs::remove_all(folder_);
    ChanceTargets targets(seed);
    Store store{Limits{}};
    targets.open(store);
    SnapshotWriter writer(folder_);
    double time = 0;
    for (int i = 0; i < 150; ++i, time += 15) {
      targets.step(store, time);
      if (targets.chance(7)) write(writer, store, time);
    }
    write(writer, store, time);
    Store next{Limits{}};
    EXPECT_EQ(all_notes(restored(next, time)), "");
    const auto oldest = time - 1'800;
    EXPECT_EQ(contents(next.live(), oldest), contents(store.live(), oldest)) << seed;
    EXPECT_EQ(contents(next.snapshot(), oldest), contents(store.live(), oldest)) << seed;
    for (double back = 0; back < 1'500; back += 31.3) {
      ASSERT_EQ(newest(next.live(), time - back), newest(store.live(), time - back)) << seed << " " << back;
    }
    const std::vector<std::vector<Matcher>> questions = {
        {equal("__name__", "m3")},
        {{Matcher::Kind::regex, "__name__", "m1.*"}, equal("instance", "host-2")},
        {{Matcher::Kind::not_equal, "generation", ""}},
        {{Matcher::Kind::not_regex, "instance", "host-[0-3]"}}};
    for (const auto& question : questions) {
      const auto labels_of = [&](const View& view) {
        std::set<std::string> out;
        for (const auto series : select(view, question)) {
          if (!text(view, series, oldest).empty()) out.insert(view.labels(series).to_string());
        }
        return out;
      };
      EXPECT_EQ(labels_of(next.live()), labels_of(store.live()));
    }
  }
}

}  // namespace
}  // namespace tocsin::store::test
