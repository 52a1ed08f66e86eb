// A Redis prober on a loop of its own, and a redis-server to probe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/child.hpp"
#include "support/free_port.hpp"
#include "support/redis.hpp"
#include "support/run_task.hpp"
#include "support/temp_dir.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/redis.hpp"

namespace tocsin::test {

class RedisProbe {
 public:
  explicit RedisProbe(probes::RedisOptions options)
      : prober_(probes::make_redis_prober(connector_, loop_.executor(), identity(), std::move(options))) {}

  core::Observation operator()(std::chrono::milliseconds timeout = std::chrono::seconds(5), bool fresh = false,
                               bool light = false) {
    probes::ProbeStart start;
    at_ += std::chrono::seconds(15);
    start.at = at_;
    start.deadline = TestLoop::in(timeout);
    start.fresh = fresh;
    start.light = light;
    auto observation = loop_.run(prober_->probe(start));
    take(observation);
    return observation;
  }
  [[nodiscard]] bool has(const std::string& series) const { return values.contains(series); }
  [[nodiscard]] probes::Prober& prober() { return *prober_; }
  [[nodiscard]] TestLoop& loop() { return loop_; }
  /// The first series whose text begins so; empty if there is none.
  [[nodiscard]] std::string find(const std::string& start) const {
    const auto found = values.lower_bound(start);
    return found != values.end() && found->first.starts_with(start) ? found->first : std::string();
  }

  std::map<std::string, double> values;

  static probes::RedisOptions to(std::uint16_t port) {
    probes::RedisOptions options;
    options.address.host = "127.0.0.1";
    options.address.port = port;
    return options;
  }

 private:
  static probes::Identity identity() {
    probes::Identity identity;
    identity.target = 9;
    identity.kind = "redis";
    return identity;
  }
  void take(const core::Observation& observation) {
    values.clear();
    for (const auto& series : observation.batch.fresh) names_[series.slot] = series.labels.to_string();
    for (const auto& row : observation.batch.rows) values[names_.at(row.slot)] = row.value;
  }

  net::BlockingPool pool_{1};
  net::Connector connector_{pool_};
  TestLoop loop_;
  std::unique_ptr<probes::Prober> prober_;
  core::TimePoint at_ = core::from_millis(1'800'000'000'000);
  std::map<core::Slot, std::string> names_;
};

class RedisServer {
 public:
  explicit RedisServer(const std::vector<std::string>& options = {}, std::string password = {})
      : password_(std::move(password)), child_(redis_command(port_, dir_, options)) {
    child_.wait_for_output("Ready to accept connections");
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] Child& child() { return child_; }
  /// What redis-cli says to a command.
  std::string cli(std::vector<std::string> words) const {
    std::vector<std::string> argv{"redis-cli", "-p", std::to_string(port_)};
    if (!password_.empty()) argv.insert(argv.end(), {"--no-auth-warning", "-a", password_});
    argv.insert(argv.end(), words.begin(), words.end());
    Child client(std::move(argv));
    static_cast<void>(client.wait_exit());
    return client.output();
  }

 private:
  TempDir dir_;
  /// A cluster's node wants another port, 10,000 above this one.
  static std::uint16_t low_port() {
    std::uint16_t port = free_port();
    while (port > 55'000) port = free_port();
    return port;
  }

  std::uint16_t port_ = low_port();
  std::string password_;
  Child child_;
};

}  // namespace tocsin::test
