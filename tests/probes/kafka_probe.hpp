// A Kafka prober on a loop of its own.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "support/run_task.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/kafka.hpp"

namespace tocsin::test {

class KafkaProbe {
 public:
  explicit KafkaProbe(probes::KafkaOptions options)
      : prober_(probes::make_kafka_prober(connector_, loop_.executor(), identity(), std::move(options))) {}

  core::Observation operator()(std::chrono::milliseconds timeout = std::chrono::seconds(10), bool fresh = false) {
    probes::ProbeStart start;
    start.at = std::chrono::time_point_cast<core::Duration>(std::chrono::system_clock::now());
    start.deadline = TestLoop::in(timeout);
    start.fresh = fresh;
    auto observation = loop_.run(prober_->probe(start));
    values.clear();
    for (const auto& series : observation.batch.fresh) names_[series.slot] = series.labels.to_string();
    for (const auto& row : observation.batch.rows) values[names_.at(row.slot)] = row.value;
    return observation;
  }
  [[nodiscard]] bool has(const std::string& series) const { return values.contains(series); }
  /// The value of a series, -12345 if it is not there.
  [[nodiscard]] double value(const std::string& series) const { return has(series) ? values.at(series) : -12345; }
  [[nodiscard]] probes::Prober& prober() { return *prober_; }
  [[nodiscard]] TestLoop& loop() { return loop_; }
  /// All that was given, a line each, for messages.
  [[nodiscard]] std::string all() const {
    std::string text;
    for (const auto& [name, value] : values) text += name + " " + std::to_string(value) + "\n";
    return text;
  }

  std::map<std::string, double> values;

  static probes::KafkaOptions to(std::uint16_t port) {
    probes::KafkaOptions options;
    options.name = "test";
    net::Address address;
    address.host = "127.0.0.1";
    address.port = port;
    options.brokers.push_back(address);
    return options;
  }

 private:
  static probes::Identity identity() {
    probes::Identity identity;
    identity.target = 9;
    identity.kind = "kafka";
    return identity;
  }

  net::BlockingPool pool_{1};
  net::Connector connector_{pool_};
  TestLoop loop_;
  std::unique_ptr<probes::Prober> prober_;
  std::map<core::Slot, std::string> names_;
};

}  // namespace tocsin::test
