// A PostgreSQL prober on a loop of its own.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "support/run_task.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/postgres.hpp"

namespace tocsin::test {

class PostgresProbe {
 public:
  explicit PostgresProbe(probes::PostgresOptions options)
      : prober_(probes::make_postgres_prober(connector_, loop_.executor(), identity(), std::move(options))) {}

  core::Observation operator()(std::chrono::milliseconds timeout = std::chrono::seconds(5), bool fresh = false) {
    probes::ProbeStart start;
    at_ += std::chrono::seconds(15);
    start.at = at_;
    start.deadline = TestLoop::in(timeout);
    start.fresh = fresh;
    auto observation = loop_.run(prober_->probe(start));
    take(observation);
    return observation;
  }
  /// Lets the targets' clock go on.
  void later(std::chrono::seconds time) { at_ += time; }
  [[nodiscard]] bool has(const std::string& series) const { return values.contains(series); }
  /// The value of a series; -1234 where there is none.
  [[nodiscard]] double value(const std::string& series) const {
    const auto found = values.find(series);
    return found == values.end() ? -1234 : found->second;
  }
  /// The first series whose text begins so; empty if there is none.
  [[nodiscard]] std::string find(const std::string& start) const {
    const auto found = values.lower_bound(start);
    return found != values.end() && found->first.starts_with(start) ? found->first : std::string();
  }
  [[nodiscard]] bool success(const std::string& collector) const {
    return value("pg_scrape_collector_success{collector=\"" + collector + "\"}") == 1;
  }
  [[nodiscard]] probes::Prober& prober() { return *prober_; }
  [[nodiscard]] TestLoop& loop() { return loop_; }

  std::map<std::string, double> values;

  static probes::PostgresOptions to(std::uint16_t port, const std::string& user = "postgres") {
    probes::PostgresOptions options;
    options.address.host = "127.0.0.1";
    options.address.port = port;
    options.user = user;
    options.database = "postgres";
    return options;
  }

 private:
  static probes::Identity identity() {
    probes::Identity identity;
    identity.target = 9;
    identity.kind = "postgres";
    return identity;
  }
  void take(const core::Observation& observation) {
    values.clear();
    for (const auto& series : observation.batch.fresh) names_[series.slot] = series.labels.to_string();
    for (const auto& row : observation.batch.rows) {
      const auto [place, first] = values.emplace(names_.at(row.slot), row.value);
      if (!first) throw std::runtime_error("given twice: " + place->first);
    }
  }

  net::BlockingPool pool_{1};
  net::Connector connector_{pool_};
  TestLoop loop_;
  std::unique_ptr<probes::Prober> prober_;
  core::TimePoint at_ = core::from_millis(1'800'000'000'000);
  std::map<core::Slot, std::string> names_;
};

}  // namespace tocsin::test
