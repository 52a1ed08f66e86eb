// What jobs of the kinds grpc, metrics, file, exec and push may say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_dir.hpp"
#include "tocsin/daemon/config/config.hpp"

namespace tocsin::daemon {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

struct LoadedScrape {
  std::optional<Config> config;
  std::string said;
};
LoadedScrape load_scrape(const std::string& more) {
  const test::TempDir dir;
  core::Diagnostics diagnostics;
  LoadedScrape loaded{load_config(dir.write("t.yml", "probes:\n  - job: j\n" + more), {{}, true}, {}, diagnostics), {}};
  loaded.said = diagnostics.render();
  return loaded;
}
template <class Options>
Options options_of(const LoadedScrape& loaded) {
  EXPECT_TRUE(loaded.config) << loaded.said;
  if (!loaded.config) return {};
  return std::get<Options>(*loaded.config->targets.at(0).options);
}
std::string instance_of(const LoadedScrape& loaded) {
  return loaded.config ? std::string(loaded.config->targets.at(0).labels.get("instance")) : loaded.said;
}
std::string scrape_error(const std::string& more) {
  const auto loaded = load_scrape(more);
  EXPECT_FALSE(loaded.config) << more;
  return loaded.said;
}

TEST(GrpcConfig, TheUrlSaysTheService) {
  const auto loaded = load_scrape("    targets: [\"grpc://h:50051/my.pkg.Service\"]\n");
  const auto options = options_of<probes::GrpcOptions>(loaded);
  EXPECT_EQ(options.address.to_string(), "h:50051");
  EXPECT_EQ(options.service, "my.pkg.Service");
  EXPECT_FALSE(options.tls);
  EXPECT_EQ(instance_of(loaded), "grpc://h:50051/my.pkg.Service");
}

TEST(GrpcConfig, EveryKeyCounts) {
  const auto options = options_of<probes::GrpcOptions>(
      load_scrape("    targets: [\"grpcs://h\"]\n    service: s\n    authority: a.example\n    ip_protocol: v4\n"
                  "    metadata: {authorization: Bearer x}\n    tls: {insecure_skip_verify: true}\n"));
  EXPECT_EQ(options.address.port, 443);
  EXPECT_EQ(options.service, "s");
  EXPECT_EQ(options.authority, "a.example");
  EXPECT_EQ(options.ip_protocol, probes::IpProtocol::v4);
  ASSERT_TRUE(options.tls);
  EXPECT_TRUE(options.tls->insecure_skip_verify);
  ASSERT_EQ(options.metadata.size(), 1U);
  EXPECT_EQ(options.metadata[0].name, "authorization");
  EXPECT_EQ(options.metadata[0].value.value.reveal(), "Bearer x");
}

TEST(GrpcConfig, MistakesAreSaid) {
  EXPECT_THAT(scrape_error("    targets: [\"grpc://h\"]\n"), HasSubstr("a grpc URL has a port"));
  EXPECT_THAT(scrape_error("    targets: [\"grpc://u:p@h:1\"]\n"), HasSubstr("no user info"));
  EXPECT_THAT(scrape_error("    targets: [\"grpc://h:1/a\"]\n    service: b\n"), HasSubstr("another one beside it"));
  EXPECT_THAT(scrape_error("    targets: [\"grpc://h:1\"]\n    tls: {}\n"), HasSubstr("grpcs://"));
  EXPECT_THAT(scrape_error("    targets: [\"grpc://h:1\"]\n    metadata: {grpc-timeout: 1s}\n"),
              HasSubstr("cannot be sent as metadata"));
}

TEST(MetricsConfig, IsAScrapeJob) {
  const auto loaded = load_scrape(
      "    kind: metrics\n    targets: [\"http://app.example\"]\n    honor_labels: true\n    sample_limit: 10\n"
      "    label_limit: 11\n    label_name_length_limit: 12\n    label_value_length_limit: 13\n    max_series: 1000\n"
      "    bearer: t\n    headers: {X-A: b}\n    max_body: 1KiB\n    follow_redirects: false\n"
      "    metric_relabel_configs:\n"
      "      - {source_labels: [__name__], regex: go_.*, action: drop}\n"
      "      - {source_labels: [a, b], separator: \"-\", target_label: c, modulus: 8, action: hashmod}\n"
      "      - {regex: id, action: labeldrop}\n");
  const auto options = options_of<probes::MetricsOptions>(loaded);
  EXPECT_EQ(options.http.url.display(), "http://app.example/metrics");
  EXPECT_EQ(instance_of(loaded), "app.example:80");
  EXPECT_TRUE(options.rules.honor_labels);
  EXPECT_EQ(options.rules.sample_limit, 10U);
  EXPECT_EQ(options.rules.label_limit, 11U);
  EXPECT_EQ(options.rules.label_name_length_limit, 12U);
  EXPECT_EQ(options.rules.label_value_length_limit, 13U);
  EXPECT_EQ(options.max_series, 1000U);
  EXPECT_EQ(options.http.bearer.value.reveal(), "t");
  EXPECT_EQ(options.http.headers.size(), 1U);
  EXPECT_EQ(options.http.max_body, 1024U);
  EXPECT_FALSE(options.http.follow_redirects);
  ASSERT_EQ(options.rules.metric_relabel.size(), 3U);
  EXPECT_EQ(options.rules.metric_relabel[0].action, core::RelabelRule::Action::drop);
  EXPECT_EQ(options.rules.metric_relabel[1].modulus, 8U);
  EXPECT_EQ(options.rules.metric_relabel[1].separator, "-");
  EXPECT_THAT(options.rules.metric_relabel[1].source_labels, ElementsAre("a", "b"));
}

TEST(MetricsConfig, TheInstanceIsHostAndPort) {
  EXPECT_EQ(instance_of(load_scrape("    kind: metrics\n    targets: [\"https://a.example/x?y=z\"]\n")),
            "a.example:443");
  EXPECT_EQ(instance_of(load_scrape("    kind: metrics\n    targets: [\"http://[::1]:9100/metrics\"]\n")),
            "[::1]:9100");
}

TEST(MetricsConfig, MistakesAreSaid) {
  EXPECT_THAT(scrape_error("    kind: metrics\n    targets: [\"http://h\"]\n    metric_relabel_configs:\n"
                           "      - {action: hashmod, target_label: x}\n"),
              HasSubstr("hashmod needs a \"modulus\""));
  EXPECT_THAT(scrape_error("    kind: metrics\n    targets: [\"http://h\"]\n    metric_relabel_configs:\n"
                           "      - {action: dorp}\n"),
              HasSubstr("drop"));
  EXPECT_THAT(scrape_error("    kind: metrics\n    targets: [\"http://h\"]\n    expect: {status: 200}\n"),
              HasSubstr("\"expect\" is for"));
  EXPECT_THAT(scrape_error("    targets: [\"http://h\"]\n    honor_labels: true\n"),
              HasSubstr("\"honor_labels\" is for"));
}

TEST(FileConfig, APathMayBeAPattern) {
  const auto loaded = load_scrape(
      "    targets: [\"file:///var/backups/db-[0-9]*?.dump\"]\n    max_age: 26h\n    min_size: 1MiB\n    max_size: "
      "2GiB\n"
      "    min_count: 2\n    max_count: 30\n");
  const auto options = options_of<probes::FileOptions>(loaded);
  EXPECT_EQ(options.pattern, "/var/backups/db-[0-9]*?.dump");
  EXPECT_EQ(instance_of(loaded), "/var/backups/db-[0-9]*?.dump");
  EXPECT_EQ(options.expect.max_age, 26h);
  EXPECT_EQ(options.expect.min_size, 1024U * 1024);
  EXPECT_EQ(options.expect.max_size, 2ULL * 1024 * 1024 * 1024);
  EXPECT_EQ(options.expect.min_count, 2U);
  EXPECT_EQ(options.expect.max_count, 30U);
  EXPECT_EQ(options_of<probes::FileOptions>(load_scrape("    targets: [\"file:///x\"]\n")).expect.min_count, 1U);
  EXPECT_THAT(scrape_error("    targets: [\"file://x\"]\n"), HasSubstr("three slashes"));
  EXPECT_THAT(scrape_error("    targets: [\"file:///x\"]\n    min_count: 2\n    max_count: 1\n"),
              HasSubstr("smaller than \"min_count\""));
}

TEST(ExecConfig, ACommandIsEnough) {
  const auto loaded = load_scrape("    kind: exec\n    command: [/usr/lib/nagios/plugins/check_disk, -w, 10%]\n");
  const auto options = options_of<probes::ExecOptions>(loaded);
  EXPECT_THAT(options.argv, ElementsAre("/usr/lib/nagios/plugins/check_disk", "-w", "10%"));
  EXPECT_EQ(instance_of(loaded), "check_disk");
  EXPECT_FALSE(options.metrics);
  EXPECT_THAT(options.good_status, ElementsAre(0));
}

TEST(ExecConfig, TargetsMayHaveCommandsOfTheirOwn) {
  const test::TempDir secrets;
  const std::string token = secrets.write("token", "s3cret");
  const auto loaded =
      load_scrape("    env: {TOKEN: {file: " + token +
                  "}, A: b}\n    good_status: [0, 1]\n    output: metrics\n    working_directory: /tmp\n"
                  "    targets:\n"
                  "      - {url: \"exec://disk\", command: [check_disk]}\n"
                  "      - {url: \"exec://load\", command: [check_load]}\n");
  const auto options = options_of<probes::ExecOptions>(loaded);
  ASSERT_EQ(loaded.config->targets.size(), 2U);
  EXPECT_EQ(instance_of(loaded), "disk");
  EXPECT_THAT(options.argv, ElementsAre("check_disk"));
  EXPECT_TRUE(options.metrics);
  EXPECT_EQ(options.working_directory, "/tmp");
  EXPECT_THAT(options.good_status, ElementsAre(0, 1));
  ASSERT_EQ(options.environment.size(), 2U);
  EXPECT_EQ(options.environment[0].second.file, token);
  EXPECT_EQ(options.environment[1].second.value.reveal(), "b");
  EXPECT_THAT(scrape_error("    targets: [\"exec://disk\"]\n"), HasSubstr("needs a \"command\""));
  EXPECT_THAT(scrape_error("    kind: exec\n"), HasSubstr("needs \"targets\""));
  EXPECT_THAT(scrape_error("    kind: exec\n    command: [x]\n    env: {A-B: c}\n"), HasSubstr("cannot be a variable"));
}

TEST(PushConfig, AJobHasANameAndATime) {
  const test::TempDir secrets;
  const auto loaded = load_scrape("    targets: [\"push://nightly-backup\"]\n    expect_every: 24h\n    token_file: " +
                                  secrets.write("token", "t") + "\n");
  const auto options = options_of<probes::PushOptions>(loaded);
  EXPECT_EQ(options.name, "nightly-backup");
  EXPECT_EQ(options.expect_every, 24h);
  EXPECT_FALSE(options.token.empty());
  EXPECT_TRUE(loaded.config->targets[0].sentinel);
  EXPECT_EQ(instance_of(loaded), "nightly-backup");
  EXPECT_THAT(scrape_error("    targets: [\"push://x\"]\n"), HasSubstr("needs \"expect_every\""));
  EXPECT_THAT(scrape_error("    targets: [\"push://x/y\"]\n    expect_every: 1h\n"),
              HasSubstr("has a name of letters"));
}

}  // namespace
}  // namespace tocsin::daemon
