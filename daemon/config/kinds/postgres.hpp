// The keys of a job that PostgreSQL probes bring.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tocsin/core/fields.hpp"
#include "tocsin/probes/postgres.hpp"

namespace tocsin::daemon::model {

struct PostgresQuery {
  std::string name;
  std::string sql;
  std::vector<std::string> labels;
  std::vector<std::string> counters;
  std::optional<core::Duration> every;
  std::optional<core::Duration> timeout;
  bool each_database = false;
  std::int64_t max_rows = 1000;
  core::Place place;
};

struct Collectors {
  std::vector<std::string> with;
  std::vector<std::string> without;
};

struct PostgresKeys {
  std::optional<probes::PostgresOptions::SslMode> sslmode;
  std::vector<std::string> databases;
  std::optional<core::Duration> databases_every;
  std::optional<Collectors> collectors;
  std::vector<PostgresQuery> queries;
  std::optional<std::int64_t> max_statements;
  std::optional<bool> legacy_names;
};

}  // namespace tocsin::daemon::model
