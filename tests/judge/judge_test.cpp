#include "src/judge.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "support/wait_until.hpp"
#include "tocsin/core/yaml.hpp"
#include "tocsin/rules/rule_file.hpp"

namespace tocsin::daemon {
namespace {

using namespace std::chrono_literals;
using test::wait_until;

core::TimePoint wall() { return std::chrono::time_point_cast<core::Duration>(std::chrono::system_clock::now()); }

std::vector<rules::GroupSpec> groups(const std::string& text) {
  core::Diagnostics diagnostics;
  const auto document =
      core::parse_yaml(std::make_shared<core::SourceFile>(core::SourceFile{"rules.yml", text}), diagnostics);
  auto specs = rules::parse_rule_file(document, diagnostics);
  EXPECT_FALSE(diagnostics.has_errors()) << diagnostics.render();
  return specs;
}

constexpr const char* down_rule = "groups: [{name: g, interval: 1h, rules: [{alert: Down, expr: 'redis_up == 0'}]}]\n";

class JudgeTest : public testing::Test {
 protected:
  net::Loop loop{[](const std::string& name, const std::string& what) { ADD_FAILURE() << name << ": " << what; }};
  std::mutex mutex;
  std::vector<core::AlertChange> told;
  std::vector<core::Memory> kept;
  std::atomic<std::int64_t> clock_set{0};  // by so many milliseconds
  std::atomic<bool> put_aside{false};      // the next who reads the clock is slow to go on
  core::TimePoint now() const { return wall() + core::Duration{clock_set.load()}; }
  core::TimePoint read_clock() {
    const auto read = now();
    if (put_aside.exchange(false)) std::this_thread::sleep_for(1200ms);
    return read;
  }
  Judge judge{loop, store::Limits{}, Log(Level::error, stderr_sink()),
              JudgeHooks{[this] { return read_clock(); },
                         [this](std::vector<core::AlertChange> changes, const std::vector<core::Memory>& memories) {
                           const std::lock_guard lock(mutex);
                           for (const auto& memory : memories) kept.push_back(memory);
                           for (auto& c : changes) told.push_back(std::move(c));
                         },
                         [] { return std::vector<std::pair<core::Labels, double>>{}; }}};
  std::thread thread{[this] { loop.run(); }};

  void SetUp() override {
    Judge::TargetInfo info;
    info.id = 1;
    info.labels = core::Labels{{"job", "cache"}, {"instance", "a"}};
    info.metric_names = std::make_shared<const std::vector<std::string_view>>(1, "redis_up");
    std::vector<Judge::TargetInfo> added{info};
    judge.change_targets({}, added);
  }
  void TearDown() override {
    judge.stop();
    loop.stop();
    thread.join();
  }

