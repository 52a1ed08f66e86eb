#include "src/hearing.hpp"

#include <gtest/gtest.h>

namespace tocsin::daemon {
namespace {

using namespace std::chrono_literals;

core::TimePoint at(std::chrono::milliseconds time) { return core::TimePoint{} + 1h + time; }

TEST(Hearing, ATargetIsKnownOnceHeardAndSettledOnceHeardTwice) {
  Hearing hearing;
  EXPECT_FALSE(hearing.settling());
  EXPECT_TRUE(hearing.lost(1, at(0s)));
  EXPECT_FALSE(hearing.lost(1, at(1s))) << "it is no news";
  EXPECT_TRUE(hearing.unknown(1));
  EXPECT_TRUE(hearing.settling());
  EXPECT_TRUE(hearing.heard(1));
  EXPECT_FALSE(hearing.unknown(1));
  EXPECT_TRUE(hearing.settling()) << "a rate needs two samples";
  EXPECT_FALSE(hearing.heard(1));
  EXPECT_FALSE(hearing.settling());
  EXPECT_FALSE(hearing.heard(2)) << "of this one nothing was unknown";
}

TEST(Hearing, LosingItAgainBeginsAnew) {
  Hearing hearing;
  EXPECT_TRUE(hearing.lost(1, at(0s)));
  EXPECT_TRUE(hearing.heard(1));
  EXPECT_TRUE(hearing.lost(1, at(1s)));
  EXPECT_TRUE(hearing.heard(1));
  EXPECT_FALSE(hearing.heard(1));
  EXPECT_FALSE(hearing.settling());
}

TEST(Hearing, SilenceWithoutAReasonIsGivenUp) {
  Hearing hearing;
  EXPECT_TRUE(hearing.lost(1, at(0s)));
  EXPECT_FALSE(hearing.give_up(at(0s) + Hearing::patience - 1ms));
  EXPECT_TRUE(hearing.settling());
  EXPECT_TRUE(hearing.give_up(at(0s) + Hearing::patience));
  EXPECT_FALSE(hearing.settling());
  EXPECT_FALSE(hearing.give_up(at(1h))) << "there is nobody left";
}

TEST(Hearing, WhileThereIsAReasonNobodyIsGivenUp) {
  Hearing hearing;
  hearing.set_excused(true, at(0s));
  EXPECT_TRUE(hearing.lost(1, at(1s)));
  EXPECT_FALSE(hearing.give_up(at(10h)));
  hearing.set_excused(false, at(10h));
  EXPECT_FALSE(hearing.give_up(at(10h)));
  EXPECT_TRUE(hearing.give_up(at(10h) + Hearing::patience));
}

TEST(Hearing, AClockThatIsSetMovesThePatience) {
  Hearing hearing;
  EXPECT_TRUE(hearing.lost(1, at(0s)));
  hearing.shift(1h);
  EXPECT_FALSE(hearing.give_up(at(1h)));
  EXPECT_TRUE(hearing.give_up(at(1h) + Hearing::patience));
}

TEST(Hearing, WhoIsTakenAwayHoldsUpNobody) {
  Hearing hearing;
  EXPECT_TRUE(hearing.lost(1, at(0s)));
  EXPECT_TRUE(hearing.lost(2, at(0s)));
  EXPECT_TRUE(hearing.heard(2));
  std::size_t unknown = 0;
  hearing.each_unknown([&](std::uint32_t target) {
    EXPECT_EQ(target, 1U);
    ++unknown;
  });
  EXPECT_EQ(unknown, 1U);
  EXPECT_TRUE(hearing.removed(1));
  EXPECT_FALSE(hearing.removed(2)) << "it was known";
  EXPECT_FALSE(hearing.settling());
}

}  // namespace
}  // namespace tocsin::daemon
