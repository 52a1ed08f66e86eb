// What outlives a kill, and what goes on where the disk does not.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "real/house.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;

core::TimePoint wall() { return std::chrono::time_point_cast<core::Duration>(std::chrono::system_clock::now()); }

/// An application whose metrics the test writes.
class Application {
 public:
  explicit Application(const TempDir& folder) : folder_(folder) { set("level 0\n"); }
  void set(const std::string& text) {
    folder_.write("www/metrics.new", text);
    std::filesystem::rename(folder_ / "www/metrics.new", folder_ / "www/metrics");
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  const TempDir& folder_;
  std::uint16_t port_ = free_port();
  Nginx nginx_{fmt::format("server {{ listen 127.0.0.1:{}; root {}; default_type text/plain; }}", port_,
                           (std::filesystem::create_directories(folder_.path() / "www"), folder_ / "www")),
               port_};
};

class Survival : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::permissions(folder.path(), std::filesystem::perms(0755)); }

  [[nodiscard]] std::string config(const std::string& rules, const std::string& resend_delay = "1s") const {
    folder.write("rules.yml", rules);
    return fmt::format(
        R"(global: {{probe_interval: 500ms, probe_timeout: 400ms, confirm: 100ms, evaluation_interval: 500ms, resend_delay: {}}}
packs: []
rule_files: ['{}']
probes: [{{job: app, kind: metrics, targets: ['http://127.0.0.1:{}/metrics']}}]
alertmanagers: ['http://127.0.0.1:{}']
)",
        resend_delay, folder / "rules.yml", application.port(), alertmanager_port);
  }
  static std::string alert(const std::string& name, const std::string& expression, const std::string& more = "") {
    return fmt::format("groups: [{{name: g, rules: [{{alert: {}, expr: '{}'{}}}]}}]\n", name, expression, more);
  }
  void start_alertmanager_now() { alertmanager = start_alertmanager(alertmanager_port, folder); }
  [[nodiscard]] bool at_alertmanager(const std::string& name) const {
    return !alerts_at(alertmanager_port, name).empty();
  }
  static std::optional<core::TimePoint> active_at(const Tocsin& tocsin, const std::string& name) {
    const auto answer = http_json(tocsin.port(), "/api/v1/alerts");
    if (!answer.is_object()) return std::nullopt;
    const auto& alerts = answer.at("data").at("alerts").as_array();
    for (const auto& one : alerts) {
      if (one.at("labels").at("alertname").as_string() == name)
        return core::parse_rfc3339(one.at("activeAt").as_string().c_str());
    }
    return std::nullopt;
  }

  TempDir folder;
  Application application{folder};
  std::uint16_t alertmanager_port = free_port();
  std::unique_ptr<Child> alertmanager;
};

TEST_F(Survival, APendingTimerGoesOnAfterAKill) {
  start_alertmanager_now();
  Tocsin tocsin(config(alert("High", "level > 5", ", for: 4s")));
  tocsin.wait_ready();
  application.set("level 9\n");
  ASSERT_TRUE(wait_until([&] { return active_at(tocsin, "High").has_value(); })) << tocsin.child().output();
  const auto since = active_at(tocsin, "High");
  for (int i = 0; i < 3; ++i) {
    tocsin.child().kill();
    tocsin.restart();
    ASSERT_TRUE(wait_until([&] { return active_at(tocsin, "High").has_value(); })) << tocsin.child().output();
    EXPECT_EQ(active_at(tocsin, "High"), since);
  }
  ASSERT_TRUE(wait_until([&] { return at_alertmanager("High"); })) << tocsin.child().output();
  EXPECT_LT(wall() - *since, 4s + 2500ms);
}

TEST_F(Survival, WhatEndedWhileItWasAwayIsToldAsEnded) {
  start_alertmanager_now();
  Tocsin tocsin(config(alert("High", "level > 5")));
  tocsin.wait_ready();
  application.set("level 9\n");
  ASSERT_TRUE(wait_until([&] { return at_alertmanager("High"); }));
  tocsin.child().kill();
  application.set("level 0\n");
  tocsin.restart();
  // Far sooner than Alertmanager would end it by itself (4 times the evaluation interval or the resend delay).
  EXPECT_TRUE(wait_until([&] { return !at_alertmanager("High"); }, 3s)) << tocsin.child().output();
}

