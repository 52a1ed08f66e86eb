#include "src/command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::actions {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(CommandTest, WhatMayBeAnArgument) {
  for (const char* good : {"3", "cache.t3.micro", "a_b:c/d@e+f-g", "0"}) EXPECT_TRUE(may_be_argument(good)) << good;
  for (const char* bad : {"", "-x", "--force", "a b", "a;b", "$(id)", "a\n", "a'b", "`x`", "\xc3\xa9", "a,b", "{to}"})
    EXPECT_FALSE(may_be_argument(bad)) << bad;
  EXPECT_TRUE(may_be_argument(std::string(128, 'a')));
  EXPECT_FALSE(may_be_argument(std::string(129, 'a')));
}

TEST(CommandTest, FillsPlaceholdersOnceAndInsideArguments) {
  const auto argv = fill({"set", "--n={to}", "{target}/{from}-{to}", "{other}", "{to", "{}"}, {"1", "2", "cache"});
  ASSERT_TRUE(argv);
  EXPECT_THAT(*argv, ElementsAre("set", "--n=2", "cache/1-2", "{other}", "{to", "{}"));
}

TEST(CommandTest, AValueThatMayNotBeAnArgumentIsRefusedOnlyWhereItIsUsed) {
  EXPECT_TRUE(fill({"x", "{to}"}, {"$(rm)", "2", ""}));
  const auto argv = fill({"x", "{to}"}, {"1", "--all", "t"});
  ASSERT_FALSE(argv);
  EXPECT_THAT(argv.error().detail, HasSubstr("the value of {to} may not stand in a command"));
  EXPECT_FALSE(fill({"x", "{target}"}, {"1", "2", ""}));
}

TEST(CommandTest, TheEnvironmentIsSmallAndWhatIsDeclaredOverrides) {
  ActionSpec spec;
  spec.environment = {{"TOKEN", "abc"}, {"HOME", "/var/lib/x"}};
  EXPECT_THAT(environment_of(spec),
              ElementsAre(Pair("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
                          Pair("HOME", "/var/lib/x"), Pair("LANG", "C.UTF-8"), Pair("TOKEN", "abc")));
}

TEST(CommandTest, FirstLineIsShortCleanAndWithoutSecrets) {
  const std::vector<std::pair<std::string, std::string>> env{
      {"TOKEN", "s3cret"}, {"LONG", "s3cret-and-more"}, {"N", "abc"}};
  EXPECT_EQ(first_line("\n \n denied\nmore", {}), " denied");
  EXPECT_EQ(first_line("token s3cret-and-more, s3cret, abc", env), "token <secret>, <secret>, abc");
  EXPECT_EQ(first_line("a\x1b[31mred\x07\tb", {}), "a [31mred  b");
  EXPECT_EQ(first_line("caf\xc3\xa9 \xff \xc3", {}), "caf\xc3\xa9 ? ?");
  EXPECT_EQ(first_line("\xc2\x9b"
                       "31m \xed\xa0\x80 \xc0\xaf",
                       {}),
            " 31m ??? ??");
  EXPECT_EQ(first_line(std::string(199, 'x') + "\xc3\xa9", {}), std::string(199, 'x') + "...");
  EXPECT_EQ(first_line(std::string(1'000'000, 'x'), {}).size(), 203U);
  EXPECT_EQ(first_line("", {}), "");
}

TEST(CommandTest, DescribesTheEnd) {
  net::ProcessExit exit;
  exit.status = 3;
  exit.out = "out\n";
  EXPECT_EQ(describe(exit, {}), "exit 3: out");
  exit.err = "no such cluster\n";
  EXPECT_EQ(describe(exit, {}), "exit 3: no such cluster");
  exit.signal = 9;
  EXPECT_EQ(describe(exit, {}), "it was ended by signal 9: no such cluster");
  exit.timed_out = true;
  EXPECT_EQ(describe(exit, {}), "it did not end in time and was ended: no such cluster");
}

}  // namespace
}  // namespace tocsin::actions
