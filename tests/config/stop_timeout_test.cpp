#include "tocsin/daemon/config/stop_timeout.hpp"

#include <gtest/gtest.h>

namespace tocsin::daemon {
namespace {

using std::chrono::seconds;

TEST(StopTimeout, IsReadFromTheUnit) {
  const std::pair<std::string, std::optional<seconds>> table[] = {
      {"[Service]\nTimeoutStopSec=90\n", seconds{90}},
      {"[Service]\nTimeoutStopSec=90", seconds{90}},
      {"[Service]\nTimeoutStopSec = 1min 30s\n", seconds{90}},
      {"[Service]\nTimeoutStopSec=1m30s\n", seconds{90}},
      {"[Service]\nTimeoutStopSec=1.5min\r\n", seconds{90}},
      {"[Service]\nTimeoutStopSec=2h\n", seconds{7200}},
      {"[Service]\nTimeoutStopSec=1500ms\n", seconds{1}},
      {"[Service]\nTimeoutStopSec=infinity\n", seconds::max()},
      {"[Service]\nTimeoutStopSec=0\n", seconds::max()},
      {"[Service]\nTimeoutSec=20\nTimeoutStopSec=30\n", seconds{30}},
      {"[Service]\nTimeoutStopSec=30\nTimeoutSec=20\n", seconds{20}},
      {"[Service]\nTimeoutStopSec=30\nTimeoutStopSec=\n", std::nullopt},
      {"[Service]\n# TimeoutStopSec=30\n", std::nullopt},
      {"[Unit]\nTimeoutStopSec=30\n[Service]\nType=notify\n", std::nullopt},
      {"[Service]\nTimeoutStopSec=soon\n", std::nullopt},
      {"[Service]\nTimeoutStopSec=3 parsecs\n", std::nullopt},
      {"[Service]\nTimeoutStopSec=-3\n", std::nullopt},
      {"", std::nullopt},
  };
  for (const auto& [unit, timeout] : table) EXPECT_EQ(parse_stop_timeout(unit), timeout) << unit;
}

TEST(StopTimeout, MustLeaveTimeForARunningCommand) {
  Config config;
  EXPECT_FALSE(stop_timeout_problem(config, seconds{1}));
  config.actions.resize(2);
  config.actions[0].name = "grow";
  config.actions[0].mode = actions::Mode::automatic;
  config.actions[0].timeout = seconds{60};
  config.actions[1].timeout = seconds{600};  // shadow: nothing runs that a stop could hurt
  EXPECT_FALSE(stop_timeout_problem(config, seconds{70}));
  EXPECT_FALSE(stop_timeout_problem(config, seconds::max()));
  EXPECT_EQ(stop_timeout_problem(config, seconds{69}),
            "the unit's TimeoutStopSec is 1m9s, but the action \"grow\" may run for 1m: a stop would kill it half done "
            "(set TimeoutStopSec to 1m10s or more)");
  config.actions[1].mode = actions::Mode::approve;
  EXPECT_TRUE(stop_timeout_problem(config, seconds{70})) << "what a person approved runs as well";
  EXPECT_FALSE(stop_timeout_problem(config, seconds{610}));
}

}  // namespace
}  // namespace tocsin::daemon
