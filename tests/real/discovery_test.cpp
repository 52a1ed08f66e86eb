// Targets that come and go while the daemon runs, and probes that others ask for.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <filesystem>

#include "real/house.hpp"
#include "support/ping_allowed.hpp"

namespace tocsin::test {
namespace {

using testing::HasSubstr;

class Discovery : public testing::Test {
 protected:
  TempDir folder;
  std::uint16_t one = free_port(), two = free_port();
  std::unique_ptr<Child> first = start_redis(one, folder);

  /// As others write such files: aside, then moved into place.
  void write_targets(const std::string& text) const {
    const std::string aside = folder.write("targets.json.new", text);
    std::filesystem::rename(aside, folder.path().string() + "/targets.json");
  }
  static std::string up(std::uint16_t port) { return fmt::format("redis_up{{instance=\"127.0.0.1:{}\"}}", port); }
};

TEST_F(Discovery, FollowsAFileOfTargetsWithoutAReload) {
  write_targets(fmt::format(R"([{{"targets": ["127.0.0.1:{}"], "labels": {{"shard": "a"}}}}])", one));
  Tocsin tocsin(fmt::format("probes: [{{job: cache, kind: redis, interval: 500ms, timeout: 500ms, file_sd: '{}'}}]",
                            folder.path().string() + "/*.json"));
  tocsin.wait_ready();
  const std::string labelled = fmt::format("redis_up{{instance=\"127.0.0.1:{}\",shard=\"a\"}}", one);
  ASSERT_TRUE(wait_until([&] { return tocsin.query(labelled) == 1.0; })) << tocsin.child().output();

  const auto second = start_redis(two, folder);
  write_targets(fmt::format(R"([{{"targets": ["127.0.0.1:{}", "127.0.0.1:{}"]}}])", one, two));
  ASSERT_TRUE(wait_until([&] { return tocsin.query(up(two)) == 1.0; })) << tocsin.child().output();
  EXPECT_EQ(tocsin.metric("tocsin_discovered_targets{mechanism=\"file\",target_job=\"cache\"}"), 2.0);

  write_targets("[{");  // a half-written file takes nothing away
  ASSERT_TRUE(wait_until([&] { return tocsin.child().output().find("those known stay") != std::string::npos; }));
  EXPECT_EQ(tocsin.query(up(two)), 1.0);

  write_targets(fmt::format(R"([{{"targets": ["127.0.0.1:{}"]}}])", two));
  ASSERT_TRUE(wait_until([&] { return !tocsin.query(up(one)).has_value(); })) << "the series of what is gone end";
  EXPECT_EQ(tocsin.query(up(two)), 1.0);
}

TEST_F(Discovery, LooksNamesUp) {
  Tocsin tocsin(fmt::format(
      "probes: [{{job: cache, kind: redis, interval: 500ms, timeout: 500ms, dns_sd: {{names: localhost, type: "
      "A, port: {}, refresh_interval: 1s}}}}]",
      one));
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return tocsin.query(up(one)) == 1.0; })) << tocsin.child().output();
}

TEST_F(Discovery, PingsEachAddressOfAName) {
  if (!may_ping()) GTEST_SKIP() << "no right to ping";
  Tocsin tocsin(
      "probes: [{job: host, kind: icmp, interval: 500ms, timeout: 500ms, dns_sd: {names: localhost, type: A}}]");
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return tocsin.query("probe_success{instance=\"icmp://127.0.0.1\"}") == 1.0; }))
      << tocsin.child().output();
}

TEST_F(Discovery, AnswersProbesAsTheExportersDo) {
  Tocsin tocsin("probes: [{job: cache, kind: redis, allow_targets: '(redis://)?127\\.0\\.0\\.1:\\d+'}]");
  tocsin.wait_ready();
  for (const std::string path : {"/probe?module=cache&target=redis://127.0.0.1:", "/scrape?target=127.0.0.1:"}) {
    const Answer good = http(tocsin.port(), path + std::to_string(one));
    EXPECT_EQ(good.status, 200U) << good.body;
    EXPECT_THAT(good.body, HasSubstr("\nredis_up 1\n"));
    const Answer dead = http(tocsin.port(), path + std::to_string(two));
    EXPECT_EQ(dead.status, 200U) << "a sick target is an answer";
    EXPECT_THAT(dead.body, HasSubstr("\nredis_up 0\n"));
  }
  EXPECT_EQ(http(tocsin.port(), "/probe?module=cache&target=redis://10.1.2.3:6379").status, 403U);
  EXPECT_FALSE(tocsin.query("redis_up").has_value()) << "what others ask for is theirs alone";
}

}  // namespace
}  // namespace tocsin::test
