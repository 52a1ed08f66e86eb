#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "promql_script.hpp"

namespace tocsin::rules::promql {
namespace {

struct Script {
  const char* name;
  int passed;   // at least
  int skipped;  // at most: what is left out must not grow unseen
};

class PromqlScripts : public testing::TestWithParam<Script> {};

TEST_P(PromqlScripts, Pass) {
  std::ifstream file(std::string(TOCSIN_SOURCE_DIR) + "/tests/rules/promqltest/" + GetParam().name + ".test");
  ASSERT_TRUE(file.good());
  std::stringstream text;
  text << file.rdbuf();
  const ScriptReport report = run_script(text.str());
  for (const std::string& failure : report.failures) ADD_FAILURE() << GetParam().name << ":" << failure;
  std::cout << GetParam().name << ": " << report.passed << " passed";
  for (const auto& [reason, count] : report.skipped) std::cout << ", " << count << " left out (" << reason << ")";
  std::cout << "\n";
  EXPECT_GE(report.passed, GetParam().passed);
  EXPECT_LE(report.skipped_total(), GetParam().skipped);
}

INSTANTIATE_TEST_SUITE_P(Prometheus, PromqlScripts,
                         testing::Values(Script{"aggregators", 123, 37}, Script{"at_modifier", 77, 1},
                                         Script{"collision", 2, 0}, Script{"functions", 251, 180},
                                         Script{"literals", 25, 0}, Script{"operators", 142, 72},
                                         Script{"selectors", 31, 0}, Script{"staleness", 17, 0},
                                         Script{"subquery", 32, 2}, Script{"trig_functions", 19, 0}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(PromqlScriptRunner, NoticesWhatIsWrong) {
  EXPECT_EQ(run_script("load 1m\n a 1\n\neval instant at 0 a\n a 1\n").passed, 1);
  EXPECT_EQ(run_script("load 1m\n a 1\n\neval instant at 0 a\n a 2\n").failures.size(), 1U);
  EXPECT_EQ(run_script("load 1m\n a 1\n\neval instant at 0 a\n").failures.size(), 1U);
  EXPECT_EQ(run_script("load 1m\n a 1\n\neval instant at 0 b\n b 1\n").failures.size(), 1U);
  EXPECT_EQ(run_script("load 1m\n a 1\n\neval instant at 0 a\n expect fail\n").failures.size(), 1U);
  EXPECT_EQ(run_script("load 1m\n a 1+1x2\n\neval range from 0 to 2m step 1m a\n a 1 2 3\n").passed, 1);
  EXPECT_EQ(run_script("load 1m\n a 1+1x2\n\neval range from 0 to 2m step 1m a\n a 1 2\n").failures.size(), 1U);
  EXPECT_EQ(run_script("eval instant at 0 1\n 2\n").failures.size(), 1U);
}

}  // namespace
}  // namespace tocsin::rules::promql
