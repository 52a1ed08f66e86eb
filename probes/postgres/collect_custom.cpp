// Questions of the operator's own.
#include <algorithm>

#include "postgres/special.hpp"

namespace tocsin::probes::postgres {
namespace {

class CustomCollector final : public Collector {
 public:
  explicit CustomCollector(PostgresQuery query)
      : query_(std::move(query)), help_("What the query " + query_.name + " of the configuration gives.") {}

  std::string_view name() const override { return query_.name; }
  Scope scope() const override { return query_.each_database ? Scope::database : Scope::server; }
  std::chrono::seconds every() const override { return query_.every; }
  std::chrono::milliseconds timeout() const override { return query_.timeout; }
  bool alone() const override { return true; }

  std::optional<std::string> query(const ServerInfo&, unsigned attempt) const override {
    // A statement of others is never replaced by another one: what is missing today may be there tomorrow.
    if (attempt > 0) return std::nullopt;
    std::string_view text = query_.sql;
    const auto end = text.find_last_not_of("; \t\r\n");
    return std::string(text.substr(0, end == std::string_view::npos ? 0 : end + 1));
  }

  bool read(const Rows& rows, const ServerInfo& server, Samples& samples) const override {
    std::vector<std::size_t> label_columns;
    std::vector<Samples::Label> labels;
    for (const std::string& label : query_.labels) {
      const auto column = rows.column(label);
      if (!column) return false;
      label_columns.push_back(*column);
      labels.emplace_back(label, std::string_view());
    }
    const bool add_datname =
        query_.each_database && std::find(query_.labels.begin(), query_.labels.end(), "datname") == query_.labels.end();
    if (add_datname) labels.emplace_back("datname", server.database);
    const auto values = value_columns(rows, label_columns);
    if (values.empty()) return false;
    for (const Value& value : values) samples.describe(value.metric, type_of(rows.columns[value.column]), help_);
    const std::size_t count = std::min(rows.size(), query_.max_rows);
    for (std::size_t row = 0; row < count; ++row) {
      for (std::size_t i = 0; i < label_columns.size(); ++i) labels[i].second = rows.text(row, label_columns[i]);
      for (const auto& [column, metric] : values) {
        if (const auto value = rows.number(row, column)) samples.add(metric, labels, *value);
      }
    }
    return true;
  }

 private:
  struct Value {
    std::size_t column = 0;
    std::string metric;
  };
  [[nodiscard]] std::vector<Value> value_columns(const Rows& rows, const std::vector<std::size_t>& labels) const {
    std::vector<Value> values;
    for (std::size_t column = 0; column < rows.columns.size(); ++column) {
      if (std::find(labels.begin(), labels.end(), column) != labels.end()) continue;
      const std::string_view name = rows.columns[column];
      std::string metric = name == "value" ? query_.name : query_.name + "_" + std::string(name);
      if (can_be_metric(metric)) values.push_back({column, std::move(metric)});
    }
    return values;
  }

  [[nodiscard]] core::MetricType type_of(std::string_view column) const {
    const bool counts = std::find(query_.counters.begin(), query_.counters.end(), column) != query_.counters.end();
    return counts ? core::MetricType::counter : core::MetricType::gauge;
  }

  PostgresQuery query_;
  std::string help_;
};

}  // namespace

std::unique_ptr<Collector> make_custom_collector(PostgresQuery query) {
  return std::make_unique<CustomCollector>(std::move(query));
}

}  // namespace tocsin::probes::postgres
