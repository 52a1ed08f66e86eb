#include "src/schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>

namespace tocsin::daemon {
namespace {

using namespace std::chrono_literals;
using Settled = Confirmation::Verdict;

TEST(WheelOffset, SpreadsTargetsEvenlyWhateverTheirNumber) {
  std::array<int, 10> tenths{};
  for (std::uint64_t n = 0; n < 1000; ++n) {
    const auto offset = wheel_offset(n, 10s);
    ASSERT_GE(offset, 0ms);
    ASSERT_LT(offset, 10s);
    ++tenths[static_cast<std::size_t>(offset / 1s)];
  }
  for (const int count : tenths) EXPECT_NEAR(count, 100, 3);
}

TEST(WheelOffset, StaysWhenMoreTargetsCome) { EXPECT_EQ(wheel_offset(7, 15s), wheel_offset(7, 15s)); }

TEST(Wheel, GivesEachTargetOncePerInterval) {
  const core::Deadline start{};
  Wheel wheel(start);
  for (std::uint32_t id = 0; id < 20; ++id) wheel.add(id, id, 1s, start);
  std::map<std::uint32_t, int> times;
  for (auto now = start; now < start + 10s; now += 100ms) {
    for (const std::uint32_t id : wheel.due(now)) ++times[id];
  }
  EXPECT_EQ(times.size(), 20U);
  for (const auto& [id, count] : times) EXPECT_EQ(count, 10) << id;
}

TEST(Wheel, StartsTogetherWhatCanStartTogether) {
  struct Case {
    core::Duration interval;
    std::size_t moments;  // in an interval, at which probes start
  };
  for (const auto& [interval, moments] : {Case{200ms, 2}, Case{700ms, 7}, Case{1s, 1}, Case{1500ms, 15}, Case{5s, 5}}) {
    const core::Deadline start{};
    Wheel wheel(start);
    for (std::uint32_t id = 0; id < 100; ++id) wheel.add(id, id, interval, start);
    std::map<core::Deadline, std::size_t> started;
    for (auto now = start; now < start + interval; now += wheel_tick) {
      if (const std::size_t due = wheel.due(now).size(); due > 0) started[now] = due;
    }
    EXPECT_EQ(started.size(), moments) << interval.count();
    for (const auto& [when, due] : started) {
      EXPECT_NEAR(static_cast<double>(due), 100.0 / static_cast<double>(moments), 3) << interval.count();
    }
  }
}

TEST(Wheel, SkipsIntervalsThatWereSleptThrough) {
  const core::Deadline start{};
  Wheel wheel(start);
  wheel.add(1, 0, 1s, start);
  EXPECT_EQ(wheel.due(start).size(), 1U);
  EXPECT_EQ(wheel.due(start + 60s).size(), 1U) << "no burst after a pause";
  EXPECT_TRUE(wheel.due(start + 60s).empty());
  EXPECT_EQ(wheel.next(start + 60s), start + 61s);
}

TEST(Wheel, ForgetsATargetThatWasRemoved) {
  const core::Deadline start{};
  Wheel wheel(start);
  wheel.add(1, 0, 1s, start);
  wheel.add(2, 0, 1s, start);
  wheel.remove(1);
  EXPECT_EQ(wheel.due(start), std::vector<std::uint32_t>{2});
  EXPECT_EQ(wheel.size(), 1U);
}

struct Step {
  bool good;
  Settled expected;
};

class Confirming : public testing::TestWithParam<std::pair<core::Duration, std::vector<Step>>> {};

TEST_P(Confirming, Decides) {
  Confirmation confirmation;
  std::size_t n = 0;
  for (const Step& step : GetParam().second) {
    EXPECT_EQ(confirmation.judge(step.good, GetParam().first), step.expected) << "step " << n;
    ++n;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, Confirming,
    testing::Values(
        // A slip between good answers leaves no trace but a count.
        std::pair{
            core::Duration{500},
            std::vector<Step>{
                {true, Settled::append}, {false, Settled::hold}, {true, Settled::drop_held}, {true, Settled::append}}},
        // A failure that is confirmed is told with both its times; later ones need no confirmation.
        std::pair{core::Duration{500}, std::vector<Step>{{true, Settled::append},
                                                         {false, Settled::hold},
                                                         {false, Settled::append_both},
                                                         {false, Settled::append},
                                                         {true, Settled::append},
                                                         {false, Settled::hold}}},
        // A target that is sick from the start is confirmed as well.
        std::pair{core::Duration{500}, std::vector<Step>{{false, Settled::hold}, {false, Settled::append_both}}},
        // Without `confirm` the first failure counts.
        std::pair{core::Duration{0},
                  std::vector<Step>{{true, Settled::append}, {false, Settled::append}, {false, Settled::append}}}));

TEST(Confirmation, KnowsWhatWasSettled) {
  Confirmation confirmation;
  EXPECT_EQ(confirmation.settled(), std::nullopt);
  (void)confirmation.judge(false, core::Duration{500});
  EXPECT_TRUE(confirmation.holding());
  EXPECT_EQ(confirmation.settled(), std::nullopt) << "held is not settled";
  (void)confirmation.judge(false, core::Duration{500});
  EXPECT_EQ(confirmation.settled(), false);
}

TEST(Admission, BoundsProbesInAllAndPerHost) {
  Admission admission(3, 2);
  const auto a = admission.host("a"), b = admission.host("b");
  EXPECT_TRUE(admission.enter(*a));
  EXPECT_TRUE(admission.enter(*a));
  EXPECT_FALSE(admission.enter(*a));
  const auto third_of_a = admission.wait(*a);
  EXPECT_TRUE(admission.enter(*b));
  EXPECT_FALSE(admission.enter(*b));
  const auto second_of_b = admission.wait(*b);
  // Room in all, but not for the host that has waited longest: the next one goes on.
  EXPECT_EQ(admission.leave(*b), std::vector{second_of_b});
  EXPECT_EQ(admission.under_way(), 3U);
  EXPECT_EQ(admission.leave(*a), std::vector{third_of_a});
  EXPECT_TRUE(admission.leave(*a).empty());
}

TEST(Admission, WhoGivesUpIsNotCalled) {
  Admission admission(1, 1);
  const auto a = admission.host("a"), b = admission.host("b"), c = admission.host("c");
  EXPECT_TRUE(admission.enter(*a));
  const auto first = admission.wait(*b), second = admission.wait(*c);
  EXPECT_TRUE(admission.give_up(first));
  EXPECT_EQ(admission.leave(*a), std::vector{second});
  EXPECT_FALSE(admission.give_up(second)) << "it was called: it is in, and has to leave";
}

TEST(Admission, AHostIsTheSameAsLongAsItIsKept) {
  Admission admission(10, 1);
  const auto kept = admission.host("kept");
  EXPECT_TRUE(admission.enter(*kept));
  for (int n = 0; n < 1000; ++n) EXPECT_TRUE(admission.host(std::to_string(n)));
  EXPECT_EQ(admission.host("kept"), kept);
  EXPECT_FALSE(admission.enter(*admission.host("kept")));
}

}  // namespace
}  // namespace tocsin::daemon
