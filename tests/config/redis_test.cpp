// What a job says about Redis probes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_dir.hpp"
#include "tocsin/daemon/config/config.hpp"

namespace tocsin::daemon {
namespace {

using testing::HasSubstr;

std::pair<std::optional<Config>, std::string> load_redis(const std::string& text) {
  const test::TempDir dir;
  core::Diagnostics diagnostics;
  auto config = load_config(dir.write("t.yml", text), {{}, true}, {"redis"}, diagnostics);
  return {std::move(config), diagnostics.render()};
}

TEST(ConfigRedis, KeysBecomeOptions) {
  const auto [config, said] = load_redis(R"(
probes:
  - job: sessions
    targets: ["redis://h:1/2", redis://h:2]
    key_lengths: ["queue:*", db3/jobs]
    max_keys: 50
    max_scans: 3
    max_series: 500
    commands: {config: CONFIG-a1b2, slowlog: ""}
    latency_histograms: false
    info_only: true
    cluster: true
    limits: {memory: 256MiB, clients: 1000, network: 50MiB/s}
  - {job: plain, targets: redis://h:3, key_lengths: [jobs]}
)");
  ASSERT_TRUE(config) << said;
  ASSERT_EQ(config->targets.size(), 3U);
  const auto& options = std::get<probes::RedisOptions>(*config->targets[0].options);
  EXPECT_EQ(options.keys, (std::vector<std::string>{"queue:*", "db3/jobs"}));
  EXPECT_EQ(options.max_keys, 50U);
  EXPECT_EQ(options.max_scans, 3U);
  EXPECT_EQ(options.max_series, 500U);
  EXPECT_EQ(options.commands, (std::map<std::string, std::string>{{"config", "CONFIG-a1b2"}, {"slowlog", ""}}));
  EXPECT_FALSE(options.latency_histograms);
  EXPECT_TRUE(options.minimal);
  EXPECT_TRUE(options.cluster);
  EXPECT_EQ(options.limits.memory, 256.0 * 1024 * 1024);
  EXPECT_EQ(options.limits.clients, 1000);
  EXPECT_EQ(options.limits.network, 50.0 * 1024 * 1024);
  const auto& plain = std::get<probes::RedisOptions>(*config->targets[2].options);
  EXPECT_EQ(plain.keys, std::vector<std::string>{"jobs"});
  EXPECT_EQ(plain.max_keys, 1000U);
  EXPECT_TRUE(plain.latency_histograms);
  EXPECT_FALSE(plain.minimal || plain.cluster);
  EXPECT_EQ(plain.limits, probes::RedisLimits{});
}

TEST(ConfigRedis, ABudgetLeavesInfoAlone) {
  const auto minimal = [](const std::string& keys) {
    const auto [config, said] = load_redis("probes: [{job: a, targets: redis://h, " + keys + "}]\n");
    EXPECT_TRUE(config) << said;
    return config && std::get<probes::RedisOptions>(*config->targets.at(0).options).minimal;
  };
  EXPECT_TRUE(minimal("budget: {commands: 10000, per: day}"));
  EXPECT_FALSE(minimal("budget: {commands: 10000, per: day}, info_only: false"));
  EXPECT_FALSE(minimal("interval: 10s"));
}

TEST(ConfigRedis, MistakesAreNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {"key_lengths: [\"\"]", "\"key_lengths\" has \"\", which names no key"},
      {"key_lengths: [db3/]", "has \"db3/\", which names no key"},
      {"commands: {confg: x}", "has \"confg\", which is none of the commands that are asked"},
      {"commands: {CONFIG: x}", "has \"CONFIG\", which is none"},
      {"commands: {info: \"\"}", "turns \"info\" off"},
      {"max_keys: 0", "must be at least 1"},
      {"max_series: 5", "must be at least 100"},
      {"limits: {network: fast}", "is a number of bytes a second such as 50MiB/s, not \"fast\""},
      {"limits: {memory: 0}", "must be at least"},
      {"limits: {cores: 1}", "unknown key \"cores\""},
      {"cluster: maybe", "\"cluster\""},
  };
  for (const auto& [keys, wrong] : cases) {
    const auto [config, said] = load_redis("probes: [{job: a, targets: redis://h, " + keys + "}]\n");
    EXPECT_FALSE(config) << keys;
    EXPECT_THAT(said, HasSubstr(wrong)) << keys;
  }
}

}  // namespace
}  // namespace tocsin::daemon
