// Commands that are real: they work, fail, are killed, hang, and print secrets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actions/world.hpp"
#include "src/driver.hpp"
#include "src/drivers.hpp"

namespace tocsin::actions {
namespace {

using How = CallEnd::How;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

class DriverExecTest : public testing::Test {
 protected:
  DriverExecTest() {
    spec_.name = "grow";
    spec_.target = "cache";
    spec_.ladder = {"small", "medium"};
  }
  CallEnd change(const std::string& script, std::chrono::milliseconds time = seconds(10)) {
    spec_.set = command({"sh", "-c", script, "set", "{from}", "{to}", "{id}", "{key}", "{label.region}"});
    Placeholders values;
    values.from = "small";
    values.to = "medium";
    values.target = "cache";
    values.id = "0123abcd";
    values.key = 7;
    values.labels = core::Labels{{"region", "fra"}};
    return loop_.run(change_by_exec(std::make_shared<const ActionSpec>(spec_), values, test::TestLoop::in(time)));
  }
  core::Result<Reading> read(const std::string& script, std::chrono::milliseconds time = seconds(10)) {
    spec_.read.call = command({"sh", "-c", script, "read", "{target}", "{label.region}"});
    return loop_.run(read_target(connector_, std::make_shared<const ActionSpec>(spec_), core::Labels{{"region", "fra"}},
                                 test::TestLoop::in(time)));
  }

  test::TempDir dir_;
  net::BlockingPool pool_{1};
  net::Connector connector_{pool_};
  test::TestLoop loop_;
  ActionSpec spec_;
};

TEST_F(DriverExecTest, HowACommandEnds) {
  spec_.allowed = {{"region", {"fra"}}};
  struct Case {
    const char* script;
    How how;
    const char* words;
  };
  for (const Case& one : {
           Case{"echo \"$@\"", How::done, "exit 0: small medium 0123abcd 7 fra"},
           Case{"echo busy >&2; exit 3", How::refused, "exit 3: busy"},
           Case{"exit 127", How::refused, "exit 127"},
           Case{"kill -9 $$", How::unclear, "it was ended by signal 9"},
           Case{"kill -15 $$", How::unclear, "it was ended by signal 15"},
       }) {
    const CallEnd end = change(one.script);
    EXPECT_EQ(end.how, one.how) << one.script;
    EXPECT_EQ(end.words, one.words);
  }
  const CallEnd late = change("echo begun; sleep 60", milliseconds(200));
  EXPECT_EQ(late.how, How::unclear);
  EXPECT_EQ(late.words, "it did not end in time and was ended: begun");
}

TEST_F(DriverExecTest, WhatCannotBeStartedIsRefused) {
  spec_.set = command({"/no/such/command"});
  Placeholders values;
  values.to = "medium";
  values.id = "x";
  const CallEnd end =
      loop_.run(change_by_exec(std::make_shared<const ActionSpec>(spec_), values, test::TestLoop::in(seconds(5))));
  EXPECT_EQ(end.how, How::refused);
  EXPECT_THAT(end.words, HasSubstr("the command could not be run"));
}

TEST_F(DriverExecTest, AValueThatDoesNotFitIsRefusedAndNothingRuns) {
  const std::string mark = dir_ / "mark";
  const CallEnd end = change("touch " + mark);  // no list for the label
  EXPECT_EQ(end.how, How::refused);
  EXPECT_THAT(end.words, HasSubstr("{label.region} may not be used"));
  EXPECT_FALSE(std::filesystem::exists(mark));
}

TEST_F(DriverExecTest, SecretFilesAreReadAnewAndWhatTheyHoldIsNotTold) {
  spec_.allowed = {{"region", {"fra"}}};
  core::SecretSource token;
  token.file = dir_.write("token", "first-secret\n");
  spec_.environment = {{"TOKEN", token}};
  CallEnd end = change("[ \"$TOKEN\" = first-secret ] && echo \"with $TOKEN\"");
  EXPECT_EQ(end.words, "exit 0: with <secret>");
  dir_.write("token", "second-secret\n");
  end = change("[ \"$TOKEN\" = second-secret ] && echo \"with $TOKEN\"");
  EXPECT_EQ(end.words, "exit 0: with <secret>");

  std::filesystem::remove(dir_ / "token");
  const std::string mark = dir_ / "mark";
  end = change("touch " + mark);
  EXPECT_EQ(end.how, How::refused);
  EXPECT_THAT(end.words, HasSubstr("the value of TOKEN: cannot read the secret file"));
  EXPECT_FALSE(std::filesystem::exists(mark));
}

TEST_F(DriverExecTest, Reads) {
  spec_.allowed = {{"region", {"fra"}}};
  auto reading = read("[ \"$1 $2\" = 'cache fra' ] && echo medium");
  ASSERT_TRUE(reading) << reading.error().detail;
  EXPECT_EQ(reading->value, "medium");
  EXPECT_TRUE(reading->ready);
  EXPECT_EQ(reading->version, "");

  spec_.read.value = Extract{Extract::Kind::json, "$.type"};
  spec_.read.ready.emplace(Extract{Extract::Kind::json, "$.state"}, "ok");
  reading = read(R"(echo '{"type":"small","state":"resizing"}')");
  ASSERT_TRUE(reading) << reading.error().detail;
  EXPECT_FALSE(reading->ready);
  EXPECT_EQ(reading->not_ready, "resizing instead of ok");
  reading = read(R"(echo '{"type":"small"}')");
  ASSERT_FALSE(reading);
  EXPECT_THAT(reading.error().detail, HasSubstr("whether it is ready: the output has nothing at $.state"));
}

TEST_F(DriverExecTest, WhyNothingCouldBeRead) {
  spec_.allowed = {{"region", {"fra"}}};
  spec_.environment = {{"TOKEN", in_place("hunter22")}};
  struct Case {
    const char* script;
    const char* why;
  };
  for (const Case& one : {
           Case{"echo \"not $TOKEN\" >&2; exit 1", "exit 1: not <secret>"},
           Case{"kill -9 $$", "it was ended by signal 9"},
           Case{"true", "the value is empty"},
           Case{"printf 'a\\nb\\n'", "more than one line"},
           Case{"head -c 3000000 /dev/zero", "the command printed too much"},
       }) {
    const auto reading = read(one.script);
    ASSERT_FALSE(reading) << one.script;
    EXPECT_THAT(reading.error().detail, HasSubstr(one.why));
  }
  const auto late = read("sleep 60", milliseconds(200));
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error().detail, HasSubstr("did not end in time"));
}

// A value that is no rung goes into words only: it may be anything that was printed.
TEST_F(DriverExecTest, AStrangeValueIsCleanedAndARungIsLeftAlone) {
  spec_.allowed = {{"region", {"fra"}}};
  spec_.environment = {{"TOKEN", in_place("hunter22")}, {"SIZE", in_place("medium")}};
  auto reading = read("echo \"token=$TOKEN\"");
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->value, "token=<secret>");
  reading = read("echo medium");
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->value, "medium");
}

}  // namespace
}  // namespace tocsin::actions
