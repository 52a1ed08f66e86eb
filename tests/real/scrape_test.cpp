// What applications, files, programs and jobs say, in the real daemon: on its pages, in its rules, over a restart.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>

#include "real/house.hpp"
#include "support/promtool.hpp"

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;

const char* const times =
    "global: {probe_interval: 200ms, probe_timeout: 200ms, evaluation_interval: 1s, confirm: 0s}\n";

class Scrape : public testing::Test {
 protected:
  static void wait_for(const Tocsin& tocsin, const std::string& expression, double value) {
    EXPECT_TRUE(wait_until([&] { return tocsin.query(expression) == value; }))
        << expression << " is " << tocsin.query(expression).value_or(-1);
  }
  TempDir folder_;
};

TEST_F(Scrape, AnApplicationsMetricsAreOnThePageAndInTheRules) {
  const auto port = free_port();
  const Nginx nginx(fmt::format("server {{ listen 127.0.0.1:{}; }}", port), port);
  nginx.dir().write("www/metrics",
                    "# HELP app_queue_length Jobs that wait.\n# TYPE app_queue_length gauge\n"
                    "app_queue_length{queue=\"a\"} 7\ngo_threads 9\n");
  const std::string config = fmt::format(
      "{}probes:\n  - job: app\n    kind: metrics\n    targets: ['http://127.0.0.1:{}/metrics']\n"
      "    metric_relabel_configs: [{{source_labels: [__name__], regex: go_.*, action: drop}}]\n",
      times, port);
  Tocsin tocsin(config);
  tocsin.wait_ready();
  const std::string labels = fmt::format("instance=\"127.0.0.1:{}\",job=\"app\"", port);
  wait_for(tocsin, "app_queue_length{queue=\"a\"}", 7);
  wait_for(tocsin, "up{job=\"app\"}", 1);
  wait_for(tocsin, "scrape_samples_scraped", 2);
  EXPECT_FALSE(tocsin.query("go_threads"));
  EXPECT_TRUE(wait_until([&] { return tocsin.metric("app_queue_length{" + labels + ",queue=\"a\"}") == 7; }));
  const std::string page = http(tocsin.port(), "/metrics").body;
  EXPECT_NE(page.find("# HELP app_queue_length Jobs that wait.\n# TYPE app_queue_length gauge\n"), std::string::npos);
  EXPECT_EQ(page.find("\nup{"), std::string::npos);
  const auto metadata = http_json(tocsin.port(), "/api/v1/metadata?metric=app_queue_length");
  EXPECT_EQ(metadata.at("data").at("app_queue_length").at(0).at("type"), "gauge");
  if (has_promtool()) {
    const std::string file = folder_.write("page", page);
    const std::string said = folder_ / "said";
    static_cast<void>(!std::system(("/usr/bin/promtool check metrics < " + file + " > " + said + " 2>&1").c_str()));
    // Its advice on names is the application's business; what cannot be read at all is ours.
    EXPECT_EQ(read_text(said).find("error while linting"), std::string::npos) << read_text(said);
  }
  nginx.dir().write("www/metrics", "<html>\n");
  wait_for(tocsin, "up{job=\"app\"}", 0);
  EXPECT_TRUE(wait_until([&] { return !tocsin.query("app_queue_length"); }))
      << "a series that is not given any more ends";
}

TEST_F(Scrape, FilesAndPrograms) {
  const std::string script =
      folder_.write("check", "#!/bin/sh\necho '# TYPE free gauge'\necho 'free{disk=\"a\"} 5'\nexit 1\n");
  ::chmod(script.c_str(), 0700);
  const std::string backup = folder_.write("backup-1.dump", "12345");
  const std::string config = fmt::format(
      "{}probes:\n  - {{job: backups, targets: ['file://{}/backup-*.dump'], max_age: 1h, min_size: 3B}}\n"
      "  - {{job: disk, kind: exec, command: ['{}'], output: metrics}}\n",
      times, folder_.path().string(), script);
  Tocsin tocsin(config);
  tocsin.wait_ready();
  wait_for(tocsin, "tocsin_probe_success{job=\"backups\"}", 1);
  wait_for(tocsin, "tocsin_file_size_bytes", 5);
  wait_for(tocsin, "tocsin_exec_status", 1);
  wait_for(tocsin, "free{disk=\"a\",instance=\"check\"}", 5);
  wait_for(tocsin, "tocsin_probe_success{job=\"disk\"}", 0);
  folder_.write("backup-1.dump", "1");
  wait_for(tocsin, "tocsin_probe_success{job=\"backups\"}", 0);
  const auto [status, said] = run_tocsin({"probe", "--config", tocsin.folder() / "tocsin.yml", "disk/check"});
  EXPECT_EQ(status, 1);
  EXPECT_NE(said.find("exit status 1 (WARNING)"), std::string::npos) << said;
}

TEST_F(Scrape, AJobThatReportsIsKeptOverAKill) {
  const std::string config =
      std::string(times) + "probes: [{job: nightly, targets: ['push://backup'], expect_every: 1h}]\n";
  Tocsin tocsin(config);
  tocsin.wait_ready();
  wait_for(tocsin, "tocsin_probe_success", 1);
  EXPECT_EQ(http(tocsin.port(), "/push/other", "POST").status, 404U);
  EXPECT_EQ(http(tocsin.port(), "/push/backup", "GET").status, 405U);
  EXPECT_EQ(http(tocsin.port(), "/push/backup", "POST", "nonsense", "text/plain").status, 400U);
  const auto noted = http(tocsin.port(), "/push/backup?status=0&duration=12.5", "POST",
                          "# TYPE backup_size_bytes gauge\nbackup_size_bytes 123\n", "text/plain");
  ASSERT_EQ(noted.status, 200U) << noted.body;
  wait_for(tocsin, "backup_size_bytes", 123);
  wait_for(tocsin, "tocsin_push_duration_seconds", 12.5);
  const auto at = tocsin.query("tocsin_push_last_timestamp_seconds");
  ASSERT_TRUE(at);
  tocsin.child().kill();
  tocsin.restart();
  tocsin.wait_ready();
  wait_for(tocsin, "backup_size_bytes", 123);
  wait_for(tocsin, "tocsin_push_last_timestamp_seconds", *at);
  EXPECT_EQ(http(tocsin.port(), "/push/backup?status=2", "PUT").status, 200U);
  wait_for(tocsin, "tocsin_push_status", 2);
  wait_for(tocsin, "tocsin_probe_success", 0);
}

}  // namespace
}  // namespace tocsin::test
