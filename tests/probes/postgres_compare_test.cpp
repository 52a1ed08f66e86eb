// tocsin beside postgres_exporter on the same servers: names, labels, types and values that stand still must be the
// same, or the difference must be in a list with its reason. Debian 12's exporter is 0.11; the names are those of 0.20.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <sstream>

#include "probes/postgres_probe.hpp"
#include "support/postgres.hpp"

namespace tocsin::probes {
namespace {

using test::PostgresProbe;
using test::PostgresServer;
using test::PostgresSetup;

struct Exposition {
  std::map<std::string, std::string> types;
  std::map<std::string, double> samples;
};

/// A series taken apart.
struct Series {
  std::string name;
  std::map<std::string, std::string> labels;

  [[nodiscard]] std::string text() const {
    std::string out = name;
    char separator = '{';
    for (const auto& [label, value] : labels) {
      if (value.empty()) continue;  // to Prometheus it is not there
      out += separator + label + "=\"" + value + '"';
      separator = ',';
    }
    return separator == ',' ? out + "}" : out;
  }
};

Series parse_series(const std::string& text) {
  Series series;
  const auto brace = text.find('{');
  series.name = text.substr(0, brace);
  for (auto at = brace; at != std::string::npos && text[at] != '}';) {
    at = text.find_first_not_of(" ,{", at);
    if (at == std::string::npos || text[at] == '}') break;
    const auto equals = text.find("=\"", at);
    auto end = equals + 2;
    while (text[end] != '"') end += text[end] == '\\' ? 2 : 1;
    series.labels[text.substr(at, equals - at)] = text.substr(equals + 2, end - equals - 2);
    at = end + 1;
  }
  return series;
}

Exposition exporter(const PostgresServer& server) {
  const std::uint16_t port = test::free_port();
  const std::string address = "127.0.0.1:" + std::to_string(port);
  test::Child child(
      {"prometheus-postgres-exporter", "--web.listen-address", address},
      {"DATA_SOURCE_NAME=postgresql://postgres@127.0.0.1:" + std::to_string(server.port()) + "/app?sslmode=disable"});
  child.wait_for_port(port);
  test::Child scrape({"curl", "-s", "http://" + address + "/metrics"});
  static_cast<void>(scrape.wait_exit());
  Exposition found;
  std::istringstream lines(scrape.output());
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE pg_")) {
      const auto space = line.rfind(' ');
      found.types[line.substr(7, space - 7)] = line.substr(space + 1);
    } else if (line.starts_with("pg_")) {
      const auto space = line.rfind(' ');
      found.samples[line.substr(0, space)] = std::strtod(line.c_str() + space, nullptr);
    }
  }
  return found;
}

/// Series of theirs that are not ours, and why. docs/compatibility.md has the same list.
std::string why_not_given(const Series& theirs) {
  const auto is = [&](std::string_view name) { return theirs.name == name; };
  if (theirs.name.starts_with("pg_stat_database_") && theirs.labels.contains("datid") &&
      theirs.labels.at("datid") == "0") {
    return "what belongs to no database: left out since 0.12";
  }
  if (is("pg_stat_database_active_time")) return "pg_stat_database_active_time_seconds_total since 0.17";
  if (is("pg_stat_database_checksum_last_failure")) return "a time as text";
  if (theirs.name.starts_with("pg_stat_replication_") && !is("pg_stat_replication_pg_wal_lsn_diff") &&
      !is("pg_stat_replication_pg_current_wal_lsn_bytes")) {
    return "columns without a type: left out since 0.20";
  }
  return "";
}

/// Types that differ, and why.
std::string why_other_type(const std::string& name) {
  if (name == "pg_static") return "";
  if (name.starts_with("pg_stat_database_sessions") || name == "pg_stat_database_session_time" ||
      name == "pg_stat_database_idle_in_transaction_time" || name == "pg_stat_database_checksum_failures") {
    return "passed through untyped there; they are counters";
  }
  return "";
}

/// Labels that 0.20 has no more, or has more.
Series as_of_0_20(Series series) {
  if (series.name != "pg_static" && !series.name.starts_with("pg_stat_database_conflicts_")) {
    series.labels.erase("server");
  }
  return series;
}

/// pg_stat_activity_* had the labels datname and state alone; pg_stat_replication_* had the pid as its slot_name.
Series as_of_0_11(Series series) {
  if (series.name.starts_with("pg_stat_activity_")) {
    for (const char* const label : {"usename", "application_name", "backend_type", "wait_event", "wait_event_type"}) {
      series.labels.erase(label);
    }
  }
  if (series.name.starts_with("pg_stat_replication_")) {
    series.labels["slot_name"] = series.labels["pid"];
    series.labels.erase("pid");
  }
  return series;
}

