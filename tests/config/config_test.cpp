#include "tocsin/daemon/config/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "support/temp_dir.hpp"

namespace tocsin::daemon {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string good = TOCSIN_SOURCE_DIR "/tests/config/good/";
const std::vector<std::string> packs{"http", "redis"};

LoadOptions options() { return {{{"WHAT", "so"}}, true}; }

Config load(const std::string& path) {
  core::Diagnostics diagnostics;
  auto config = load_config(path, options(), packs, diagnostics);
  EXPECT_EQ(diagnostics.render(), "");
  return config.value_or(Config{});
}

struct Loaded {
  std::optional<Config> config;
  std::string said;
};
Loaded load_text(const std::string& text, LoadOptions how = options()) {
  const test::TempDir dir;
  core::Diagnostics diagnostics;
  Loaded loaded{load_config(dir.write("t.yml", text), how, packs, diagnostics), {}};
  loaded.said = diagnostics.render();
  return loaded;
}

const TargetConfig& target(const Config& config, std::string_view job, std::size_t n = 0) {
  for (const TargetConfig& t : config.targets) {
    if (t.job == job && n-- == 0) return t;
  }
  throw std::out_of_range("no target");
}
const probes::RedisOptions& redis(const TargetConfig& t) { return std::get<probes::RedisOptions>(*t.options); }
const probes::HttpOptions& http(const TargetConfig& t) { return std::get<probes::HttpOptions>(*t.options); }

TEST(Config, TheSmallestOneIsComplete) {
  const Config config = load(good + "minimal.yml");
  ASSERT_EQ(config.targets.size(), 1U);
  const TargetConfig& t = config.targets[0];
  EXPECT_EQ(t.job, "cache");
  EXPECT_EQ(t.kind, "redis");
  EXPECT_EQ(t.display, "redis://127.0.0.1:6379");
  EXPECT_EQ(t.labels.to_string(), "{instance=\"127.0.0.1:6379\", job=\"cache\"}");
  EXPECT_EQ(t.interval, seconds{15});
  EXPECT_EQ(t.timeout, seconds{2});
  EXPECT_EQ(t.confirm, milliseconds{500});
  EXPECT_EQ(t.reconnect, minutes{5});
  EXPECT_TRUE(t.sentinel);
  EXPECT_EQ(redis(t).address.port, 6379);
  EXPECT_FALSE(redis(t).tls);
  EXPECT_FALSE(redis(t).database);
  EXPECT_TRUE(redis(t).keep_connection);
  EXPECT_THAT(config.packs, ElementsAre("redis"));
  ASSERT_EQ(config.alertmanagers.size(), 1U);
  EXPECT_EQ(config.alertmanagers[0].url.display(), "http://127.0.0.1:9093");
  EXPECT_EQ(config.web.listen, "127.0.0.1:9477");
  EXPECT_EQ(config.storage.path, "");
}

TEST(Config, GlobalsAndServices) {
  const Config config = load(good + "full.yml");
  EXPECT_EQ(config.global.external_labels.get("site"), "iad");
  EXPECT_EQ(config.global.external_url, "https://tocsin.example/");
  EXPECT_EQ(config.storage.path, good + "data");
  EXPECT_EQ(config.storage.retention, std::chrono::hours{2});
  EXPECT_EQ(config.storage.max_series, 5000U);
  EXPECT_EQ(config.storage.memory_limit, 64U << 20U);
  EXPECT_EQ(config.web.listen, "[::1]:9477");
  EXPECT_TRUE(config.web.enable_lifecycle);
  EXPECT_THAT(config.packs, ElementsAre("redis"));
  ASSERT_EQ(config.rule_files.size(), 1U);
  EXPECT_EQ(config.rule_files[0].path, good + "rules/a.yml");
  EXPECT_EQ(config.rule_files[0].source->text, "groups: []\n");
  ASSERT_EQ(config.alertmanagers.size(), 3U);
  EXPECT_EQ(config.alertmanagers[1].url.display(), "https://am.example/prefix");
  ASSERT_TRUE(config.alertmanagers[1].tls);
  EXPECT_EQ(config.alertmanagers[1].tls->ca_file, good + "secrets/ca.pem");
  EXPECT_EQ(config.alertmanagers[1].user, "u");
  EXPECT_EQ(config.alertmanagers[1].password.value.reveal(), "p");
  EXPECT_EQ(config.alertmanagers[1].timeout, seconds{3});
  EXPECT_EQ(config.alertmanagers[2].bearer.file, good + "secrets/sessions");
  ASSERT_TRUE(config.fallback);
  const alerts::Receiver& webhook = config.fallback->webhook;
  EXPECT_EQ(webhook.url.request_target(), "/services/T0/hunter-path?token=hunter");
  EXPECT_EQ(webhook.tls.value().ca_file, good + "secrets/ca.pem");
  EXPECT_EQ(webhook.bearer.file, good + "secrets/sessions");
  ASSERT_EQ(webhook.headers.size(), 1U);
  EXPECT_EQ(webhook.headers[0].first, "X-Key");
  EXPECT_EQ(webhook.headers[0].second.value.reveal(), "hunter");
  EXPECT_EQ(webhook.timeout, seconds{5});
  EXPECT_EQ(config.fallback->after, seconds{120});
  ASSERT_TRUE(config.heartbeat);
  EXPECT_EQ(config.heartbeat->to.url.host, "switch.example");
  EXPECT_EQ(config.heartbeat->method, "POST");
  EXPECT_EQ(config.heartbeat->every, seconds{30});
  EXPECT_FALSE(config.alertmanagers[2].tls);
}

TEST(Config, RedisTargets) {
  const Config config = load(good + "full.yml");
  const TargetConfig& eu1 = target(config, "sessions");
  EXPECT_EQ(eu1.display, "rediss://eu1.example:6380/2");
  EXPECT_EQ(eu1.labels.get("instance"), "eu1.example:6380");
  EXPECT_EQ(eu1.labels.get("system"), "nexus-aec");
  EXPECT_EQ(eu1.interval, seconds{10});
  EXPECT_EQ(eu1.timeout, seconds{1});
  EXPECT_EQ(eu1.confirm, milliseconds{250});
  EXPECT_EQ(redis(eu1).user, "default");
  EXPECT_EQ(redis(eu1).password.file, good + "secrets/sessions");
  EXPECT_EQ(redis(eu1).database, 2U);
  ASSERT_TRUE(redis(eu1).tls);
  EXPECT_EQ(redis(eu1).tls->server_name, "redis.example");
  const TargetConfig& eu2 = target(config, "sessions", 1);
  EXPECT_EQ(eu2.labels.get("instance"), "eu2.example:6379");
  EXPECT_EQ(redis(eu2).user, "");
  const TargetConfig& local = target(config, "local");
  EXPECT_EQ(local.labels.get("instance"), "/run/redis/redis.sock");
  EXPECT_TRUE(redis(local).address.unix_socket);
  EXPECT_EQ(redis(local).address.host, "/run/redis/redis.sock");
  EXPECT_EQ(redis(local).user, "mon");
  EXPECT_EQ(redis(local).password.value.reveal(), "in ${place}");
  EXPECT_FALSE(local.sentinel);
  const TargetConfig& handed = target(config, "handed-out");
  EXPECT_EQ(handed.display, "redis://cloud.example:7777");
  EXPECT_EQ(redis(handed).user, "app");
  EXPECT_EQ(redis(handed).password.value.reveal(), "p@ss");
  EXPECT_EQ(target(config, "more").labels.get("instance"), "more:6379");
  EXPECT_EQ(target(config, "more", 1).labels.get("instance"), "more:7000");
}

TEST(Config, HttpTargets) {
  const Config config = load(good + "full.yml");
  const TargetConfig& pbs = target(config, "pbs");
  EXPECT_EQ(pbs.kind, "http");
  EXPECT_EQ(pbs.display, "https://pbs.example/health");
  EXPECT_EQ(pbs.labels.get("instance"), "https://pbs.example/health");
  EXPECT_FALSE(pbs.sentinel);
  const probes::HttpOptions& o = http(pbs);
  EXPECT_EQ(o.url.request_target(), "/health?deep=1&token=abc");
  EXPECT_EQ(o.method, "POST");
  EXPECT_EQ(o.body, "{\"ask\": \"so\"}");
  ASSERT_EQ(o.headers.size(), 2U);
  EXPECT_EQ(o.headers[0].name, "X-API-Key");
  EXPECT_EQ(o.headers[0].value.file, good + "secrets/sessions");
  EXPECT_EQ(o.headers[1].value.value.reveal(), "application/json");
  EXPECT_EQ(o.user, "me");
  EXPECT_EQ(o.password.file, good + "secrets/sessions");
  EXPECT_FALSE(o.follow_redirects);
  EXPECT_EQ(o.max_body, 1U << 20U);
  EXPECT_EQ(o.ip_protocol, probes::HttpOptions::IpProtocol::v4);
  EXPECT_THAT(o.expect.status, ElementsAre(std::pair(200U, 200U), std::pair(204U, 206U), std::pair(300U, 399U)));
  EXPECT_THAT(o.expect.body_matches, ElementsAre("^ok$"));
  EXPECT_THAT(o.expect.body_not_matches, ElementsAre("error", "fa[i1]l"));
  ASSERT_EQ(o.expect.json.size(), 2U);
  EXPECT_EQ(o.expect.json[1].path, "$['a b'][0].c");
  EXPECT_EQ(o.expect.within, milliseconds{500});
  const probes::HttpOptions& token = http(target(config, "token"));
  EXPECT_EQ(token.bearer.value.reveal(), "abc");
  EXPECT_THAT(token.expect.status, ElementsAre(std::pair(200U, 299U)));
}

TEST(Config, Actions) {
  const Config config = load(good + "full.yml");
  ASSERT_EQ(config.actions.size(), 2U);
  const actions::ActionSpec& grow = config.actions[0];
  EXPECT_EQ(grow.when_alert, "SessionsUnderPressure");
  ASSERT_EQ(grow.when.size(), 2U);
  EXPECT_EQ(grow.when[0].to_string(), "system=\"nexus-aec\"");
  EXPECT_EQ(grow.when[1].to_string(), "site=~\"i.d\"");
  EXPECT_EQ(grow.mode, actions::Mode::automatic);
  EXPECT_THAT(grow.ladder, ElementsAre("cache.t3.micro", "cache.t3.small", "cache.t3.medium"));
  EXPECT_THAT(std::get<actions::ExecCall>(grow.read.call).argv, ElementsAre("aws", "describe", "--id={target}"));
  EXPECT_EQ(grow.read.value.kind, actions::Extract::Kind::json);
  ASSERT_TRUE(grow.read.ready);
  EXPECT_EQ(grow.read.ready->second, "available");
  EXPECT_THAT(std::get<actions::ExecCall>(grow.set).argv,
              ElementsAre("aws", "modify", "--cache-node-type", "{to}", "--was={from}"));
  ASSERT_EQ(grow.environment.size(), 2U);
  EXPECT_EQ(grow.environment[0].first, "AWS_REGION");
  EXPECT_EQ(grow.environment[0].second.value.reveal(), "us-east-1");
  EXPECT_EQ(grow.environment[1].second.value.reveal(), "so");
  EXPECT_EQ(grow.provisioning, minutes{15});
  EXPECT_EQ(grow.cooldown_up, minutes{30});
  EXPECT_EQ(grow.per_target->count, 3U);
  EXPECT_EQ(grow.all->window, std::chrono::hours{1});
  EXPECT_EQ(grow.clears_within, minutes{40});
  const actions::ActionSpec& count = config.actions[1];
  ASSERT_TRUE(count.count);
  EXPECT_EQ(count.count->max, 10);
  EXPECT_EQ(count.count->target_value, 500);
  EXPECT_EQ(count.count->of, "sum(rate(requests_total[5m]))");
  EXPECT_EQ(count.mode, actions::Mode::shadow);
  EXPECT_EQ(count.read.value.kind, actions::Extract::Kind::regex);
}

TEST(Config, DefaultsFollowTheInterval) {
  const auto loaded = load_text("global: {probe_timeout: 5s}\nprobes: [{job: a, targets: redis://h, interval: 300ms}]");
  ASSERT_TRUE(loaded.config) << loaded.said;
  EXPECT_EQ(loaded.config->targets[0].timeout, milliseconds{300});
  EXPECT_EQ(loaded.config->targets[0].confirm, milliseconds{300});
}

TEST(Config, WithoutReconnectionNothingIsKept) {
  const auto loaded = load_text("probes: [{job: a, targets: redis://h, reconnect: 0}]");
  ASSERT_TRUE(loaded.config) << loaded.said;
  EXPECT_FALSE(redis(loaded.config->targets[0]).keep_connection);
  EXPECT_FALSE(loaded.config->targets[0].sentinel);
}

TEST(Config, AddressesOfVersion6) {
  const auto loaded = load_text("probes: [{job: a, targets: ['redis://[::1]:7000', 'http://[::1]:80/x']}]");
  ASSERT_TRUE(loaded.config) << loaded.said;
  EXPECT_EQ(loaded.config->targets[0].labels.get("instance"), "[::1]:7000");
  EXPECT_EQ(redis(loaded.config->targets[0]).address.host, "::1");
  EXPECT_EQ(loaded.config->targets[1].labels.get("instance"), "http://[::1]:80/x");
}

TEST(Config, UserInfoIsTakenOutOfUrls) {
  const auto loaded = load_text(
      "probes: [{job: a, targets: ['https://me:p%40ss@h/x?y=1', 'redis://:only@h']}]\nalertmanagers: "
      "['http://u:pw@am']");
  ASSERT_TRUE(loaded.config) << loaded.said;
  const probes::HttpOptions& o = http(loaded.config->targets[0]);
  EXPECT_EQ(o.user, "me");
  EXPECT_EQ(o.password.value.reveal(), "p@ss");
  EXPECT_TRUE(o.url.user.empty());
  EXPECT_TRUE(o.url.password.empty());
  EXPECT_EQ(loaded.config->targets[0].display, "https://h/x");
  EXPECT_EQ(redis(loaded.config->targets[1]).password.value.reveal(), "only");
  EXPECT_EQ(loaded.config->alertmanagers[0].user, "u");
  EXPECT_TRUE(loaded.config->alertmanagers[0].url.user.empty());
}

TEST(Config, PacksFollowTheKinds) {
  EXPECT_THAT(load_text("probes: [{job: a, targets: [redis://h, http://h]}]").config->packs,
              ElementsAre("http", "redis"));
  EXPECT_THAT(load_text("probes: [{job: a, targets: [http://h]}]\npacks:").config->packs, ElementsAre("http"));
  EXPECT_THAT(load_text("probes: [{job: a, targets: [http://h]}]\npacks: []").config->packs, ElementsAre());
}

TEST(Config, AnEmptyOneIsGoodAndSaysSo) {
  const auto loaded = load_text("");
  EXPECT_TRUE(loaded.config);
  EXPECT_THAT(loaded.said, HasSubstr("warning: no probe is configured"));
}

TEST(Config, AMissingFileIsAnError) {
  core::Diagnostics diagnostics;
  EXPECT_FALSE(load_config("/nonexistent/tocsin.yml", options(), packs, diagnostics));
  EXPECT_EQ(diagnostics.render(), "/nonexistent/tocsin.yml: cannot be read\n");
}

TEST(Config, WithoutTheServiceMissingSecretsAreWarnings) {
  const std::string text =
      "probes:\n  - {job: a, targets: redis://h, password_file: '${CREDENTIALS_DIRECTORY}/a'}\n"
      "  - {job: b, target_file: '${CREDENTIALS_DIRECTORY}/b'}\n"
      "  - {job: c, targets: rediss://h, tls: {ca_file: /nonexistent/ca}}\n";
  const auto checked = load_text(text, {{}, false});
  EXPECT_TRUE(checked.config) << checked.said;
  EXPECT_THAT(checked.said, HasSubstr("warning: cannot read the secret file /run/credentials/tocsin.service/a"));
  EXPECT_THAT(checked.said, HasSubstr("warning: cannot read the secret file /run/credentials/tocsin.service/b"));
  EXPECT_THAT(checked.said, HasSubstr("warning: cannot read /nonexistent/ca"));
  const auto run = load_text(text, {{{"CREDENTIALS_DIRECTORY", "/nonexistent"}}, true});
  EXPECT_FALSE(run.config);
  EXPECT_THAT(run.said, HasSubstr("2:49: cannot read the secret file /nonexistent/a"));
  EXPECT_THAT(load_text(text, {{}, true}).said, HasSubstr("the variable CREDENTIALS_DIRECTORY, which is not set"));
}

TEST(Config, ErrorsNameTheFileTheyAreIn) {
  const test::TempDir dir;
  dir.write("p/one.yml", "- job: a\n  targets: redis://h\n  intrval: 1s\n");
  dir.write("p/two.yml", "- job: b\n  targets: redis://h\n");
  dir.write("p/three.yml", "jobs: []\nprobes: 7\n");
  core::Diagnostics diagnostics;
  EXPECT_FALSE(load_config(dir.write("t.yml", "probe_files: [p/*.yml, 'q/*.yml']\n"), options(), packs, diagnostics));
  const std::string said = diagnostics.render();
  EXPECT_THAT(
      said,
      HasSubstr(
          "p/one.yml:3:3: unknown key \"intrval\" in probe (did you mean \"interval\"?)\n    intrval: 1s\n    ^\n"));
  EXPECT_THAT(said, HasSubstr("p/three.yml:1:1: unknown key \"jobs\" (this file is a list, or has \"probes\" alone)"));
  EXPECT_THAT(said, HasSubstr("p/three.yml:2:9: \"probes\" needs a list, not a single value"));
  EXPECT_THAT(said, HasSubstr("warning: no file matches"));
}

TEST(Config, PathsAreRelativeToTheFileThatNamesThem) {
  const test::TempDir dir;
  dir.write("sub/probes.yml", "- {job: a, targets: redis://h, password_file: pw}\n");
  dir.write("sub/pw", "x");
  core::Diagnostics diagnostics;
  const auto config = load_config(dir.write("t.yml", "probe_files: sub/probes.yml\n"), options(), packs, diagnostics);
  ASSERT_TRUE(config) << diagnostics.render();
  EXPECT_EQ(redis(config->targets[0]).password.file, dir / "sub/pw");
}

TEST(Config, AFileMatchedTwiceIsReadOnce) {
  const test::TempDir dir;
  dir.write("p.yml", "- {job: a, targets: redis://h}\n");
  dir.write("r.yml", "groups: []\n");
  core::Diagnostics diagnostics;
  const auto config = load_config(dir.write("t.yaml", "probe_files: [p.yml, 'p*.yml']\nrule_files: [r.yml, 'r*']\n"),
                                  options(), packs, diagnostics);
  ASSERT_TRUE(config) << diagnostics.render();
  EXPECT_EQ(config->targets.size(), 1U);
  EXPECT_EQ(config->rule_files.size(), 1U);
}

TEST(Config, YamlWordsThatOthersTakeForBooleansAreWarnedOf) {
  const auto loaded = load_text("probes: [{job: a, targets: redis://h, labels: {country: no}}]");
  ASSERT_TRUE(loaded.config);
  EXPECT_EQ(loaded.config->targets[0].labels.get("country"), "no");
  EXPECT_THAT(loaded.said, HasSubstr("(write \"no\")"));
}

struct Change {
  const char* before;
  const char* after;
};

TEST(Targets, MayBeFoundLater) {
  const auto loaded = load_text(
      "probes:\n  - {job: a, kind: redis, file_sd: [targets/*.json, /abs/t.yml]}\n"
      "  - {job: b, kind: redis, dns_sd: {names: cache.example, type: A, port: 6379, refresh_interval: 5s}}\n"
      "  - {job: c, kind: redis, allow_targets: '.*'}\n");
  ASSERT_TRUE(loaded.config) << loaded.said;
  EXPECT_TRUE(loaded.config->targets.empty());
  const auto& jobs = loaded.config->jobs;
  ASSERT_EQ(jobs.size(), 3U);
  ASSERT_EQ(jobs[0].file_sd.size(), 2U);
  EXPECT_TRUE(jobs[0].file_sd[0].starts_with('/')) << "relative to the file that names it";
  EXPECT_EQ(jobs[0].file_sd[1], "/abs/t.yml");
  EXPECT_EQ(jobs[1].dns_sd.at(0).port, 6379);
  const auto bare = make_target(jobs[0], loaded.config->global, "cache-1:6379", {});
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->display, "redis://cache-1:6379");
}

