#include "src/budget.hpp"

#include <gtest/gtest.h>

#include "src/sparing.hpp"

namespace tocsin::daemon {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const core::TimePoint midnight = core::from_millis(20'000LL * 86'400'000);

TEST(Budget, LastsForThePeriodHoweverItsTargetsAreAsked) {
  Budget budget(1000, hours{24});
  budget.join(1);
  budget.join(2);
  std::map<Budget::Member, core::TimePoint> next{{1, midnight}, {2, midnight}};
  std::uint64_t asked = 0;
  for (core::TimePoint now = midnight; now < midnight + hours{24}; now += seconds{15}) {
    for (auto& [member, when] : next) {
      if (now < when || !budget.affords(member, now)) continue;
      const std::uint32_t cost = member == 1 ? 1 : 3;
      budget.spend(member, cost, now);
      ASSERT_LE(budget.used(now), 1000U);
      when = now + budget.spacing(now);
      ++asked;
    }
  }
  // Two targets that cost 4 together can each be asked some 250 times.
  EXPECT_GT(asked, 450U);
  EXPECT_LE(asked, 510U);
}

TEST(Budget, BeginsAnewWithThePeriod) {
  Budget budget(10, hours{24});
  budget.join(1);
  budget.spend(1, 10, midnight + hours{1});
  EXPECT_FALSE(budget.affords(1, midnight + hours{23}));
  EXPECT_EQ(budget.spacing(midnight + hours{23}), hours{1});
  EXPECT_TRUE(budget.affords(1, midnight + hours{24}));
  EXPECT_EQ(budget.used(midnight + hours{24}), 0U);
}

TEST(Budget, OfAStartInTheMiddleOfAPeriodIsSpentInTheRestOfIt) {
  Budget budget(240, hours{24});
  budget.join(1);
  for (int i = 0; i < 50; ++i) budget.spend(1, 1, midnight + hours{12});
  // 190 are left for twelve hours, one each.
  EXPECT_NEAR(core::to_seconds(budget.spacing(midnight + hours{12})), 12 * 3600 / 190.0, 5);
}

TEST(Budget, WhatWasSpentStaysSpentInAnotherLife) {
  Budget before(10, hours{24});
  before.spend(1, 7, midnight + hours{1});
  const auto after = [&](std::uint64_t commands, core::Duration period, const std::string& spent) {
    Budget budget(commands, period);
    budget.recall(spent);
    return budget.used(midnight + hours{2});
  };
  EXPECT_EQ(after(10, hours{24}, before.spent()), 7U);
  EXPECT_EQ(after(20, hours{24}, before.spent()), 7U) << "also where more is sold now";
  EXPECT_EQ(after(10, hours{1}, before.spent()), 0U);
  for (const char* text : {"", "x", "86400000", "86400000 20000 x"}) EXPECT_EQ(after(10, hours{24}, text), 0U) << text;
  Budget next_day(10, hours{24});
  next_day.recall(before.spent());
  EXPECT_EQ(next_day.used(midnight + hours{25}), 0U);
  EXPECT_TRUE(before.sells(10, hours{24}));
  EXPECT_FALSE(before.sells(11, hours{24}) || before.sells(10, hours{1}));
}

TEST(Sparing, AsksAServiceThatSleepsSoRarelyThatItCan) {
  Sparing sparing({nullptr, minutes{5}, seconds{30}}, 1);
  EXPECT_TRUE(sparing.due(midnight, false));
  sparing.asked(midnight, 1);
  EXPECT_FALSE(sparing.due(midnight + minutes{19}, false));
  EXPECT_TRUE(sparing.due(midnight + minutes{1}, true)) << "a first failure is confirmed all the same";
  EXPECT_TRUE(sparing.due(midnight + minutes{20}, false));
  EXPECT_TRUE(sparing.may_sleep(midnight + minutes{5}));
  EXPECT_FALSE(sparing.may_sleep(midnight + minutes{4}));
}

/// Counts how often it was asked; gives its number as a value.
class Counted final : public probes::Prober {
 public:
  explicit Counted(int& asked) : asked_(asked), common_(base_) {}
  net::Task<core::Observation> probe(probes::ProbeStart start) override {
    ++asked_;
    deadline = start.deadline;
    core::Observation observation;
    observation.at = start.at;
    observation.cost = 4;
    table_.begin();
    core::Labels labels = base_;
    labels.set("__name__", "asked");
    static_cast<void>(table_.add(labels, asked_));
    common_.append(table_, core::Outcome::ok, std::chrono::milliseconds(1));
    observation.batch = table_.take();
    co_return observation;
  }
  core::Deadline deadline{};

 private:
  int& asked_;
  core::Labels base_{{"job", "j"}, {"instance", "i"}};
  core::SeriesTable table_;
  probes::CommonMetrics common_;
};

net::Task<void> ask(probes::Prober& prober, core::TimePoint at, core::Observation& into) {
  probes::ProbeStart start;
  start.at = at;
  start.deadline = std::chrono::steady_clock::now() + seconds{2};
  into = co_await prober.probe(start);
}

TEST(Sparing, LetsTheLastStateStandAndSaysHowOldItIs) {
  net::Loop loop([](const std::string&, const std::string& what) { FAIL() << what; });
  int asked = 0;
  auto inner = std::make_unique<Counted>(asked);
  const Counted& counted = *inner;
  const auto budget = std::make_shared<Budget>(100, hours{1});
  const auto prober = make_sparing_prober(std::move(inner), 7, {budget, minutes{1}, seconds{30}});
  const auto observe = [&](core::TimePoint at) {
    core::Observation seen;
    loop.spawn("ask", ask(*prober, at, seen));
    loop.run_until_idle();
    return seen;
  };
  const core::Observation first = observe(midnight), second = observe(midnight + seconds{90});
  EXPECT_EQ(asked, 1);
  EXPECT_GT(counted.deadline - std::chrono::steady_clock::now(), seconds{20}) << "it may have to start first";
  ASSERT_EQ(first.batch.rows.size(), second.batch.rows.size());
  EXPECT_EQ(second.at, midnight + seconds{90});
  EXPECT_TRUE(second.batch.fresh.empty());
  std::size_t differ = 0;
  for (std::size_t i = 0; i < first.batch.rows.size(); ++i) {
    if (first.batch.rows[i].value == second.batch.rows[i].value) continue;
    ++differ;
    EXPECT_EQ(second.batch.rows[i].value, 90);
    EXPECT_EQ(first.batch.fresh[i].labels.get("__name__"), "tocsin_probe_age_seconds");
  }
  EXPECT_EQ(differ, 1U);
  EXPECT_EQ(budget->used(midnight + seconds{90}), 4U);
  static_cast<void>(observe(midnight + minutes{10}));
  EXPECT_EQ(asked, 2);
}

TEST(Sparing, WithoutAnythingToSpendSaysSo) {
  net::Loop loop([](const std::string&, const std::string& what) { FAIL() << what; });
  int asked = 0;
  const auto budget = std::make_shared<Budget>(1, hours{1});
  const auto prober = make_sparing_prober(std::make_unique<Counted>(asked), 7, {budget, {}, {}});
  core::Observation seen;
  loop.spawn("ask", ask(*prober, midnight, seen));
  loop.run_until_idle();
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(seen.outcome, core::Outcome::limit);
}

}  // namespace
}  // namespace tocsin::daemon
