#include "src/command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_dir.hpp"

namespace tocsin::actions {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

core::SecretSource in_place(const std::string& value) {
  core::SecretSource source;
  source.value = core::Secret(value);
  return source;
}

core::SecretSource in_file(const std::string& path) {
  core::SecretSource source;
  source.file = path;
  return source;
}

TEST(CommandTest, TheEnvironmentIsSmallAndWhatIsDeclaredOverrides) {
  ActionSpec spec;
  spec.environment = {{"TOKEN", in_place("abc")}, {"HOME", in_place("/var/lib/x")}};
  const auto environment = environment_of(spec);
  ASSERT_TRUE(environment);
  EXPECT_THAT(environment->variables,
              ElementsAre(Pair("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
                          Pair("HOME", "/var/lib/x"), Pair("LANG", "C.UTF-8"), Pair("TOKEN", "abc")));
}

TEST(CommandTest, FilesAreReadAnewEachTimeAndWhatTheyHoldIsHidden) {
  const test::TempDir dir;
  ActionSpec spec;
  spec.environment = {{"TOKEN", in_file(dir.write("token", "first-token\n"))}};
  auto environment = environment_of(spec);
  ASSERT_TRUE(environment);
  EXPECT_EQ(environment->variables.back().second, "first-token");
  EXPECT_EQ(first_line("denied for first-token", environment->secrets), "denied for <secret>");
  dir.write("token", "second-token\n");
  environment = environment_of(spec);
  ASSERT_TRUE(environment);
  EXPECT_EQ(environment->variables.back().second, "second-token");

  spec.environment = {{"TOKEN", in_file(dir / "missing")}};
  environment = environment_of(spec);
  ASSERT_FALSE(environment);
  EXPECT_THAT(environment.error().detail, HasSubstr("the value of TOKEN: cannot read the secret file"));
  spec.environment = {{"TOKEN", in_file(dir.write("binary", std::string("ab\0cd", 5)))}};
  environment = environment_of(spec);
  ASSERT_FALSE(environment);
  EXPECT_THAT(environment.error().detail, HasSubstr("the value of TOKEN has a zero byte"));
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