TEST(Targets, ThatAreLookedUpNeedAPortUnlessTheyArePinged) {
  EXPECT_TRUE(load_text("probes: [{job: a, kind: icmp, dns_sd: {names: h, type: A}}]\n").config);
  EXPECT_THAT(load_text("probes: [{job: a, kind: tcp, dns_sd: {names: h, type: AAAA}}]\n").said,
              HasSubstr("type A and AAAA need a \"port\""));
}

TEST(Targets, MayBeSpared) {
  const auto loaded = load_text(
      "probes:\n  - {job: a, targets: redis://h, budget: {commands: 1000, share: plan}}\n"
      "  - {job: b, targets: redis://i, wake: false, sleeps_after: 10m}\n");
  ASSERT_TRUE(loaded.config) << loaded.said;
  const TargetConfig &a = loaded.config->targets.at(0), &b = loaded.config->targets.at(1);
  ASSERT_TRUE(a.budget);
  EXPECT_EQ(a.budget->share, "plan");
  EXPECT_EQ(a.budget->per, std::chrono::hours(24));
  EXPECT_FALSE(a.sentinel);
  EXPECT_EQ(b.sleeps_after, std::chrono::minutes(10));
  EXPECT_EQ(b.cold_start, std::chrono::seconds(30));
  EXPECT_FALSE(b.sentinel);
  const auto bad = load_text(
      "probes:\n  - {job: a, targets: redis://h, budget: {commands: 1000, share: plan}}\n"
      "  - {job: b, targets: redis://i, budget: {commands: 10, share: plan}}\n");
  EXPECT_THAT(bad.said, testing::HasSubstr("is another one in an earlier job"));
}