/// Values that nothing changes between the two.
bool stands_still(const Series& series) {
  // Go's driver sets extra_float_digits for its own session.
  if (series.name.starts_with("pg_settings_")) return series.name != "pg_settings_extra_float_digits";
  if (series.name.starts_with("pg_stat_database_conflicts")) return true;
  if (series.labels.contains("datname") && series.labels.at("datname") == "quiet") {
    return series.name != "pg_stat_database_blks_hit" && series.name != "pg_locks_count" &&
           series.name != "pg_stat_activity_max_tx_duration";
  }
  static const std::set<std::string> names{"pg_up",
                                           "pg_static",
                                           "pg_exporter_last_scrape_error",
                                           "pg_replication_slots_active",
                                           "pg_replication_slots_pg_wal_lsn_diff",
                                           "pg_stat_archiver_archived_count",
                                           "pg_stat_archiver_failed_count",
                                           "pg_stat_bgwriter_buffers_clean_total",
                                           "pg_stat_bgwriter_maxwritten_clean_total",
                                           "pg_stat_bgwriter_checkpoints_timed_total",
                                           "pg_stat_bgwriter_checkpoints_req_total",
                                           "pg_stat_bgwriter_buffers_checkpoint_total",
                                           "pg_stat_bgwriter_stats_reset_total",
                                           "pg_stat_bgwriter_buffers_backend_fsync_total",
                                           "pg_stat_replication_pg_current_wal_lsn_bytes",
                                           "pg_stat_replication_pg_wal_lsn_diff"};
  return names.contains(series.name);
}

void compare(const PostgresServer& server) {
  auto options = PostgresProbe::to(server.port());
  options.database = "app";
  const auto theirs = exporter(server);
  ASSERT_GT(theirs.samples.size(), 300U);
  PostgresProbe probe(options);
  const auto observation = probe();
  ASSERT_TRUE(observation.good()) << observation.detail;
  std::map<std::string, double> ours;
  for (const auto& [text, value] : probe.values) ours[as_of_0_11(parse_series(text)).text()] += value;

  std::set<std::string> missing;
  for (const auto& [text, value] : theirs.samples) {
    if (value != value) continue;  // NULL: nothing in 0.20 and here, or 0
    const Series series = as_of_0_20(parse_series(text));
    if (series.name.starts_with("pg_exporter_") || series.name.starts_with("pg_scrape_")) continue;
    const auto found = ours.find(series.text());
    if (found == ours.end()) {
      if (why_not_given(series).empty()) missing.insert(series.text());
    } else if (stands_still(series)) {
      EXPECT_EQ(found->second, value) << text;
    }
  }
  EXPECT_EQ(missing, std::set<std::string>{});

  std::map<std::string, std::string> types;
  for (const auto& meta : postgres_metadata()) types.emplace(meta.name, core::to_string(meta.type));
  for (const auto& [name, type] : theirs.types) {
    if (!types.contains(name) || !why_other_type(name).empty()) continue;
    EXPECT_EQ(types.at(name), type == "untyped" ? "unknown" : type) << name;
  }
}

TEST(PostgresCompare, APrimaryAndItsReplicaLookAsPostgresExporterShowsThem) {
  PostgresSetup setup;
  setup.settings = {"wal_level=logical", "autovacuum=off", "checkpoint_timeout=1h", "statement_timeout=7s"};
  const PostgresServer primary(setup);
  primary.sql("CREATE DATABASE app");
  primary.sql("CREATE DATABASE quiet");
  primary.sql("CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders SELECT generate_series(1, 100)", "app");
  primary.sql("SELECT pg_create_physical_replication_slot('standby', true)");
  primary.sql("SELECT pg_create_logical_replication_slot('feed', 'test_decoding')", "app");
  const auto replica = PostgresServer::replica_of(primary);
  ASSERT_TRUE(primary.becomes("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'", "1"));
  const auto idle = primary.session("BEGIN; SELECT pg_sleep(60)", "quiet");
  ASSERT_TRUE(primary.becomes("SELECT count(*) FROM pg_stat_activity WHERE datname = 'quiet'", "1"));
  compare(primary);
  compare(*replica);
}

}  // namespace
}  // namespace tocsin::probes
