// From offsets over time to a lag in seconds.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "kafka/history.hpp"
#include "probes/kafka_snapshot.hpp"

namespace tocsin::probes::kafka {
namespace {

using test::at;

OffsetHistory history(const std::vector<std::pair<double, std::int64_t>>& points) {
  OffsetHistory made;
  for (const auto& [seconds, offset] : points) made.add({at(seconds), offset});
  return made;
}

struct Case {
  const char* what;
  std::vector<std::pair<double, std::int64_t>> points;
  std::int64_t commit;
  double now;
  std::optional<double> seconds;
  LagMethod method = LagMethod::interpolated;
};

class LagInSeconds : public testing::TestWithParam<Case> {};

TEST_P(LagInSeconds, IsAsExpected) {
  const Case& c = GetParam();
  const auto lag = history(c.points).lag(c.commit, at(c.now));
  ASSERT_EQ(lag.has_value(), c.seconds.has_value());
  if (!lag) return;
  EXPECT_NEAR(lag->seconds, *c.seconds, 1e-6);
  EXPECT_EQ(to_string(lag->method), to_string(c.method));
}

INSTANTIATE_TEST_SUITE_P(
    Kafka, LagInSeconds,
    testing::Values(Case{"no history", {}, 5, 0, std::nullopt},
                    Case{"one point, behind", {{0, 10}}, 5, 0, std::nullopt},
                    Case{"one point, caught up", {{0, 10}}, 10, 0, 0, LagMethod::caught_up},
                    Case{"beyond the end", {{0, 10}}, 12, 0, 0, LagMethod::caught_up},
                    Case{"between two", {{0, 0}, {10, 100}}, 50, 10, 5},
                    Case{"at a point", {{0, 0}, {10, 100}, {20, 300}}, 100, 20, 10},
                    Case{
                        "after a rest: since the rest's end", {{0, 100}, {10, 100}, {60, 100}, {70, 200}}, 100, 70, 10},
                    Case{"time goes on without writes", {{0, 0}, {10, 100}, {1000, 100}}, 50, 1000, 995},
                    Case{"before the history, at the average rate",
                         {{100, 1000}, {110, 1100}},
                         900,
                         110,
                         20,
                         LagMethod::extrapolated},
                    Case{"not further back than a week",
                         {{0, 1'000'000}, {10, 1'000'001}},
                         0,
                         10,
                         10 + 7 * 86400,
                         LagMethod::extrapolated},
                    Case{"before the history, nothing written", {{0, 10}, {30, 10}}, 5, 30, 30, LagMethod::at_least},
                    Case{"the topic was made anew", {{0, 1000}, {10, 1100}, {20, 10}}, 5, 20, std::nullopt},
                    Case{"and grows again", {{0, 1000}, {10, 1100}, {20, 10}, {30, 30}}, 20, 30, 5},
                    Case{"the clock stood still", {{0, 10}, {0, 20}}, 5, 0, std::nullopt},
                    Case{"the clock went back a little", {{100, 10}, {110, 20}, {109, 30}}, 15, 109, 4},
                    Case{"the clock went back a lot", {{1000, 10}, {1010, 20}, {10, 30}, {20, 40}}, 35, 20, 5}),
    [](const auto& instance) {
      std::string name = instance.param.what;
      for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
      return name;
    });

TEST(KafkaHistory, TakesSeedsInFront) {
  OffsetHistory history;
  history.add({at(0), 1000});
  const EndAt past[] = {{at(-3600), 0}, {at(-300), 900}, {at(-60), 980}};
  history.seed(past);
  EXPECT_EQ(history.points().size(), 4U);
  EXPECT_NEAR(history.lag(450, at(0))->seconds, 3600 - 1650, 1e-6);
  const EndAt nonsense[] = {{at(-7200), 5}, {at(5), 0}};
  history.seed(nonsense);
  EXPECT_EQ(history.points().size(), 4U) << "an offset higher than later ones, and a time after the first";
}

TEST(KafkaHistory, ForgetsWhatNoCommitCanBeBehind) {
  auto kept = history({{0, 0}, {10, 100}, {20, 200}, {30, 300}});
  kept.drop_below(150);
  ASSERT_EQ(kept.points().size(), 3U);
  EXPECT_EQ(kept.points().front().offset, 100);
  EXPECT_NEAR(kept.lag(150, at(30))->seconds, 15, 1e-6);
  kept.drop_below(1000);
  EXPECT_EQ(kept.points().size(), 1U) << "where the log ends is known whatever happens";
}

/// A log that grows at a changing rate, looked at every 15 s for hours: whatever the history forgot, its answers are
/// near the truth, fall with the commit, and are never negative.
TEST(KafkaHistory, StaysNearTheTruthWithFewPoints) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    OffsetHistory history;
    std::vector<EndAt> truth;
    std::int64_t end = 0, rate = 10;
    for (int look = 0; look < 2000; ++look) {
      if (random() % 50 == 0)
        rate = static_cast<std::int64_t>(random() % 4) * static_cast<std::int64_t>(random() % 500);
      end += rate * 15;
      truth.push_back({at(look * 15.0), end});
      history.add(truth.back());
      ASSERT_LE(history.points().size(), OffsetHistory::max_points);
    }
    const core::TimePoint now = truth.back().at;
    double before = std::numeric_limits<double>::infinity();
    for (std::int64_t commit = history.points().front().offset; commit <= end; commit += 1 + end / 1000) {
      const auto lag = history.lag(commit, now);
      ASSERT_TRUE(lag);
      ASSERT_GE(lag->seconds, 0);
      ASSERT_LE(lag->seconds, before);
      before = lag->seconds;
      // The truth: the last look at which the log had not passed the commit, and the next.
      const auto after = std::upper_bound(truth.begin(), truth.end(), commit,
                                          [](std::int64_t offset, const EndAt& p) { return offset < p.offset; });
      if (after == truth.begin() || after == truth.end()) continue;
      const double real = core::to_seconds(now - (after - 1)->at);
      EXPECT_NEAR(lag->seconds, real, 30 + real * 0.25) << "seed " << seed << " commit " << commit;
    }
    EXPECT_EQ(history.lag(end, now)->seconds, 0);
  }
}

TEST(KafkaHistory, AStuckConsumerFallsBehindSecondBySecond) {
  OffsetHistory history;
  double before = 0;
  for (int look = 0; look < 500; ++look) {
    history.add({at(look * 15.0), 100 + look * 150});
    const auto lag = history.lag(1000, at(look * 15.0));
    if (look < 7) continue;  // not behind yet
    ASSERT_TRUE(lag);
    EXPECT_NEAR(lag->seconds, look * 15.0 - 90, 0.01);
    EXPECT_GT(lag->seconds, before);
    before = lag->seconds;
  }
}

}  // namespace
}  // namespace tocsin::probes::kafka
