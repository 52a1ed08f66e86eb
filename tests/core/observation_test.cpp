#include "tocsin/core/observation.hpp"

#include <gtest/gtest.h>

namespace tocsin::core {
namespace {

Labels series(int n) { return Labels{{"__name__", "s"}, {"n", std::to_string(n)}}; }

TEST(SeriesTable, IntroducesASeriesOnce) {
  SeriesTable table;
  table.begin();
  EXPECT_EQ(table.add(series(1), 1), Slot{0});
  EXPECT_EQ(table.add(series(2), 2), Slot{1});
  Batch first = table.take();
  EXPECT_EQ(first.fresh.size(), 2U);
  EXPECT_EQ(first.rows.size(), 2U);
  EXPECT_EQ(first.fresh[1].labels, series(2));
  table.begin();
  EXPECT_EQ(table.add(series(2), 3), Slot{1});
  EXPECT_TRUE(table.add(0, table.serial(0), 4));
  const Batch second = table.take();
  EXPECT_TRUE(second.fresh.empty());
  ASSERT_EQ(second.rows.size(), 2U);
  EXPECT_EQ(second.rows[0].slot, 1U);
  EXPECT_EQ(second.rows[1].value, 4);
}

TEST(SeriesTable, TellsLabelsApartHoweverTheyAreKept) {
  const std::string long_text(300, 'x');
  const std::vector<Labels> all{
      Labels{{"__name__", "alone"}},
      Labels{{"__name__", "s"}, {"instance", "h:1"}, {"job", "j"}},  // what others have in common
      Labels{{"__name__", "t"}, {"instance", "h:1"}, {"job", "j"}},
      Labels{{"__name__", "s"}, {"a", "b"}, {"instance", "h:1"}, {"job", "j"}},
      Labels{{"__name__", "s"}, {"instance", "h:1"}, {"job", "j"}, {"z", long_text}},
      Labels{{"__name__", "s"}, {"instance", "h:1"}, {"job", "j"}, {"z", long_text + "x"}},
      Labels{{"__name__", "s"}, {"instance", "h:2"}, {"job", "j"}},
      Labels{{"__name__", "s"}, {"instance", "h:1"}},
      Labels{{"__name__", "s"}, {"job", "j"}},
      Labels{{"instance", "h:1"}, {"job", "j"}},
      Labels{},
  };
  SeriesTable table;
  for (int round = 0; round < 2; ++round) {
    table.begin();
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(table.add(all[i], 1), Slot{static_cast<Slot>(i)});
    EXPECT_EQ(table.take().fresh.size(), round == 0 ? all.size() : 0);
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(table.labels(static_cast<Slot>(i)), all[i]);
    EXPECT_EQ(table.find(all[i]), Slot{static_cast<Slot>(i)});
  }
  EXPECT_FALSE(table.find(Labels{{"__name__", "u"}, {"instance", "h:1"}, {"job", "j"}}));
}

TEST(SeriesTable, UnusedSlotsServeAgainUnderANewSerial) {
  SeriesTable table(100, 3);
  table.begin();
  ASSERT_EQ(table.add(series(1), 1), Slot{0});
  const auto serial = table.serial(0);
  static_cast<void>(table.take());
  for (int i = 0; i < 2; ++i) {
    table.begin();
    static_cast<void>(table.take());
  }
  table.begin();  // three batches after its last use
  EXPECT_EQ(table.add(series(2), 2), Slot{0});
  EXPECT_NE(table.serial(0), serial);
  EXPECT_FALSE(table.add(0, serial, 3)) << "the slot means something else by now";
  EXPECT_EQ(table.labels(0), series(2));
  const Batch batch = table.take();
  ASSERT_EQ(batch.fresh.size(), 1U);
  EXPECT_EQ(batch.rows.size(), 1U);
  // What was forgotten comes back as new.
  table.begin();
  EXPECT_EQ(table.add(series(1), 1), Slot{1});
  EXPECT_EQ(table.take().fresh.size(), 1U);
}

TEST(SeriesTable, SlotsInUseAreNotTaken) {
  SeriesTable table(100, 2);
  for (int round = 0; round < 10; ++round) {
    table.begin();
    EXPECT_EQ(table.add(series(1), 1), Slot{0});
    static_cast<void>(table.add(series(100 + round), 1));
    static_cast<void>(table.take());
  }
  EXPECT_LE(table.size(), 6U);
}

TEST(SeriesTable, ChurnDoesNotGrowIt) {
  SeriesTable table(100'000, 16);
  std::size_t after_a_while = 0;
  for (int round = 0; round < 4000; ++round) {
    if (round == 1000) after_a_while = table.size();
    table.begin();
    for (int stay = 0; stay < 20; ++stay) static_cast<void>(table.add(series(stay), 1));
    for (int go = 0; go < 5; ++go) static_cast<void>(table.add(series(1000 + round * 5 + go), 1));
    static_cast<void>(table.take());
  }
  EXPECT_LT(table.size(), 400U);
  EXPECT_EQ(table.size(), after_a_while);
  EXPECT_EQ(table.refused(), 0U);
}

TEST(SeriesTable, IsBounded) {
  SeriesTable table(2, 16);
  table.begin();
  EXPECT_TRUE(table.add(series(1), 1));
  EXPECT_TRUE(table.add(series(2), 1));
  EXPECT_FALSE(table.add(series(3), 1));
  EXPECT_EQ(table.refused(), 1U);
  EXPECT_EQ(table.take().rows.size(), 2U);
}

TEST(SeriesTable, AfterAResetOldSlotsMeanNothing) {
  SeriesTable table;
  table.begin();
  ASSERT_EQ(table.add(series(1), 1), Slot{0});
  const auto serial = table.serial(0);
  static_cast<void>(table.take());
  table.reset();
  EXPECT_EQ(table.size(), 0U);
  table.begin();
  EXPECT_FALSE(table.add(0, serial, 1));
  ASSERT_EQ(table.add(series(2), 2), Slot{0});
  EXPECT_FALSE(table.add(0, serial, 3)) << "a slot from before the reset";
  const Batch batch = table.take();
  EXPECT_EQ(batch.fresh.size(), 1U);
  EXPECT_EQ(batch.rows.size(), 1U);
}

TEST(SeriesTable, APinnedSeriesStaysKnownHoweverLongItHasNoSample) {
  SeriesTable table(100, 2);
  Pin pin;
  int made = 0;
  const auto labels = [&made] {
    ++made;
    return series(1);
  };
  table.begin();
  table.add(pin, 1, labels);
  Batch batch = table.take();
  ASSERT_EQ(batch.fresh.size(), 1U);
  EXPECT_EQ(batch.fresh[0].labels, series(1));
  const Slot slot = batch.fresh[0].slot;
  for (int n = 2; n < 20; ++n) {  // others come and go
    table.begin();
    EXPECT_NE(table.add(series(n), n), slot);
    static_cast<void>(table.take());
  }
  EXPECT_LE(table.size(), 5U);
  table.begin();
  table.add(pin, 7, labels);
  batch = table.take();
  EXPECT_TRUE(batch.fresh.empty());
  ASSERT_EQ(batch.rows.size(), 1U);
  EXPECT_EQ(batch.rows[0].slot, slot);
  EXPECT_EQ(batch.rows[0].value, 7);
  EXPECT_EQ(made, 1);
}

TEST(SeriesTable, APinOfBeforeAResetIsGivenAnew) {
  SeriesTable table;
  Pin first, second;
  table.begin();
  table.add(first, 1, [] { return series(1); });
  table.add(second, 2, [] { return series(2); });
  static_cast<void>(table.take());
  table.reset();
  table.begin();
  table.add(second, 3, [] { return series(2); });
  table.add(first, 4, [] { return series(1); });
  const Batch batch = table.take();
  ASSERT_EQ(batch.fresh.size(), 2U);
  EXPECT_EQ(batch.fresh[0].labels, series(2));
  EXPECT_EQ(batch.rows[0].slot, batch.fresh[0].slot);
  EXPECT_EQ(batch.rows[1].slot, batch.fresh[1].slot);
}

TEST(SeriesTable, WhatWasPinnedIsForgottenWithAReset) {
  SeriesTable table(100, 2);
  Pin pin;
  table.begin();
  table.add(pin, 1, [] { return series(1); });
  static_cast<void>(table.take());
  table.reset();
  for (int n = 2; n < 20; ++n) {
    table.begin();
    table.add(series(n), n);
    static_cast<void>(table.take());
  }
  EXPECT_LE(table.size(), 4U) << "what is not pinned any more must be forgotten again";
}

TEST(SeriesTable, APinThatFindsNoRoomIsTriedAgain) {
  SeriesTable table(1, 1);
  Pin pin;
  table.begin();
  table.add(series(1), 1);
  table.add(pin, 2, [] { return series(2); });
  EXPECT_EQ(table.take().rows.size(), 1U);
  EXPECT_EQ(table.refused(), 1U);
  for (int round = 0; round < 2; ++round) {  // by then series 1 is forgotten
    table.begin();
    table.add(pin, 3, [] { return series(2); });
  }
  const Batch batch = table.take();
  ASSERT_EQ(batch.rows.size(), 1U);
  EXPECT_EQ(batch.rows[0].value, 3);
}

TEST(Observation, IsGoodOnlyWithoutAFailure) {
  Observation observation;
  EXPECT_TRUE(observation.good());
  observation.outcome = Outcome::auth;
  EXPECT_FALSE(observation.good());
}

TEST(Words, EveryOutcomeHasOne) {
  EXPECT_EQ(to_string(Outcome::ok), "ok");
  EXPECT_EQ(to_string(Outcome::refused_command), "refused_command");
  EXPECT_EQ(to_string(Outcome::internal), "internal");
  EXPECT_EQ(static_cast<std::size_t>(Outcome::internal) + 1, outcome_count);
  EXPECT_EQ(to_string(Phase::expect), "expect");
  EXPECT_EQ(to_string(MetricType::summary), "summary");
}

}  // namespace
}  // namespace tocsin::core
