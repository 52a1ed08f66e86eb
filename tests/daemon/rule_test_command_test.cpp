// `tocsin test rules` and `tocsin check`, as they are typed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "src/commands.hpp"
#include "support/temp_dir.hpp"

namespace tocsin::daemon {
namespace {

using ::testing::HasSubstr;

struct Said {
  int exit_code = -1;
  std::string out;
  std::string err;
};

Said tocsin(std::vector<std::string> words) {
  words.insert(words.begin(), "tocsin");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  Said said;
  said.exit_code = command_line(static_cast<int>(argv.size()), argv.data());
  said.out = ::testing::internal::GetCapturedStdout();
  said.err = ::testing::internal::GetCapturedStderr();
  return said;
}

class RuleTestCommand : public ::testing::Test {
 protected:
  std::string write(std::string_view name, std::string_view value) {
    return dir_.write(name, std::string(R"(tests:
- name: the first one
  promql_expr_test: [{expr: 1 + 1, exp_samples: [{value: 2}]}]
- name: another
  promql_expr_test: [{expr: 1 + 1, exp_samples: [{value: )") +
                                std::string(value) + "}]}]\n");
  }
  tocsin::test::TempDir dir_;
};

TEST_F(RuleTestCommand, EndsWithZeroWhereAllIsGood) {
  const std::string path = write("good.yml", "2");
  const Said said = tocsin({"test", "rules", path});
  EXPECT_EQ(said.exit_code, 0);
  EXPECT_EQ(said.out, path + ": good, 2 expectations in 2 tests, 0 rules\n");
  EXPECT_EQ(said.err, "");
}

TEST_F(RuleTestCommand, EndsWithOneAndShowsWhatIsNot) {
  const std::string good = write("good.yml", "2"), bad = write("bad.yml", "3");
  const Said said = tocsin({"test", "rules", bad, good});
  EXPECT_EQ(said.exit_code, 1);
  EXPECT_EQ(said.out, bad + ": FAILED, 1 of 2 expectations in 2 tests, 0 rules\n" + good +
                          ": good, 2 expectations in 2 tests, 0 rules\n");
  EXPECT_EQ(said.err, bad +
                          ":5:22: test \"another\": 1 + 1 at 0s: other samples than expected\n  expected {} 3\n"
                          "  got      {} 2\n");
}

TEST_F(RuleTestCommand, EndsWithOneWhereAFileIsWrong) {
  EXPECT_THAT(
      tocsin({"test", "rules", dir_.write("bad.yml", "testes: []\n")}).err,
      HasSubstr("bad.yml:1:1: unknown key \"testes\" in test file (did you mean \"tests\"?)\n  testes: []\n  ^\n"));
  const Said missing = tocsin({"test", "rules", dir_ / "nope.yml"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_EQ(missing.out, "");
  EXPECT_EQ(missing.err, dir_ / "nope.yml" + std::string(": cannot be read\n"));
}

TEST_F(RuleTestCommand, EndsWithTwoWhereItIsUsedWrongly) {
  EXPECT_EQ(tocsin({"test", "rules"}).exit_code, 2);
  EXPECT_EQ(tocsin({"test"}).exit_code, 2);
  EXPECT_EQ(tocsin({"test", "rules", "--run", "(", write("good.yml", "2")}).exit_code, 2);
}

TEST_F(RuleTestCommand, RunsOnlyTheTestsThatAreNamed) {
  const std::string bad = write("bad.yml", "3");
  const Said said = tocsin({"test", "rules", "--run", "f.rst", bad});
  EXPECT_EQ(said.exit_code, 0);
  EXPECT_EQ(said.out, bad + ": good, 1 expectation in 1 test, 0 rules\n");
}

TEST_F(RuleTestCommand, ChecksAFileOfTestsWithoutRunningIt) {
  const std::string bad = write("bad.yml", "3");
  const Said said = tocsin({"check", bad});
  EXPECT_EQ(said.exit_code, 0);
  EXPECT_EQ(said.out, bad + ": good, 2 tests of 0 rules\n");
  const Said wrong = tocsin({"check", dir_.write("wrong.yml", "rule_files: [nope.yml]\ntests: []\n")});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("wrong.yml:1:14: there is no file "));
}

}  // namespace
}  // namespace tocsin::daemon