TEST(Fingerprint, ChangesWithEverythingThatMatters) {
  const auto print = [](const std::string& rest) {
    const auto loaded = load_text("probes: [{job: a, " + rest + "}]");
    EXPECT_TRUE(loaded.config) << loaded.said;
    return loaded.config ? loaded.config->targets.at(0).fingerprint : "";
  };
  const Change table[] = {
      {"targets: redis://h", "targets: redis://i"},
      {"targets: redis://h", "targets: redis://h/1"},
      {"targets: redis://h", "targets: rediss://h"},
      {"targets: redis://h", "targets: redis://u@h"},
      {"targets: redis://h, password: a", "targets: redis://h, password: b"},
      {"targets: redis://h", "targets: redis://h, interval: 1s, timeout: 1s"},
      {"targets: redis://h", "targets: redis://h, timeout: 1s"},
      {"targets: redis://h", "targets: redis://h, confirm: 1s"},
      {"targets: redis://h", "targets: redis://h, reconnect: 1s"},
      {"targets: redis://h", "targets: redis://h, sentinel: false"},
      {"targets: redis://h, labels: {x: y}", "targets: redis://h, labels: {x: z}"},
      {"targets: rediss://h", "targets: rediss://h, tls: {server_name: x}"},
      {"targets: 'http://h/?a'", "targets: 'http://h/?b'"},
      {"targets: http://h/", "targets: http://h/, method: HEAD"},
      {"targets: http://h/", "targets: http://h/, headers: {A: b}"},
      {"targets: http://h/, headers: {A: b}", "targets: http://h/, headers: {A: c}"},
      {"targets: http://h/", "targets: http://h/, bearer: b"},
      {"targets: http://h/", "targets: http://h/, max_body: 1"},
      {"targets: http://h/", "targets: http://h/, ip_protocol: v6"},
      {"targets: http://h/", "targets: http://h/, follow_redirects: false"},
      {"targets: http://h/", "targets: http://h/, expect: {status: 200}"},
      {"targets: http://h/", "targets: http://h/, expect: {json: {'$.a': b}}"},
      {"targets: http://h/, expect: {body_matches: a}", "targets: http://h/, expect: {body_not_matches: a}"},
  };
  for (const Change& change : table) {
    EXPECT_NE(print(change.before), print(change.after)) << change.after;
    EXPECT_EQ(print(change.before), print(change.before));
  }
  EXPECT_EQ(print("targets: redis://h, password: hunter2").find("hunter2"), std::string::npos);
}

