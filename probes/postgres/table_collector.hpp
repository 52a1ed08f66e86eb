// A collector of the plain kind: each row of the answer is one thing, named by the columns that are labels, and each of
// the other columns is a metric of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "postgres/collector.hpp"

namespace tocsin::probes::postgres {

/// What the text of a query may depend on.
struct Asked {
  const ServerInfo& server;
  unsigned attempt = 0;
  const PostgresOptions& options;
};
/// The statement, or nothing: see Collector::query.
using QueryText = std::optional<std::string> (*)(const Asked& asked);

/// A column that is a label.
struct LabelColumn {
  std::string_view column;
  std::string_view label;
};

/// A column that is a metric. Where the answer has no such column, or it is NULL, there is no sample.
struct ValueColumn {
  std::string_view column;
  core::MetricMeta metric;
};

struct TableSpec {
  std::string_view name;
  bool default_on = true;
  Scope scope = Scope::server;
  std::chrono::seconds every{0};
  QueryText query = nullptr;
  std::span<const LabelColumn> labels;
  std::span<const ValueColumn> values;
};

/// How long the statements of heavy collectors may run, whatever the probe has left.
inline constexpr std::chrono::milliseconds heavy_timeout{5000};

class TableCollector : public Collector {
 public:
  /// The spec's parts and the options must outlive the collector.
  TableCollector(const TableSpec& spec, std::shared_ptr<const PostgresOptions> options);

  [[nodiscard]] std::string_view name() const override { return spec_.name; }
  [[nodiscard]] Scope scope() const override { return spec_.scope; }
  [[nodiscard]] std::optional<std::string> query(const ServerInfo& server, unsigned attempt) const override {
    return spec_.query({server, attempt, *options_});
  }
  [[nodiscard]] bool read(const Rows& rows, const ServerInfo& server, Samples& samples) const override;
  [[nodiscard]] std::chrono::seconds every() const override { return spec_.every; }

 protected:
  [[nodiscard]] const PostgresOptions& options() const { return *options_; }

 private:
  TableSpec spec_;
  std::shared_ptr<const PostgresOptions> options_;
  std::vector<std::string_view> aliases_;  // of each value; empty: none
};

// The specs of all table collectors, by what they are about.
[[nodiscard]] std::span<const TableSpec> server_specs();
[[nodiscard]] std::span<const TableSpec> activity_specs();
[[nodiscard]] std::span<const TableSpec> replication_specs();
[[nodiscard]] std::span<const TableSpec> database_specs();
[[nodiscard]] std::span<const TableSpec> relation_specs();
[[nodiscard]] std::span<const TableSpec> bloat_specs();

/// The name that older dashboards know a metric by; empty if it never had another.
[[nodiscard]] std::string_view legacy_name(std::string_view metric);
/// All such names, with their types.
[[nodiscard]] std::span<const core::MetricMeta> legacy_metrics();

/// Adds a sample, and once more under its old name where that is wanted.
void add_with_legacy(Samples& samples, bool legacy, std::string_view metric, std::span<const Samples::Label> labels,
                     double value);

}  // namespace tocsin::probes::postgres
