// pg_settings: every setting that is a number or a truth value becomes a metric of its own name.
#include <cmath>

#include "postgres/special.hpp"

namespace tocsin::probes::postgres {
namespace {

using namespace std::chrono_literals;

struct Unit {
  std::string_view name;
  double factor = 1;
  std::string_view suffix;
};
constexpr Unit units[] = {
    {"us", 1e-6, "_seconds"},
    {"ms", 1e-3, "_seconds"},
    {"s", 1, "_seconds"},
    {"min", 60, "_seconds"},
    {"h", 3600, "_seconds"},
    {"d", 86'400, "_seconds"},
    {"B", 1, "_bytes"},
    {"kB", 1024, "_bytes"},
    {"MB", 1024.0 * 1024, "_bytes"},
    {"GB", 1024.0 * 1024 * 1024, "_bytes"},
    {"TB", 1024.0 * 1024 * 1024 * 1024, "_bytes"},
};

const Unit* find_unit(std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// "8kB" is 8 and "kB"; "kB" is 1 and "kB".
std::optional<std::pair<double, const Unit*>> split_unit(std::string_view text) {
  std::size_t digits = 0;
  while (digits < text.size() && is_digit(text[digits])) ++digits;
  const Unit* const unit = find_unit(text.substr(digits));
  const auto count = digits == 0 ? std::optional(1.0) : parse_number(text.substr(0, digits));
  if (unit == nullptr || !count) return std::nullopt;
  return std::pair{*count, unit};
}

/// Aurora writes the unit behind some values ("500 ms", "64MB"), although it is in the column beside.
std::string_view without_unit(std::string_view value) {
  auto end = value.find_last_of("0123456789");
  if (end == std::string_view::npos) return value;
  auto rest = value.substr(end + 1);
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  return find_unit(rest) == nullptr ? value : value.substr(0, end + 1);
}

std::string metric_name(std::string_view setting) {
  std::string metric = "pg_settings_";
  for (const char c : setting) metric += c == '.' || c == '-' ? '_' : c;
  return metric;
}

// What the probe's own transaction has set is not the server's: of that the value that it had before is given.
// transaction_read_only is always on in it; outside it would be on for a replica, and where it is the default.
class SettingsCollector final : public Collector {
 public:
  std::string_view name() const override { return "settings"; }
  std::chrono::seconds every() const override { return 60s; }

  std::optional<std::string> query(const ServerInfo&, unsigned attempt) const override {
    if (attempt > 0) return std::nullopt;
    return R"(
SELECT name, CASE WHEN name = 'transaction_read_only' THEN
    CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'on' ELSE current_setting('default_transaction_read_only') END
  WHEN source = 'session' THEN reset_val ELSE setting END AS setting, unit, vartype
FROM pg_catalog.pg_settings WHERE vartype IN ('bool', 'integer', 'real'))";
  }

  bool read(const Rows& rows, const ServerInfo&, Samples& samples) const override {
    const auto name = rows.column("name"), setting = rows.column("setting"), unit = rows.column("unit"),
               vartype = rows.column("vartype");
    if (!name || !setting || !unit || !vartype) return false;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const auto read = read_setting(rows.text(row, *name), rows.text(row, *setting), rows.text(row, *unit),
                                     rows.text(row, *vartype));
      if (read) samples.add(read->metric, read->value);
    }
    return true;
  }
};

}  // namespace

std::optional<Setting> read_setting(std::string_view name, std::string_view value, std::string_view unit,
                                    std::string_view vartype) {
  Setting setting{metric_name(name), 0};
  if (!can_be_metric(setting.metric)) return std::nullopt;
  if (vartype == "bool") {
    setting.value = value == "on" ? 1 : 0;
    return setting;
  }
  if (vartype != "integer" && vartype != "real") return std::nullopt;
  const auto number = parse_number(without_unit(value));
  if (!number) return std::nullopt;
  setting.value = *number;
  if (unit.empty()) return setting;
  const auto known = split_unit(unit);
  if (!known) return std::nullopt;
  setting.metric += known->second->suffix;
  if (*number == -1) return setting;  // "no limit", in no unit
  // Milliseconds are divided, not multiplied by a fraction that has no exact value.
  setting.value = known->second->factor < 1 ? *number * known->first / std::round(1 / known->second->factor)
                                            : *number * known->first * known->second->factor;
  return setting;
}

std::unique_ptr<Collector> make_settings_collector(const std::shared_ptr<const PostgresOptions>&) {
  return std::make_unique<SettingsCollector>();
}

}  // namespace tocsin::probes::postgres
