// Who may report for a job, and what it may say.
#include "src/push_route.hpp"

#include <gtest/gtest.h>

#include "support/temp_dir.hpp"

namespace tocsin::daemon {
namespace {

const core::TimePoint now = core::from_millis(1'700'000'000'000);

net::ServerRequest request(const std::string& query = "", const std::string& body = "") {
  net::ServerRequest r;
  r.method = "POST";
  r.query = query;
  r.body = body;
  r.peer = "127.0.0.1:5000";
  return r;
}
unsigned status_of(const AskedPush& asked) { return asked.refused ? asked.refused->status : 200; }

TEST(PushRoute, PathsOfJobs) {
  EXPECT_EQ(pushed_job("/push/nightly"), "nightly");
  EXPECT_EQ(pushed_job("/metrics/job/nightly"), "nightly");
  EXPECT_FALSE(pushed_job("/metrics"));
  EXPECT_FALSE(pushed_job("/-/push/x"));
}

TEST(PushRoute, ReadsWhatAJobSays) {
  const probes::PushOptions options;
  auto asked = read_push(request("status=3&duration=12.5", "a 1\n"), &options, now);
  ASSERT_FALSE(asked.refused) << asked.refused->body;
  EXPECT_EQ(asked.push.at, now);
  EXPECT_EQ(asked.push.status, 3);
  EXPECT_EQ(asked.push.duration, 12.5);
  EXPECT_EQ(asked.push.body, "a 1\n");
  EXPECT_EQ(asked.push.format, core::TextFormat::prometheus);
  asked = read_push(request(), &options, now);
  EXPECT_EQ(asked.push.status, 0);
  EXPECT_FALSE(asked.push.duration);
  auto open = request("", "a 1\n# EOF\n");
  open.headers = {{"Content-Type", "application/openmetrics-text"}};
  EXPECT_EQ(read_push(open, &options, now).push.format, core::TextFormat::openmetrics);
}

TEST(PushRoute, RefusesWhatItCannotTake) {
  const probes::PushOptions options;
  EXPECT_EQ(status_of(read_push(request(), nullptr, now)), 404U);
  auto get = request();
  get.method = "GET";
  EXPECT_EQ(status_of(read_push(get, &options, now)), 405U);
  EXPECT_EQ(status_of(read_push(request("status=good"), &options, now)), 400U);
  EXPECT_EQ(status_of(read_push(request("duration=-1"), &options, now)), 400U);
  EXPECT_EQ(status_of(read_push(request("duration=inf"), &options, now)), 400U);
  const auto asked = read_push(request("", "a 1\n<html>\n"), &options, now);
  EXPECT_EQ(status_of(asked), 400U);
  EXPECT_NE(asked.refused->body.find("line 2"), std::string::npos);
}

TEST(PushRoute, WithoutATokenOnlyThisHostIsHeard) {
  const probes::PushOptions options;
  for (const auto& [peer, status] :
       {std::pair("local", 200U), std::pair("127.0.0.1:1", 200U), std::pair("[::1]:1", 200U),
        std::pair("10.0.0.1:1", 403U), std::pair("[2001:db8::1]:1", 403U), std::pair("1.2.3.4:127", 403U)}) {
    auto asked = request();
    asked.peer = peer;
    EXPECT_EQ(status_of(read_push(asked, &options, now)), status) << peer;
  }
}

TEST(PushRoute, ATokenIsShownFromEverywhere) {
  const test::TempDir dir;
  probes::PushOptions options;
  options.token.file = dir.write("token", "s3cret\n");
  for (const auto& [shown, status] :
       {std::pair("", 401U), std::pair("Bearer s3cret", 200U), std::pair("Bearer s3cre", 401U),
        std::pair("Bearer s3cretx", 401U), std::pair("Bearer s3creT", 401U), std::pair("Basic s3cret", 401U),
        std::pair("Bearer ", 401U), std::pair("s3cret", 401U)}) {
    auto asked = request();
    asked.peer = "10.0.0.1:1";
    if (*shown != '\0') asked.headers = {{"Authorization", shown}};
    EXPECT_EQ(status_of(read_push(asked, &options, now)), status) << shown;
  }
  dir.write("token", "");
  auto empty = request();
  empty.headers = {{"Authorization", "Bearer "}};
  EXPECT_EQ(status_of(read_push(empty, &options, now)), 401U) << "an empty token opens nothing";
  options.token.file = dir / "gone";
  EXPECT_EQ(status_of(read_push(request(), &options, now)), 500U);
}

}  // namespace
}  // namespace tocsin::daemon