TEST(Targets, MayHaveKeysOfTheirOwn) {
  const auto loaded = load_text(
      "probes:\n  - job: a\n    method: HEAD\n    labels: {x: y, z: w}\n    targets:\n"
      "      - http://one/\n      - {url: http://two/, method: POST, body: hello, labels: {x: own}}\n");
  ASSERT_TRUE(loaded.config) << loaded.said;
  ASSERT_EQ(loaded.config->targets.size(), 2U);
  const TargetConfig &one = loaded.config->targets[0], &two = loaded.config->targets[1];
  EXPECT_EQ(http(one).method, "HEAD");
  EXPECT_EQ(http(two).method, "POST");
  EXPECT_EQ(http(two).body, "hello");
  EXPECT_EQ(two.labels.get("x"), "own");
  EXPECT_EQ(two.labels.get("z"), "w");
  EXPECT_EQ(two.job, "a");
  EXPECT_NE(one.fingerprint, two.fingerprint);
}

TEST(Targets, OfTheirOwnKeysMistakesAreTold) {
  const auto loaded = load_text("probes: [{job: a, targets: [{url: http://two/, metod: POST}]}]");
  EXPECT_FALSE(loaded.config);
  EXPECT_THAT(loaded.said, testing::HasSubstr("did you mean \"method\"?"));
  const auto without = load_text("probes: [{job: a, targets: [{method: GET}]}]");
  EXPECT_THAT(without.said, testing::HasSubstr("needs a \"url\""));
}

