#include "src/mutes.hpp"

#include <gtest/gtest.h>

namespace tocsin::daemon {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using Kind = core::AlertChange::Kind;

/// On the 21st of November 2026, and the days after it.
core::TimePoint at(int hour, int minute) {
  const std::chrono::sys_days day = std::chrono::year(2026) / std::chrono::November / 21;
  return std::chrono::time_point_cast<core::Duration>(day + hours{hour} + minutes{minute});
}

core::AlertChange change(Kind kind, core::TimePoint fired, core::TimePoint now, const std::string& system = "x") {
  core::AlertChange change;
  change.kind = kind;
  change.at = now;
  change.alert.labels = core::Labels{{"alertname", "A"}, {"system", system}};
  change.alert.fired_at = fired;
  return change;
}

/// A window from two to four, for one system.
class Muted : public Mutes {
 public:
  explicit Muted(bool alerts = false) {
    MaintenanceWindow window;
    window.match = {core::Matcher(core::Matcher::Kind::equal, "system", "x")};
    window.from = hours{2};
    window.to = hours{4};
    window.alerts = alerts;
    set({window});
  }
};

TEST(Mutes, WithholdWhatBeginsInTheWindow) {
  const Muted mutes;
  EXPECT_TRUE(mutes.withheld(change(Kind::firing, at(2, 0), at(2, 0))));
  EXPECT_TRUE(mutes.withheld(change(Kind::repeated, at(2, 0), at(3, 59))));
  EXPECT_TRUE(mutes.withheld(change(Kind::resolved, at(2, 0), at(3, 0)))) << "nobody knows of it";
  EXPECT_FALSE(mutes.withheld(change(Kind::firing, at(2, 0), at(2, 0), "y")));
  EXPECT_FALSE(mutes.withheld(change(Kind::firing, at(1, 59), at(1, 59))));
}

TEST(Mutes, TellAtTheEndWhatStillFires) {
  EXPECT_FALSE(Muted().withheld(change(Kind::repeated, at(2, 0), at(4, 0))));
  EXPECT_FALSE(Muted().withheld(change(Kind::resolved, at(2, 0), at(4, 1))));
}

TEST(Mutes, GoOnWithWhatIsKnown) {
  EXPECT_FALSE(Muted().withheld(change(Kind::repeated, at(1, 0), at(2, 30))));
  EXPECT_FALSE(Muted().withheld(change(Kind::resolved, at(1, 0), at(2, 30))));
  // It began in the window of the day before, and was told in between.
  EXPECT_FALSE(Muted().withheld(change(Kind::repeated, at(2, 30), at(24 + 2, 30))));
}

TEST(Mutes, AreOffUnlessAsked) {
  EXPECT_FALSE(Muted(true).withheld(change(Kind::firing, at(2, 0), at(2, 0))));
  EXPECT_FALSE(Mutes().withheld(change(Kind::firing, at(2, 0), at(2, 0))));
}

TEST(Mutes, LeaveTheRestAsItIs) {
  const auto kept =
      Muted().audible({change(Kind::firing, at(2, 0), at(2, 0)), change(Kind::firing, at(2, 0), at(2, 0), "y")});
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].alert.labels.get("system"), "y");
}

}  // namespace
}  // namespace tocsin::daemon
