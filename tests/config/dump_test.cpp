// What the configuration says about itself: check -T, the schema, the documentation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "support/temp_dir.hpp"
#include "tocsin/daemon/config/config.hpp"

namespace tocsin::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string good_folder = TOCSIN_SOURCE_DIR "/tests/config/good/";

Config load_cleanly(const std::string& path) {
  core::Diagnostics diagnostics;
  auto config = load_config(path, {{{"WHAT", "so"}}, true}, {"http", "redis"}, diagnostics);
  EXPECT_EQ(diagnostics.render(), "");
  return config.value_or(Config{});
}

/// Runs python with these modules, if the machine has them.
std::optional<std::pair<int, std::string>> python(const std::string& modules, const std::string& script,
                                                  const std::string& arguments) {
  if (std::system(("python3 -c 'import " + modules + "' >/dev/null 2>&1").c_str()) != 0) return std::nullopt;
  const test::TempDir dir;
  const std::string command = "python3 " + dir.write("s.py", script) + " " + arguments + " 2>&1";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::string out;
  std::array<char, 4096> buffer{};
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) out.append(buffer.data(), n);
  return std::pair(::pclose(pipe), out);
}

TEST(Dump, GivesTheSameConfigurationAgain) {
  const Config config = load_cleanly(good_folder + "full.yml");
  const std::string first = dump_config(config);
  const test::TempDir dir;
  const Config again = load_cleanly(dir.write("dumped.yml", first));
  EXPECT_EQ(dump_config(again), first);
  ASSERT_EQ(again.targets.size(), config.targets.size());
  for (std::size_t i = 0; i < config.targets.size(); ++i) {
    const TargetConfig &a = config.targets[i], &b = again.targets[i];
    EXPECT_EQ(a.labels, b.labels);
    EXPECT_EQ(a.display, b.display);
    EXPECT_EQ(a.kind, b.kind);
    EXPECT_EQ(a.interval, b.interval);
    EXPECT_EQ(a.timeout, b.timeout);
    EXPECT_EQ(a.sentinel, b.sentinel);
  }
  EXPECT_EQ(again.packs, config.packs);
  EXPECT_EQ(again.actions.size(), config.actions.size());
  EXPECT_EQ(again.rule_files.size(), config.rule_files.size());
}

TEST(Dump, PacksThatAreOffStayOff) {
  Config config = load_cleanly(good_folder + "minimal.yml");
  config.packs.clear();
  const test::TempDir dir;
  EXPECT_TRUE(load_cleanly(dir.write("dumped.yml", dump_config(config))).packs.empty());
}

TEST(Dump, MasksSecrets) {
  const test::TempDir dir;
  const std::string dump = dump_config(load_cleanly(
      dir.write("t.yml",
                "probes:\n"
                "  - {job: a, targets: ['redis://u:hunter1@h', 'redis://i'], user: u}\n"
                "  - {job: b, targets: redis://h, password: hunter2}\n"
                "  - {job: c, targets: 'http://u:hunter3@h/?token=hunter4&x=y', headers: {Cookie: hunter5}}\n"
                "  - {job: d, targets: http://h, bearer: hunter6}\n"
                "  - {job: e, targets: http://h, proxy_url: 'http://u:hunter10@p'}\n"
                "  - {job: f, kind: redis, targets: 'u:hunter11@h:1'}\n"
                "alertmanagers: ['http://u:hunter7@am']\n"
                "fallback: {webhook: 'https://u:hunter12@hook/hunter13?t=hunter14', headers: {X-A: hunter15}}\n"
                "heartbeat: 'https://switch/hunter16'\n"
                "actions:\n  - name: n\n    when: A\n    target: t\n    ladder: [a, b]\n    read: {exec: [r]}\n"
                "    set: {exec: [s, '{to}']}\n    env: {SECRET_KEY: hunter8, API_TOKEN: hunter9, REGION: eu}\n")));
  EXPECT_THAT(dump, Not(HasSubstr("hunter"))) << dump;
  EXPECT_THAT(dump, HasSubstr("password: \"<secret>\""));
  EXPECT_THAT(dump, HasSubstr("REGION: eu"));
  EXPECT_THAT(dump, HasSubstr("x=y"));
}

TEST(Dump, IsReadByOthersInTheSameWay) {
  const test::TempDir dir;
  const std::string file = dir.write("dumped.yml", dump_config(load_cleanly(good_folder + "full.yml")));
  const auto result = python("yaml", R"(
import sys, yaml
c = yaml.safe_load(open(sys.argv[1]))
assert c["global"]["probe_interval"] == "15s", c["global"]
assert c["global"]["external_labels"] == {"site": "iad"}
p = {p["job"]: p for p in c["probes"]}
assert p["pbs"]["expect"]["json"] == {"$.database": "ok", "$['a b'][0].c": "1"}, p["pbs"]
assert p["pbs"]["expect"]["status"] == [200, "204-206", "300-399"], p["pbs"]
assert p["pbs"]["follow_redirects"] is False
assert c["storage"]["max_series"] == 5000
assert c["actions"][1]["count"]["target_value"] == 500
)",
                             file);
  if (!result) GTEST_SKIP() << "no PyYAML here";
  EXPECT_EQ(result->first, 0) << result->second;
}

TEST(Schema, AcceptsGoodFilesAndRefusesBadOnes) {
  const test::TempDir dir;
  const std::string schema = dir.write("schema.json", config_schema());
  const std::string bad = TOCSIN_SOURCE_DIR "/tests/config/bad/";
  const auto result = python("yaml, jsonschema", R"(
import sys, json, yaml, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
for name in sys.argv[2].split(","):
    errors = [e.message for e in validator.iter_errors(yaml.safe_load(open(name)))]
    assert not errors, (name, errors)
for name in sys.argv[3].split(","):
    assert list(validator.iter_errors(yaml.safe_load(open(name)))), name + " passes"
)",
                             schema + " " + good_folder + "full.yml," + good_folder + "minimal.yml," +
                                 dir.write("dumped.yml", dump_config(load_cleanly(good_folder + "full.yml"))) + " " +
                                 bad + "unknown_key.yml," + bad + "no_job.yml," + bad + "duration_without_unit.yml," +
                                 bad + "storage_retention.yml," + bad + "action_limits.yml");
  if (!result) GTEST_SKIP() << "no PyYAML or jsonschema here";
  EXPECT_EQ(result->first, 0) << result->second;
}

TEST(Schema, IsDraft7AndClosed) {
  const std::string schema = config_schema();
  EXPECT_THAT(schema, HasSubstr("http://json-schema.org/draft-07/schema#"));
  EXPECT_THAT(schema, HasSubstr("\"additionalProperties\": false"));
}

TEST(Documentation, IsWhatTheTablesSay) {
  const std::string file = TOCSIN_SOURCE_DIR "/docs/configuration.md";
  if (std::getenv("TOCSIN_UPDATE_EXPECTED")) std::ofstream(file) << config_markdown();
  EXPECT_EQ(config_markdown(), test::read_text(file))
      << "run this test with TOCSIN_UPDATE_EXPECTED=1 and commit docs/configuration.md";
}

}  // namespace
}  // namespace tocsin::daemon
