// Which databases are asked, and when, without a server.
#include "postgres/databases.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::probes::postgres {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class DatabasesTest : public testing::Test {
 protected:
  std::vector<std::string> due(std::chrono::seconds time, bool fresh = false) {
    table_.begin();
    samples_.begin(table_);
    std::vector<std::string> names;
    due_ = databases_.due(at_ + time, fresh, samples_);
    for (const auto* const entry : due_) names.push_back(entry->name);
    return names;
  }

  Collectors collectors_;
  PostgresOptions options_ = [] {
    PostgresOptions options;
    options.databases = PostgresOptions::Databases::all;
    return options;
  }();
  Databases databases_{collectors_, options_};
  std::vector<Databases::Entry*> due_;
  core::SeriesTable table_;
  Samples samples_{core::Labels()};
  core::TimePoint at_ = core::from_millis(1'800'000'000'000);
};

TEST_F(DatabasesTest, TakesTurns) {
  databases_.update({"a", "b", "main", "c"}, "main", samples_);
  EXPECT_THAT(due(0s), ElementsAre("a", "b", "c"));
  // There was time for the first two only.
  due_[0]->asked_at = at_;
  due_[1]->asked_at = at_ + 1s;
  EXPECT_THAT(due(15s), ElementsAre("c"));
  EXPECT_THAT(due(60s), ElementsAre("c", "a"));
  EXPECT_THAT(due(61s), ElementsAre("c", "a", "b"));
  EXPECT_THAT(due(2s, true), ElementsAre("c", "a", "b"));
}

TEST_F(DatabasesTest, ForgetsWhatHasGone) {
  databases_.update({"a", "b"}, "main", samples_);
  databases_.update({"b", "c"}, "main", samples_);
  EXPECT_THAT(due(0s), ElementsAre("b", "c"));
  databases_.update({"b", "c"}, "c", samples_);
  EXPECT_THAT(due(0s), ElementsAre("b"));
}

TEST_F(DatabasesTest, KeepsToItsBound) {
  options_.max_databases = 2;
  databases_.update({"a", "b", "c"}, "main", samples_);
  EXPECT_THAT(due(0s), ElementsAre("a", "b"));
}

TEST_F(DatabasesTest, SaysWhichFailed) {
  databases_.update({"a", "b"}, "main", samples_);
  EXPECT_EQ(databases_.failed(), nullptr);
  static_cast<void>(due(0s));
  due_[0]->asked_at = due_[1]->asked_at = at_;
  due_[0]->success = true;
  due_[0]->read_at = at_;
  ASSERT_NE(databases_.failed(), nullptr);
  EXPECT_EQ(databases_.failed()->name, "b");
  const auto states = databases_.states(at_ + 30s);
  ASSERT_EQ(states.size(), 2U);
  EXPECT_EQ(states[0].age, 30);
  EXPECT_LT(states[1].age, 0);
}

TEST(PostgresDatabases, MatchPatterns) {
  PostgresOptions options;
  EXPECT_FALSE(is_wanted(options, "a"));
  options.databases = PostgresOptions::Databases::patterns;
  options.database_patterns = {"app_*", "x?"};
  EXPECT_TRUE(is_wanted(options, "app_1"));
  EXPECT_TRUE(is_wanted(options, "xy"));
  EXPECT_FALSE(is_wanted(options, "xyz"));
  options.databases = PostgresOptions::Databases::all;
  EXPECT_TRUE(is_wanted(options, "anything"));
}

TEST(PostgresCollectors, AreThoseOfThePublicHeader) {
  const auto names = postgres_collector_names();
  ASSERT_EQ(names.size(), std::size(postgres_collectors));
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(names[i].name, postgres_collectors[i].name);
    EXPECT_EQ(names[i].default_on, postgres_collectors[i].default_on) << names[i].name;
  }
}

}  // namespace
}  // namespace tocsin::probes::postgres
