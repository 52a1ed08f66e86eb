// A table of text as an answer to each collector of PostgreSQL: cells divided by tabs, rows by newlines, \N is NULL. Of
// the first two bytes, one is the version, and one whose columns these are; or the first line is a head of its own.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "postgres/collector.hpp"
#include "postgres/special.hpp"
#include "postgres/table_collector.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::probes;
using Table = std::vector<std::vector<std::optional<std::string>>>;

/// The columns that some collector reads.
std::vector<std::string> columns_of(std::size_t number) {
  std::vector<std::string> columns;
  for (const auto specs : {postgres::server_specs(), postgres::activity_specs(), postgres::replication_specs(),
                           postgres::database_specs(), postgres::relation_specs(), postgres::bloat_specs()}) {
    for (const auto& spec : specs) {
      if (number-- != 0) continue;
      for (const auto& label : spec.labels) columns.emplace_back(label.column);
      for (const auto& value : spec.values) columns.emplace_back(value.column);
      return columns;
    }
  }
  switch (number % 4) {
    case 0:
      return {"name", "setting", "unit", "vartype"};
    case 1:
      return {"slot_name", "slot_type", "database", "active", "behind", "current_lsn", "wal_status"};
    case 2:
      return {"datid", "datname", "confl_lock", "confl_new"};
    default:
      return {"datname", "relname", "phase", "heap_blks_total", "max_dead", "num_dead", "num_dead_item_ids"};
  }
}

Table parse(std::string_view text) {
  Table rows(1);
  rows.back().emplace_back("");
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto& row = rows.back();
    if (text[i] == '\n') {
      rows.emplace_back(1, "");
    } else if (text[i] == '\t') {
      row.emplace_back("");
    } else if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == 'N') {
      row.back().reset();
      ++i;
    } else if (row.back() && text[i] != '\0') {  // libpq's cells have no zero bytes
      *row.back() += text[i];
    }
  }
  return rows;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  postgres::ServerInfo server;
  server.version_num = (12 + data[0] % 7) * 10'000;
  server.database = "app";
  std::vector<std::string> columns = columns_of(data[1] % 48);
  Table rows = parse({reinterpret_cast<const char*>(data) + 2, size - 2});
  if (data[0] >= 128) {  // columns of its own
    columns.clear();
    for (const auto& cell : rows.front()) columns.push_back(cell.value_or(""));
    rows.erase(rows.begin());
  }
  for (auto& row : rows) row.resize(columns.size());
  const postgres::OwnedRows answer = postgres::make_rows(columns, rows);

  PostgresOptions options;
  for (const auto& collector : postgres_collector_names()) options.collectors_on.emplace_back(collector.name);
  options.legacy_names = data[0] % 2 == 0;
  auto& query = options.queries.emplace_back();
  query.name = "mine";
  query.max_rows = 10;
  if (!columns.empty()) query.labels = {columns.front()};
  const auto collectors = postgres::make_collectors(options);

  core::SeriesTable table(1000);
  postgres::Samples samples{core::Labels{{"job", "db"}, {"datname", "ours"}}};
  table.begin();
  samples.begin(table);
  for (const auto& collector : collectors) {
    samples.section(collector->name());
    static_cast<void>(collector->read(answer.rows, server, samples));
    static_cast<void>(collector->query(server, data[1] % 3));
  }
  for (const core::Row& row : table.take().rows) {
    const core::Labels& labels = table.labels(row.slot);
    if (!core::is_metric_name(labels.metric_name())) std::abort();
    if (labels.get("datname") != "ours") std::abort();  // a label of the configuration does not give way
    for (const core::Label& label : labels) {
      if (label.value.size() > 256) std::abort();
    }
  }
  return 0;
}