  void rules(const std::string& text) {
    Judge::Rules all;
    all.groups = groups(text);
    judge.set_rules(std::move(all));
  }
  void observe(double up, bool flip, core::TimePoint at) {
    core::Observation observation;
    observation.target = 1;
    observation.at = at;
    observation.outcome = up > 0 ? core::Outcome::ok : core::Outcome::connect;
    if (!introduced)
      observation.batch.fresh = {{0, core::Labels{{"__name__", "redis_up"}, {"job", "cache"}, {"instance", "a"}}}};
    introduced = true;
    observation.batch.rows = {{0, up}};
    std::vector<core::Observation> all;
    all.push_back(std::move(observation));
    judge.deliver(std::move(all), flip);
  }
  std::size_t count(core::AlertChange::Kind kind) {
    const std::lock_guard lock(mutex);
    return static_cast<std::size_t>(
        std::count_if(told.begin(), told.end(), [kind](const auto& c) { return c.kind == kind; }));
  }
  bool introduced = false;
};

TEST_F(JudgeTest, JudgesAFlipAtOnceAndNotAtTheNextSlot) {
  rules(down_rule);
  observe(1, true, wall() - 2s);
  ASSERT_TRUE(wait_until([&] { return judge.counters().early_runs >= 1; }));
  observe(0, true, wall());
  EXPECT_TRUE(wait_until([&] { return count(core::AlertChange::Kind::firing) == 1; }, 2s))
      << "the next slot is up to an hour away";
  observe(1, true, wall() + 1ms);
  EXPECT_TRUE(wait_until([&] { return count(core::AlertChange::Kind::resolved) == 1; }, 2s));
}

TEST_F(JudgeTest, LeavesGroupsAloneThatDoNotReadTheTarget) {
  rules(
      "groups: [{name: g, interval: 1h, rules: [{alert: Other, expr: 'redis_up{instance=\"b\"} == 0'}, {alert: Pg, "
      "expr: 'pg_up == 0'}]}]\n");
  ASSERT_TRUE(wait_until([&] { return judge.counters().early_runs == 1; })) << "the first evaluation after a start";
  observe(0, true, wall());
  observe(1, true, wall() + 1ms);
  ASSERT_TRUE(wait_until([&] { return judge.store_stats().samples_appended >= 2; }));
  EXPECT_EQ(judge.counters().early_runs, 1U);
}

TEST_F(JudgeTest, CoalescesFlipsThatComeInARow) {
  rules(down_rule);
  const auto start = wall();
  for (int n = 0; n < 40; ++n) observe(n % 2, true, start + core::Duration{n});
  ASSERT_TRUE(wait_until([&] { return judge.store_stats().samples_appended >= 40; }));
  ASSERT_TRUE(wait_until([&] { return judge.counters().early_runs >= 2; }));
  EXPECT_LE(judge.counters().early_runs, 4U) << "at most one early run in 250 ms";
}

TEST_F(JudgeTest, KeepsAlertsOverAReloadAndEndsThoseOfRemovedRules) {
  rules(down_rule);
  observe(0, true, wall());
  ASSERT_TRUE(wait_until([&] { return count(core::AlertChange::Kind::firing) == 1; }));
  rules("groups: [{name: g, interval: 1h, rules: [{alert: Down, expr: 'redis_up == 0', annotations: {a: b}}]}]\n");
  ASSERT_TRUE(wait_until([&] { return judge.counters().early_runs >= 3; }));
  EXPECT_EQ(count(core::AlertChange::Kind::firing), 1U) << "it does not fire anew";
  rules("groups: []\n");
  EXPECT_TRUE(wait_until([&] { return judge.groups().empty(); }));
}

TEST_F(JudgeTest, ATargetThatIsWithheldIsNotJudgedButToldAgain) {
  Judge::Rules all;
  all.groups = groups(
      "groups: [{name: g, interval: 200ms, rules: [{alert: Down, expr: 'redis_up == 0'}, {alert: Gone, expr: "
      "'absent(redis_up)'}, {alert: Other, expr: 'vector(1)'}]}, {name: h, interval: 200ms, rules: [{alert: Clock, "
      "expr: "
      "'vector(1)'}]}]\n");
  all.settings.resend_delay = 300ms;
  judge.set_rules(std::move(all));
  observe(0, true, wall());
  ASSERT_TRUE(wait_until([&] { return count(core::AlertChange::Kind::firing) >= 3; }));
  judge.withhold(1);
  ASSERT_TRUE(wait_until([&] { return judge.counters().settling; }));
  const auto repeated = count(core::AlertChange::Kind::repeated);
  EXPECT_TRUE(wait_until([&] { return count(core::AlertChange::Kind::repeated) >= repeated + 4; }))
      << "Alertmanager would end by itself what it is not told again";
  const auto resolved = count(core::AlertChange::Kind::resolved);
  observe(1, false, wall());
  observe(1, false, wall() + 1ms);
  ASSERT_TRUE(wait_until([&] { return count(core::AlertChange::Kind::resolved) == resolved + 1; }))
      << "it was heard twice, and says that all is well";
  EXPECT_TRUE(wait_until([&] { return !judge.counters().settling; }));
}

TEST_F(JudgeTest, GoesOnWhereAProcessBeforeItWas) {
  rules("groups: [{name: g, interval: 200ms, rules: [{alert: Down, expr: 'redis_up == 0', for: 1h}]}]\n");
  observe(0, true, wall());
  ASSERT_TRUE(wait_until([&] { return count(core::AlertChange::Kind::pending) == 1; }));
  std::vector<core::Memory> left;
  {
    const std::lock_guard lock(mutex);
    left = kept;
  }
  core::TimePoint since;
  {
    const std::lock_guard lock(mutex);
    since = told.front().alert.active_at;
  }
  // Another judge, without samples: the target is unknown, and the timer stands.
  net::Loop other_loop{[](const std::string& name, const std::string& what) { ADD_FAILURE() << name << what; }};
  Judge other{
      other_loop, store::Limits{}, Log(Level::error, stderr_sink()),
      JudgeHooks{wall, [](const auto&, const auto&) {}, [] { return std::vector<std::pair<core::Labels, double>>{}; }}};
  std::thread other_thread([&] { other_loop.run(); });
  std::sort(left.begin(), left.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  Inheritance inheritance;
  inheritance.memories = left;
  inheritance.last_alive = wall();
  other.inherit(std::move(inheritance));
  Judge::TargetInfo info;
  info.id = 1;
  info.labels = core::Labels{{"job", "cache"}, {"instance", "a"}};
  info.metric_names = std::make_shared<const std::vector<std::string_view>>(1, "redis_up");
  other.change_targets({}, {info});
  Judge::Rules all;
  all.groups = groups("groups: [{name: g, interval: 200ms, rules: [{alert: Down, expr: 'redis_up == 0', for: 1h}]}]\n");
  other.set_rules(std::move(all));
  const auto alert = [&]() -> std::optional<core::Alert> {
    const auto statuses = other.groups();
    if (statuses.empty() || statuses[0]->rules[0].alerts.empty()) return std::nullopt;
    return statuses[0]->rules[0].alerts[0];
  };
  EXPECT_TRUE(wait_until([&] { return alert().has_value(); }));
  EXPECT_TRUE(wait_until([&] { return !other.groups().empty() && other.groups()[0]->rules[0].last_error != ""; }));
  ASSERT_TRUE(alert().has_value()) << "without a word of the target nothing ends";
  EXPECT_EQ(alert()->active_at, since);
  other.stop();
  other_loop.stop();
  other_thread.join();
}

TEST_F(JudgeTest, AClockThatIsSetMovesTimersAndBlindsNobodyForLong) {
  for (const std::int64_t by : {std::int64_t{-3'600'000}, std::int64_t{7'200'000}}) {
    SCOPED_TRACE(by);
    rules("groups: [{name: g, interval: 200ms, rules: [{alert: Down, expr: 'redis_up == 0', for: 30m}]}]\n");
    observe(0, true, now());
    const auto alert = [&]() -> std::optional<core::Alert> {
      const auto statuses = judge.groups();
      if (statuses.empty() || statuses[0]->rules[0].alerts.empty()) return std::nullopt;
      return statuses[0]->rules[0].alerts[0];
    };
    ASSERT_TRUE(wait_until([&] { return alert().has_value(); }));
    const auto since = alert()->active_at;
    const auto jumps = judge.counters().clock_jumps;
    clock_set += by;
    ASSERT_TRUE(wait_until([&] { return judge.counters().clock_jumps == jumps + 1; }));
    observe(0, false, now());
    observe(0, false, now() + 1ms);
    ASSERT_TRUE(wait_until([&] { return !judge.counters().settling; }));
    ASSERT_TRUE(wait_until([&] { return alert() && alert()->active_at != since; })) << "told with the next evaluation";
    EXPECT_EQ(judge.counters().too_old, 0U) << "rows are taken by the new time";
    const auto moved = alert();
    ASSERT_TRUE(moved.has_value());
    EXPECT_EQ(moved->state, core::AlertState::pending) << "an hour of the clock is none of waiting";
    EXPECT_NEAR(core::to_seconds(moved->active_at - since), static_cast<double>(by) / 1000, 2.0);
    EXPECT_EQ(count(core::AlertChange::Kind::firing), 0U);
    EXPECT_EQ(count(core::AlertChange::Kind::gone), 0U);
    rules("groups: []\n");
    ASSERT_TRUE(wait_until([&] { return judge.groups().empty(); }));
  }
}

TEST_F(JudgeTest, AThreadThatIsPutAsideIsNotAClockThatWasSet) {
  rules("groups: [{name: g, interval: 50ms, rules: [{record: r, expr: 'redis_up'}]}]\n");
  const auto looks = [&] {
    const auto statuses = judge.groups();
    return statuses.empty() ? 0U : statuses[0]->evaluations;
  };
  ASSERT_TRUE(wait_until([&] { return looks() >= 1; }));
  for (int n = 0; n < 3; ++n) {
    put_aside = true;
    ASSERT_TRUE(wait_until([&] { return !put_aside; }));
    const auto before = looks();
    ASSERT_TRUE(wait_until([&] { return looks() >= before + 2; }, 10s));
  }
  EXPECT_EQ(judge.counters().clock_jumps, 0U);
}

TEST_F(JudgeTest, AnswersReadersWhileItWorks) {
  rules("groups: [{name: g, interval: 1s, rules: [{record: r, expr: 'redis_up + 1'}]}]\n");
  const auto start = wall();
  std::atomic<bool> done{false};
  std::thread reader([&] {
    const std::vector<core::Matcher> matchers{{core::Matcher::Kind::equal, "__name__", "redis_up"}};
    while (!done) {
      const auto view = judge.snapshot();
      for (const auto id : view.select(matchers)) (void)view.latest(id, wall() + 10s, 1h);
      (void)judge.groups();
      (void)judge.store_stats();
    }
  });
  for (int n = 0; n < 500; ++n) observe(n % 2, n % 50 == 0, start + core::Duration{n});
  EXPECT_TRUE(wait_until([&] { return judge.store_stats().samples_appended >= 500; }));
  done = true;
  reader.join();
}

}  // namespace
}  // namespace tocsin::daemon