TEST_F(Survival, WhatIsOwedIsDeliveredByTheNextLife) {
  Tocsin tocsin(config(alert("High", "level > 5")));
  tocsin.wait_ready();
  application.set("level 9\n");
  ASSERT_TRUE(wait_until([&] {
    return tocsin.metric(
               fmt::format("tocsin_outbox_owed{{alertmanager=\"http://127.0.0.1:{}\"}}", alertmanager_port)) == 1.0 ||
           tocsin.metric(
               fmt::format("tocsin_outbox_owed{{alertmanager=\"http://127.0.0.1:{}/\"}}", alertmanager_port)) == 1.0;
  })) << http(tocsin.port(), "/metrics").body.substr(0, 20'000);
  tocsin.child().kill();
  application.set("level 0\n");
  start_alertmanager_now();
  tocsin.restart();
  // It fired and ended; what stands now is that it ended, and nobody is told otherwise.
  ASSERT_TRUE(wait_until([&] {
    const auto [status, text] =
        run_tocsin({"history", "--kind", "delivery", "--url", fmt::format("http://127.0.0.1:{}", tocsin.port())});
    return status == 0 && text.find("delivered") != std::string::npos;
  })) << tocsin.child().output();
}

TEST_F(Survival, RatesAreTrueAtOnceAfterAKill) {
  start_alertmanager_now();
  Tocsin tocsin(config(alert("Busy", "rate(requests_total[1m]) > 5")));
  tocsin.wait_ready();
  int requests = 0;
  ASSERT_TRUE(wait_until(
      [&] {
        application.set(fmt::format("# TYPE requests_total counter\nrequests_total {}\n", requests += 100));
        return at_alertmanager("Busy");
      },
      20s))
      << tocsin.child().output();
  // Until the samples are on disk.
  ASSERT_TRUE(wait_until([&] { return tocsin.metric("tocsin_samples_snapshot_bytes") > 0.0; }, 15s));
  tocsin.child().kill();
  tocsin.restart();
  ASSERT_TRUE(wait_until([&] { return tocsin.query("count_over_time(requests_total[1m])") >= 5.0; }, 3s))
      << tocsin.child().output();
  EXPECT_TRUE(at_alertmanager("Busy"));
}

TEST_F(Survival, TenThousandAlertsAtOnceAreToldAndOutliveAKill) {
  start_alertmanager_now();
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += fmt::format("level{{shard=\"{}\"}} 9\n", i);
  Tocsin tocsin(config(alert("High", "level > 5"), "10s"));  // else Alertmanager ends them before all are told again
  tocsin.wait_ready();
  application.set(many);
  ASSERT_TRUE(wait_until([&] { return alerts_at(alertmanager_port, "High").size() == 10'000; }, 40s))
      << alerts_at(alertmanager_port, "High").size() << " " << tocsin.child().output();
  tocsin.child().kill();
  tocsin.restart();
  ASSERT_TRUE(wait_until([&] { return tocsin.query("count(ALERTS)") == 10'000.0; }, 20s)) << tocsin.child().output();
  EXPECT_EQ(alerts_at(alertmanager_port, "High").size(), 10'000U);
  application.set("level 0\n");
  EXPECT_TRUE(wait_until([&] { return !at_alertmanager("High"); }, 40s)) << tocsin.child().output();
}

TEST_F(Survival, ASecondDaemonOnTheSameFolderIsRefused) {
  Tocsin tocsin(config(alert("High", "level > 5")));
  tocsin.wait_ready();
  const auto [status, output] = run_tocsin({"run", "--config", tocsin.folder() / "tocsin.yml", "--listen",
                                            "127.0.0.1:0", "--data-dir", tocsin.folder() / "data"});
  EXPECT_EQ(status, 1);
  EXPECT_NE(output.find("in use by another tocsin"), std::string::npos) << output;
}

TEST_F(Survival, ADatabaseCutShortIsSetAside) {
  start_alertmanager_now();
  Tocsin tocsin(config(alert("High", "level > 5")));
  tocsin.wait_ready();
  application.set("level 9\n");
  ASSERT_TRUE(wait_until([&] { return at_alertmanager("High"); }));
  tocsin.child().stop();
  const std::filesystem::path database = tocsin.folder().path() / "data" / "tocsin.db";
  std::filesystem::resize_file(database, std::filesystem::file_size(database) / 2 + 100);
  tocsin.restart();
  EXPECT_TRUE(wait_until([&] { return tocsin.metric("tocsin_state_damaged_total") >= 1.0; }))
      << tocsin.child().output();
  EXPECT_EQ(tocsin.metric("tocsin_state_usable"), 1.0);
  EXPECT_NE(tocsin.child().output().find("set aside"), std::string::npos) << tocsin.child().output();
  application.set("level 0\n");
  EXPECT_TRUE(wait_until([&] { return !at_alertmanager("High"); }, 20s)) << tocsin.child().output();
}

/// A small file system of its own, in memory.
class SmallDisk {
 public:
  explicit SmallDisk(std::string folder) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    mounted_ = ::mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=2m,mode=0700") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool mounted() const { return mounted_; }
  void fill() const {
    std::ofstream out(folder_ + "/filler", std::ios::binary);
    const std::string block(4096, 'x');
    while (out.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void make_room() const { std::filesystem::remove(folder_ + "/filler"); }
  void set_read_only(bool on) const {
    ASSERT_EQ(::mount("tmpfs", folder_.c_str(), "tmpfs", on ? MS_REMOUNT | MS_RDONLY : MS_REMOUNT, "size=2m"), 0);
  }

 private:
  std::string folder_;
  bool mounted_ = false;
};

TEST_F(Survival, AFullDiskStopsNothingButThePromise) {
  const SmallDisk disk(folder / "disk");
  if (!disk.mounted()) GTEST_SKIP() << "needs to mount a file system";
  start_alertmanager_now();
  Tocsin tocsin(
      config("groups: [{name: g, rules: [{alert: High, expr: \"level > 5\"}, {alert: Low, expr: \"level < -5\"}]}]\n"),
      {"--data-dir", folder / "disk"});
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return tocsin.metric("tocsin_state_usable") == 1.0; })) << tocsin.child().output();
  disk.fill();
  application.set("level 9\n");
  ASSERT_TRUE(wait_until([&] { return at_alertmanager("High"); })) << tocsin.child().output();
  application.set("level -9\n");
  ASSERT_TRUE(wait_until([&] { return at_alertmanager("Low"); })) << tocsin.child().output();
  ASSERT_TRUE(wait_until([&] { return tocsin.metric("tocsin_state_usable") == 0.0; })) << tocsin.child().output();
  EXPECT_NE(tocsin.child().output().find("cannot be written to disk"), std::string::npos) << tocsin.child().output();
  EXPECT_NE(http(tocsin.port(), "/").body.find("cannot be written to disk"), std::string::npos);
  disk.make_room();
  ASSERT_TRUE(wait_until([&] { return tocsin.metric("tocsin_state_usable") == 1.0; }, 20s)) << tocsin.child().output();
  // What changed while the disk was full is on it now.
  tocsin.child().kill();
  application.set("level 0\n");
  tocsin.restart();
  EXPECT_TRUE(wait_until([&] { return !at_alertmanager("Low"); }, 3s)) << tocsin.child().output();
}

TEST_F(Survival, AReadOnlyDiskStopsNothingButThePromise) {
  const SmallDisk disk(folder / "disk");
  if (!disk.mounted()) GTEST_SKIP() << "needs to mount a file system";
  disk.set_read_only(true);
  start_alertmanager_now();
  Tocsin tocsin(config(alert("High", "level > 5")), {"--data-dir", folder / "disk"});
  tocsin.wait_ready();
  application.set("level 9\n");
  EXPECT_TRUE(wait_until([&] { return at_alertmanager("High"); })) << tocsin.child().output();
  EXPECT_EQ(tocsin.metric("tocsin_state_usable"), 0.0);
  EXPECT_NE(http(tocsin.port(), "/").body.find("data folder cannot be used"), std::string::npos);
}

TEST_F(Survival, ASlowDiskHoldsUpNeitherJudgementNorAlerts) {
#ifdef TOCSIN_SANITIZED
  GTEST_SKIP() << "nothing can be preloaded before a sanitizer";
#endif
  start_alertmanager_now();
  Tocsin tocsin(config(alert("High", "level > 5")), {},
                {std::string("LD_PRELOAD=") + TOCSIN_SLOW_SYNC, "SLOW_SYNC_WHEN=" + (folder / "slow")});
  tocsin.wait_ready();
  folder.write("slow", "");
  application.set("level 9\n");
  // The shim lets every sync take five seconds; the patience with a disk is one.
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(wait_until([&] { return at_alertmanager("High"); }, 20s)) << tocsin.child().output();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 4s);
  EXPECT_TRUE(wait_until([&] { return tocsin.metric("tocsin_state_told_unkept_total") >= 1.0; }));
  EXPECT_EQ(tocsin.query("sum(tocsin_rule_group_missed_total)").value_or(0), 0.0);
}

}  // namespace
}  // namespace tocsin::test
