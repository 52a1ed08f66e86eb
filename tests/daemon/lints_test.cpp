#include "src/lints.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_dir.hpp"

namespace tocsin::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string warnings(const std::string& job) {
  const test::TempDir dir;
  dir.write("rules.yml",
            "groups: [{name: g, rules: [\n"
            "  {alert: Short, expr: 'rate(redis_evicted_keys_total[5m]) > 0'},\n"
            "  {alert: Long, expr: 'rate(redis_keyspace_hits_total[3h]) > 0'},\n"
            "  {alert: Other, expr: 'rate(something_else[1m]) > 0'}]}]\n");
  core::Diagnostics diagnostics;
  const auto loaded = load_everything(
      dir.write("t.yml", "packs: []\nrule_files: [rules.yml]\nprobes: [{job: a, " + job + "}]\n"), {}, diagnostics);
  EXPECT_TRUE(loaded) << diagnostics.render();
  if (loaded) warn_of_short_look_backs(*loaded, diagnostics);
  return diagnostics.render();
}

TEST(Lints, WarnOfRulesThatLookBackLessThanABudgetAllows) {
  // 100 a day, some two a probe: every half hour.
  const std::string said = warnings("targets: redis://h, budget: {commands: 100}");
  EXPECT_THAT(said, HasSubstr("the rule \"Short\" looks back 5m on redis_evicted_keys_total"));
  EXPECT_THAT(said, Not(HasSubstr("\"Long\"")));
  EXPECT_THAT(said, Not(HasSubstr("\"Other\"")));
  EXPECT_THAT(warnings("targets: redis://h, wake: false"), HasSubstr("is asked about every 20m"));
  EXPECT_EQ(warnings("targets: redis://h, budget: {commands: 1000000}"), "");
  EXPECT_EQ(warnings("targets: redis://h"), "");
}

}  // namespace
}  // namespace tocsin::daemon
