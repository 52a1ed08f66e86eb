// Every metric that postgres_exporter gives by default, and those of its optional collectors, are known here with the
// same type and labels.
#include <gtest/gtest.h>

#include <sstream>

#include "postgres/collector.hpp"
#include "probes/postgres_recorded.hpp"

namespace tocsin::probes {
namespace {

struct Promised {
  std::string name, type;
  std::set<std::string> labels;
  bool default_on = false;
};

std::vector<Promised> contract() {
  std::vector<Promised> all;
  std::ifstream in(TOCSIN_SOURCE_DIR "/tests/probes/data/postgres/contract.tsv");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("#") || line.starts_with("metric\t")) continue;
    const auto cells = test::cells_of(line);
    Promised promised{cells.at(0), cells.at(1), {}, cells.at(4) == "y"};
    std::istringstream labels(cells.at(2));
    for (std::string label; std::getline(labels, label, ',');) promised.labels.insert(label);
    all.push_back(std::move(promised));
  }
  return all;
}

/// What is promised there and not given here, and why.
const std::map<std::string, std::string>& not_given() {
  static const std::map<std::string, std::string> reasons{
      {"pg_replication_slots_pg_xlog_location_diff", "servers before 10 only"},
      {"pg_stat_replication_pg_xlog_location_diff", "servers before 10 only"},
      {"pg_stat_database_conflicts_<other column>", "a pattern"},
      {"pg_settings_<name>[_seconds|_bytes]", "a pattern"},
      {"pg_exporter_user_queries_load_error", "queries are a part of the configuration here"},
      {"postgres_exporter_config_last_reload_successful", "the exporter's own: tocsin_config_last_reload_successful"},
      {"postgres_exporter_config_last_reload_success_timestamp_seconds", "the exporter's own"},
      {"postgres_exporter_build_info", "the exporter's own: tocsin_build_info"},
  };
  return reasons;
}

TEST(PostgresContract, IsKept) {
  std::map<std::string, std::string> types;
  for (const auto& meta : postgres_metadata()) types.emplace(meta.name, core::to_string(meta.type));
  std::size_t kept = 0;
  for (const Promised& promised : contract()) {
    if (not_given().contains(promised.name)) continue;
    const auto found = types.find(promised.name);
    ASSERT_NE(found, types.end()) << promised.name;
    const std::string type = promised.type == "untyped" ? "unknown" : promised.type.substr(0, promised.type.find(' '));
    // What custom queries give has the type that its query says; a transaction id only grows.
    if (promised.name != "pg_txid_current") {
      EXPECT_EQ(found->second, type) << promised.name;
    }
    ++kept;
  }
  EXPECT_GT(kept, 165U);
}

/// The default-on metrics are all there on a server that has what they are about.
TEST(PostgresContract, WhatIsOnByDefaultIsGiven) {
  const auto primary = test::collected_from(test::Recording(18));
  std::set<std::string> given = test::metrics_of(primary);
  std::set<std::string> missing;
  // What needs a follower, an archive, limits on slots: seen on real servers in postgres_real_test.cpp. What the prober
  // says of itself: postgres_server_test.cpp.
  const std::set<std::string> elsewhere{"pg_stat_replication_pg_current_wal_lsn_bytes",
                                        "pg_stat_replication_pg_wal_lsn_diff",
                                        "pg_stat_archiver_last_archive_age",
                                        "pg_replication_slots_slot_confirmed_flush_lsn",
                                        "pg_replication_slots_safe_wal_size_bytes",
                                        "pg_static",
                                        "pg_up",
                                        "pg_exporter_last_scrape_duration_seconds",
                                        "pg_exporter_scrapes_total",
                                        "pg_exporter_last_scrape_error",
                                        "pg_scrape_collector_duration_seconds",
                                        "pg_scrape_collector_success"};
  for (const Promised& promised : contract()) {
    if (!promised.default_on || not_given().contains(promised.name) || elsewhere.contains(promised.name)) continue;
    if (!given.contains(promised.name)) missing.insert(promised.name);
  }
  EXPECT_EQ(missing, std::set<std::string>{});
}

TEST(PostgresContract, LabelsAreTheSame) {
  std::map<std::string, std::set<std::string>> seen;
  for (const int version : {12, 18}) {
    for (const auto& [series, value] : test::collected_from(test::Recording(version))) {
      auto& labels = seen[test::metric_of(series)];
      for (auto at = series.find('{'); at != std::string::npos; at = series.find(", ", at + 1)) {
        const std::size_t begin = at + (series[at] == '{' ? 1 : 2);
        const auto equals = series.find("=\"", begin);
        if (equals != std::string::npos && equals > begin) labels.insert(series.substr(begin, equals - begin));
      }
    }
  }
  std::size_t compared = 0;
  for (const Promised& promised : contract()) {
    const auto found = seen.find(promised.name);
    // Of custom queries only the rules are known, which need one label or other.
    if (found == seen.end() || promised.type.ends_with("(custom)")) continue;
    EXPECT_EQ(found->second, promised.labels) << promised.name;
    ++compared;
  }
  EXPECT_GT(compared, 120U);
}

}  // namespace
}  // namespace tocsin::probes
