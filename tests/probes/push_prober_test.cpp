#include <gtest/gtest.h>

#include <thread>

#include "support/one_prober.hpp"
#include "tocsin/probes/push.hpp"

namespace tocsin::probes {
namespace {

using namespace std::chrono_literals;
using core::Outcome;
using core::TextFormat;
using test::OneProber;

const core::TimePoint start = core::from_millis(1'700'000'000'000);

Push push(core::TimePoint at, int status = 0, std::string body = "", std::optional<double> duration = std::nullopt) {
  Push p;
  p.at = at;
  p.status = status;
  p.body = std::move(body);
  p.duration = duration;
  return p;
}

class PushTest : public testing::Test {
 protected:
  PushTest() { box_.expect("backup", start); }
  OneProber prober() {
    PushOptions options;
    options.name = "backup";
    options.expect_every = 24h;
    return OneProber(
        [this, options](net::Connector&, net::Executor executor, Identity identity) {
          return make_push_prober(box_, std::move(executor), std::move(identity), options);
        },
        core::Labels{{"job", "backup"}});
  }
  PushBox box_;
};

TEST_F(PushTest, AJobThatReportsIsWell) {
  auto probe = prober();
  auto seen = probe();
  EXPECT_EQ(seen.outcome, Outcome::ok) << "it has its time to report first";
  EXPECT_FALSE(probe.has("tocsin_push_last_timestamp_seconds{job=\"backup\"}"));
  ASSERT_TRUE(box_.put("backup", push(start + 1h, 0, "# TYPE size gauge\nsize 5\n", 12.5)));
  for (int round = 0; round < 2; ++round) {
    probe.at = start + 2h + round * 1h;
    seen = probe();
    EXPECT_EQ(seen.outcome, Outcome::ok) << seen.detail;
    EXPECT_EQ(probe.value("tocsin_push_last_timestamp_seconds{job=\"backup\"}"), 1'700'003'600);
    EXPECT_EQ(probe.value("tocsin_push_status{job=\"backup\"}"), 0);
    EXPECT_EQ(probe.value("tocsin_push_duration_seconds{job=\"backup\"}"), 12.5);
    EXPECT_EQ(probe.value("tocsin_push_expect_every_seconds{job=\"backup\"}"), 86'400);
    EXPECT_EQ(probe.value("size{job=\"backup\"}"), 5) << "what it said stands";
    EXPECT_EQ(seen.described.size(), round == 0 ? 1U : 0U);
  }
  ASSERT_TRUE(box_.put("backup", push(start + 5h, 0, "other 1\n")));
  probe.at = start + 6h;
  seen = probe();
  EXPECT_TRUE(probe.has("other{job=\"backup\"}"));
  EXPECT_FALSE(probe.has("size{job=\"backup\"}"));
  EXPECT_FALSE(probe.has("tocsin_push_duration_seconds{job=\"backup\"}"));
}

TEST_F(PushTest, SilenceIsTheAlarm) {
  auto probe = prober();
  probe.at = start + 24h;
  EXPECT_EQ(probe().outcome, Outcome::ok);
  probe.at = start + 24h + 1s;
  auto seen = probe();
  EXPECT_EQ(seen.outcome, Outcome::timeout);
  EXPECT_EQ(seen.detail, "has not reported at all for 1d1s, expected every 1d");
  ASSERT_TRUE(box_.put("backup", push(start + 25h, 0, "size 5\n")));
  EXPECT_EQ(probe().outcome, Outcome::ok);
  probe.at = start + 50h;
  seen = probe();
  EXPECT_EQ(seen.outcome, Outcome::timeout);
  EXPECT_EQ(seen.detail, "has not reported for 1d1h, expected every 1d");
  EXPECT_TRUE(probe.has("tocsin_push_last_timestamp_seconds{job=\"backup\"}"));
}

TEST_F(PushTest, AReportOfFailureIsOne) {
  auto probe = prober();
  ASSERT_TRUE(box_.put("backup", push(start, 3, "size 0\n")));
  const auto seen = probe();
  EXPECT_EQ(seen.outcome, Outcome::unexpected);
  EXPECT_EQ(seen.detail, "reported status 3");
  EXPECT_EQ(probe.value("tocsin_push_success{job=\"backup\"}"), 0);
  EXPECT_EQ(probe.value("size{job=\"backup\"}"), 0);
}

TEST_F(PushTest, LimitsHoldForWhatIsSent) {
  PushOptions options;
  options.name = "backup";
  options.expect_every = 24h;
  options.rules.sample_limit = 1;
  OneProber probe([&](net::Connector&, net::Executor executor, Identity identity) {
    return make_push_prober(box_, std::move(executor), std::move(identity), options);
  });
  ASSERT_TRUE(box_.put("backup", push(start, 0, "a 1\nb 1\n")));
  for (int round = 0; round < 2; ++round) EXPECT_EQ(probe().outcome, Outcome::limit);
  EXPECT_EQ(probe.value("tocsin_push_status"), 0);
}

TEST_F(PushTest, APushWakesTheProbe) {
  auto probe = prober();
  ASSERT_TRUE(probe.prober().has_sentinel());
  std::thread job([this] { box_.put("backup", push(start)); });
  EXPECT_TRUE(probe.loop().run(probe.prober().watch()));
  job.join();
  // One that comes before the watch begins is not lost either.
  static_cast<void>(probe());
  box_.put("backup", push(start + 1s));
  EXPECT_TRUE(probe.loop().run(probe.prober().watch()));
  // And who stops watching gets no alarm.
  probe.loop().loop().post_after(5ms, [&probe] { probe.prober().stop_watching(); });
  EXPECT_FALSE(probe.loop().run(probe.prober().watch()));
}

TEST_F(PushTest, ABoxKnowsWhoIsExpected) {
  EXPECT_FALSE(box_.put("stranger", push(start)));
  EXPECT_FALSE(box_.record("stranger"));
  EXPECT_FALSE(box_.expect("backup", start + 1h)) << "since when it is waited for does not move";
  EXPECT_EQ(box_.record("backup")->since, start);
  { auto probe = prober(); }
  EXPECT_TRUE(box_.put("backup", push(start))) << "who has gone is not woken";
}

TEST(PushRecordText, GoesToDiskAndBack) {
  PushRecord record;
  record.since = start;
  EXPECT_EQ(decode_push_record(encode(record))->since, start);
  EXPECT_FALSE(decode_push_record(encode(record))->last);
  Push said = push(start + 5s, -7, "a 1\nb 2\n", 1.25);
  said.format = TextFormat::openmetrics;
  record.last = std::make_shared<const Push>(said);
  const auto back = decode_push_record(encode(record));
  ASSERT_TRUE(back);
  ASSERT_TRUE(back->last);
  EXPECT_EQ(*back->last, said);
  record.last = std::make_shared<const Push>(push(start));
  EXPECT_EQ(*decode_push_record(encode(record))->last, *record.last);
  for (const std::string_view bad : {"", "1 5", "2 5\n", "1 x\n", "1 5 6\n", "1 5 6 0 - text\n",
                                     "1 5 6 0 x prometheus\n", "1 5 6 0 - prometheus more\n"}) {
    EXPECT_FALSE(decode_push_record(bad)) << bad;
  }
}

TEST(PushBody, IsCheckedBeforeItIsTaken) {
  EXPECT_TRUE(check_push_body("", TextFormat::openmetrics));
  EXPECT_TRUE(check_push_body("a 1\n", TextFormat::prometheus));
  EXPECT_EQ(check_push_body("a 1\nb\n", TextFormat::prometheus).error().detail.substr(0, 7), "line 2:");
  EXPECT_EQ(check_push_body("a{x=\"1\",x=\"2\"} 1\n", TextFormat::prometheus).error().detail,
            "line 1: a label stands twice in a series");
  EXPECT_FALSE(check_push_body("a 1\n", TextFormat::openmetrics));
}

}  // namespace
}  // namespace tocsin::probes
