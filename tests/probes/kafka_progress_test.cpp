// How a consumer gets on, as Burrow would say it.
#include <gtest/gtest.h>

#include <vector>

#include "kafka/pattern.hpp"
#include "kafka/progress.hpp"
#include "probes/kafka_snapshot.hpp"

namespace tocsin::probes::kafka {
namespace {

using test::at;

TEST(KafkaProgress, CountsFromWhenItIsBehindAndStands) {
  Progress progress;
  progress.add(at(0), 10, 0);
  EXPECT_EQ(progress.stalled(at(100)), core::Duration{0}) << "nothing waits";
  progress.add(at(60), 10, 5);
  progress.add(at(90), 10, 9);
  EXPECT_EQ(progress.stalled(at(90)), std::chrono::seconds{30}) << "not since the commit, but since something waits";
  progress.add(at(120), 12, 9);
  EXPECT_EQ(progress.stalled(at(120)), core::Duration{0}) << "it moves";
  progress.add(at(150), 12, 9);
  EXPECT_EQ(progress.stalled(at(150)), std::chrono::seconds{30});
  progress.add(at(180), 21, 0);
  EXPECT_EQ(progress.stalled(at(500)), core::Duration{0});
  EXPECT_EQ(progress.stalled(at(100)), core::Duration{0}) << "a clock that goes back";
}

struct ProgressCase {
  const char* what;
  std::vector<std::pair<std::int64_t, std::int64_t>> looks;  // commit, lag
  bool members;
  ConsumerStatus status;
};

std::vector<std::pair<std::int64_t, std::int64_t>> looks(int n, auto&& of) {
  std::vector<std::pair<std::int64_t, std::int64_t>> made;
  for (int i = 0; i < n; ++i) made.push_back(of(i));
  return made;
}
using Look = std::pair<std::int64_t, std::int64_t>;

TEST(KafkaProgress, IsJudgedByTheLastTenLooks) {
  const ProgressCase cases[] = {
      {"too few looks",
       looks(9,
             [](int) {
               return Look{5, 100};
             }),
       true, ConsumerStatus::ok},
      {"caught up",
       looks(12,
             [](int i) {
               return Look{i, 0};
             }),
       true, ConsumerStatus::ok},
      {"caught up once",
       looks(10,
             [](int i) {
               return Look{i, i == 4 ? 0 : 7};
             }),
       true, ConsumerStatus::ok},
      {"stands, with members",
       looks(12,
             [](int i) {
               return Look{5, 10 + i};
             }),
       true, ConsumerStatus::stall},
      {"stands, without",
       looks(12,
             [](int i) {
               return Look{5, 10 + i};
             }),
       false, ConsumerStatus::stop},
      {"moves and falls behind",
       looks(12,
             [](int i) {
               return Look{i, 10 + i};
             }),
       true, ConsumerStatus::warn},
      {"moves and keeps its distance",
       looks(12,
             [](int i) {
               return Look{i, 10};
             }),
       true, ConsumerStatus::ok},
      {"catches up at times",
       looks(12,
             [](int i) {
               return Look{i, 10 + i - (i % 3 == 0 ? 4 : 0)};
             }),
       true, ConsumerStatus::ok},
      {"went back",
       looks(12,
             [](int i) {
               return Look{i < 8 ? 100 + i : 20 + i, 10};
             }),
       true, ConsumerStatus::rewind},
      {"went back and came up again",
       looks(12,
             [](int i) {
               return Look{i == 5 ? 50 : 100 + i, 10};
             }),
       true, ConsumerStatus::ok},
  };
  for (const ProgressCase& c : cases) {
    Progress progress;
    StatusWindow window;
    core::TimePoint now = at(0);
    for (const auto& [commit, lag] : c.looks) {
      now += std::chrono::seconds{15};
      progress.add(now, commit, lag);
      window.add(now, commit, lag);
    }
    EXPECT_EQ(window.status(progress, now, c.members), c.status) << c.what;
  }
}

TEST(KafkaProgress, WhoCommitsRarelyIsGivenTime) {
  Progress progress;
  StatusWindow window;
  for (int look = 0; look <= 55; ++look) {  // a commit every five minutes, then none
    const int commits = std::min(look / 20, 2);
    progress.add(at(look * 15.0), 100 * commits, 50);
    window.add(at(look * 15.0), 100 * commits, 50);
  }
  EXPECT_EQ(window.status(progress, at(55 * 15.0), true), ConsumerStatus::ok) << "225 s after a pause of 300 s";
  for (int look = 56; look < 90; ++look) {
    progress.add(at(look * 15.0), 200, 50);
    window.add(at(look * 15.0), 200, 50);
  }
  EXPECT_EQ(window.status(progress, at(89 * 15.0), true), ConsumerStatus::stall);
}

TEST(KafkaProgress, AGroupIsAsBadAsItsWorstPartition) {
  auto group = ConsumerStatus::ok;
  group = worse(group, ConsumerStatus::warn);
  EXPECT_EQ(group, ConsumerStatus::warn);
  group = worse(group, ConsumerStatus::rewind);
  EXPECT_EQ(group, ConsumerStatus::error);
  EXPECT_EQ(worse(group, ConsumerStatus::ok), ConsumerStatus::error);
}

TEST(KafkaPatterns, IncludeAndExclude) {
  struct Names {
    std::vector<std::string> patterns;
    std::vector<std::string> taken, left;
  };
  const Names cases[] = {
      {{}, {"a", "", "__consumer_offsets"}, {}},
      {{"delivery-*"}, {"delivery-", "delivery-mail"}, {"delivery", "my-delivery-x"}},
      {{"a?c"}, {"abc", "a.c"}, {"ac", "abbc"}},
      {{"a.c"}, {"a.c"}, {"abc"}},
      {{"orders", "/^pay(ment)?s$/"}, {"orders", "pays", "payments"}, {"orders2", "xpays", "payment"}},
      {{"/ord/"}, {"orders", "my-orders"}, {"pays"}},
      {{"!__*"}, {"a"}, {"__consumer_offsets"}},
      {{"a*", "!ab*", "!/c$/"}, {"a", "ax"}, {"ab", "abx", "ac", "b"}},
      {{"*"}, {"", "a\nb", "ö"}, {}},
      {{"[x]"}, {"[x]"}, {"x"}},
  };
  for (const Names& c : cases) {
    const auto patterns = NamePatterns::parse(c.patterns);
    ASSERT_TRUE(patterns.has_value()) << patterns.error().detail;
    for (const auto& name : c.taken) EXPECT_TRUE(patterns->matches(name)) << name;
    for (const auto& name : c.left) EXPECT_FALSE(patterns->matches(name)) << name;
  }
}

TEST(KafkaPatterns, SayWhatIsWrongAndWhatMustBeThere) {
  for (const char* const bad : {"", "!", "/(/", "!/[/"}) {
    const auto patterns = NamePatterns::parse({"good", bad});
    ASSERT_FALSE(patterns.has_value()) << bad;
    EXPECT_NE(patterns.error().detail.find(std::string("\"") + bad + "\""), std::string::npos)
        << patterns.error().detail;
  }
  const auto patterns = NamePatterns::parse({"orders", "delivery-*", "/x/", "!gone", "test-a", "!test-*"});
  ASSERT_TRUE(patterns.has_value());
  EXPECT_EQ(patterns->plain_names(), (std::vector<std::string>{"orders"}));
}

}  // namespace
}  // namespace tocsin::probes::kafka