TEST(Targets, AreMadeOfAJobLater) {
  const auto loaded = load_text("probes: [{job: a, interval: 5s, labels: {x: y}, targets: redis://h}]");
  ASSERT_TRUE(loaded.config) << loaded.said;
  core::Labels found;
  found.set("shard", "7");
  const Config& config = *loaded.config;
  const auto target = make_target(config.jobs.at(0), config.global, "redis://other:7000", found);
  ASSERT_TRUE(target) << target.error().detail;
  EXPECT_EQ(target->labels.get("instance"), "other:7000");
  EXPECT_EQ(target->labels.get("shard"), "7");
  EXPECT_EQ(target->labels.get("x"), "y");
  EXPECT_EQ(target->interval, std::chrono::seconds(5));
  const auto bad = make_target(config.jobs.at(0), config.global, "nonsense", found);
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().detail, testing::HasSubstr("a target is a URL"));
}

TEST(Fingerprint, DoesNotDependOnThePlaceInTheFile) {
  const auto a = load_text("probes: [{job: a, targets: redis://h}]"),
             b = load_text("\n\nprobes:\n  - targets: [redis://h]\n    job: a\n");
  EXPECT_EQ(a.config->targets[0].fingerprint, b.config->targets[0].fingerprint);
}

}  // namespace
}  // namespace tocsin::daemon
