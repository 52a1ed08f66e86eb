#include "redis/interpreter.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "redis/metrics.hpp"
#include "redis/number.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::probes::redis {
namespace {

// Values that become labels. A line with one of these is a part of the text's shape: when it changes, labels change.
constexpr std::string_view label_keys[] = {
    "availability_zone",
    "master_host",
    "master_port",
    "master_replid",
    "maxmemory_policy",
    "os",
    "process_id",
    "redis_build_id",
    "redis_mode",
    "redis_version",
    "role",
    "run_id",
    "server_mode",
    "slave_read_only",
    "tcp_port",
    "valkey_release_stage",
    "valkey_version",
};
static_assert(std::ranges::is_sorted(label_keys));

constexpr unsigned most_empty_databases = 256;
constexpr std::size_t largest_remembered = 1024 * 1024;  // the shape of a longer text is not worth its memory

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// What follows a prefix, if it stands there and something follows.
std::optional<std::string_view> after(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix) || text.size() == prefix.size()) return std::nullopt;
  return text.substr(prefix.size());
}

/// True for `<prefix><digits>`.
bool is_numbered(std::string_view text, std::string_view prefix) {
  const auto rest = after(text, prefix);
  return rest && std::ranges::all_of(*rest, is_digit);
}

/// `link_status` for master_link_status, and for master_1_link_status of a KeyDB with many masters. Empty if it is no
/// such key.
std::string_view of_master(std::string_view key) {
  auto rest = after(key, "master_");
  if (!rest) return {};
  const auto digits = rest->find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos || (*rest)[digits] != '_') return *rest;
  return rest->substr(digits + 1);
}

std::string metric_name(std::string_view key) {
  std::string name = "redis_" + std::string(key);
  const auto fits = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  for (char& c : name) {
    if (!fits(c)) c = '_';
  }
  return name;
}

}  // namespace

InfoReader::Interpreter::Interpreter(InfoReader& reader, std::string_view text, core::TimePoint at,
                                     core::SeriesTable& table)
    : reader_(reader), text_(text), at_(at), table_(table) {}

bool InfoReader::Interpreter::run() {
  reader_.facts_ = {};
  reader_.layout_.begin(text_);
  for (std::string_view rest = text_; !rest.empty();) {
    const auto newline = rest.find('\n');
    line(rest.substr(0, newline));
    rest.remove_prefix(newline == std::string_view::npos ? rest.size() : newline + 1);
  }
  reader_.layout_.end();
  if (fields_ == 0) return false;
  latency_summaries();
  empty_databases();
  instance_info();
  if (text_.size() > largest_remembered) {
    reader_.layout_.clear();
  } else {
    reader_.remember(outputs_, factors_);
  }
  return true;
}

void InfoReader::Interpreter::line(std::string_view line) {
  const std::string_view whole = line;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.starts_with("# ")) {
    section_ = line.substr(2);
    return;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return;
  ++fields_;
  const std::string_view key = line.substr(0, colon);
  const std::string_view value = line.substr(colon + 1);
  if (in_section(key, value) || remember(key, value) || io_thread(key, value) || cluster(key, value)) return;
  if (find_field(key) != nullptr || key == "max_clients") return field(key, value);
  if (key == "last_success_save") {  // Dragonfly's word for it
    if (const auto origin = number(value)) return emit("redis_rdb_last_save_timestamp_seconds", {}, *origin);
  }
  reader_.layout_.rest_of_line(whole.substr(colon + 1));
}

bool InfoReader::Interpreter::in_section(std::string_view key, std::string_view value) {
  if (section_ == "Commandstats") return command(key, value);
  if (section_ == "Latencystats") return latency(key, value);
  if (section_ == "Errorstats") return error(key, value);
  if (section_ == "Keyspace") return database(key, value);
  if (section_ == "Replication") return replication(key, value) || replica(key, value);
  if (section_ == "Sentinel") return sentinel_master(key, value);
  return false;
}

void InfoReader::Interpreter::field(std::string_view key, std::string_view value) {
  const Field* const known = find_field(key);
  auto origin = quantity(value, known != nullptr ? known->divisor : 1);
  if (!origin) return;
  const auto& limits = reader_.limits_;
  if (key == "maxmemory" && limits.memory && origin->kind == Origin::Kind::number) {
    emit("redis_memory_max_bytes", {}, {Origin::Kind::or_else, origin->number, *limits.memory});
  } else if (known != nullptr)
    emit(known->metric.name, {}, *origin);
  if (key == "uptime_in_seconds" && origin->kind == Origin::Kind::number) {
    emit("redis_start_time_seconds", {}, {Origin::Kind::start, origin->number, 1});
  }
  // INFO has these parameters' present values: no need to ask CONFIG for them each time, or where it is refused.
  auto& facts = reader_.facts_;
  if (key == "maxclients" || key == "max_clients") {  // the latter is Dragonfly's
    if (limits.clients && origin->kind == Origin::Kind::number) {
      origin = Origin{Origin::Kind::or_else, origin->number, *limits.clients};
    }
    emit("redis_config_maxclients", {}, *origin);
    facts.maxclients = true;
  } else if (key == "maxmemory") {
    emit("redis_config_maxmemory", {}, *origin);
    facts.maxmemory = true;
  } else if (key == "repl_backlog_size") {
    emit("redis_config_repl_backlog_size", {}, *origin);
    facts.repl_backlog_size = true;
  }
}

bool InfoReader::Interpreter::remember(std::string_view key, std::string_view value) {
  if (!std::ranges::binary_search(label_keys, key)) return false;
  remembered_.emplace_back(key, value);
  // Some are numbers besides; constant, since the line is a part of the shape.
  const Field* const known = find_field(key);
  const auto size = known != nullptr ? whole_number(value) : std::nullopt;
  if (size) emit(known->metric.name, {}, {Origin::Kind::constant, 0, *size});
  return true;
}

bool InfoReader::Interpreter::command(std::string_view key, std::string_view value) {
  const auto name = after(key, "cmdstat_");
  if (!name) return false;
  static_cast<void>(parts(value));
  emit_part("calls", "redis_commands_total", {{"cmd", *name}});
  emit_part("usec", "redis_commands_duration_seconds_total", {{"cmd", *name}}, 1e6);
  emit_part("rejected_calls", "redis_commands_rejected_calls_total", {{"cmd", *name}});
  emit_part("failed_calls", "redis_commands_failed_calls_total", {{"cmd", *name}});
  const Part* const calls = part("calls");
  const Part* const usec = part("usec");
  if (calls != nullptr && calls->number && usec != nullptr && usec->number) {
    commands_.try_emplace(*name, Command{*calls->number, *usec->number});
  }
  if (reader_.histograms_.contains(std::string(*name))) {
    emit_part("usec", "redis_commands_latencies_usec_sum", {{"cmd", *name}});
  }
  return true;
}

bool InfoReader::Interpreter::latency(std::string_view key, std::string_view value) {
  const auto name = after(key, "latency_percentiles_usec_");
  if (!name) return false;
  const auto found = parts(value);
  latencies_.emplace_back(*name, std::vector<Part>(found.begin(), found.end()));
  return true;
}

void InfoReader::Interpreter::latency_summaries() {
  for (const auto& [name, percentiles] : latencies_) {
    const auto command = commands_.find(name);
    if (command == commands_.end()) continue;
    for (const Part& percentile : percentiles) {
      const auto quantile = percentile.name.starts_with('p') ? whole_number(percentile.name.substr(1)) : std::nullopt;
      if (!quantile || !percentile.number) continue;
      const std::string text = core::format_value(*quantile);
      emit("redis_latency_percentiles_usec", {{"cmd", name}, {"quantile", text}}, *percentile.number);
    }
    emit("redis_latency_percentiles_usec_sum", {{"cmd", name}}, command->second.usec);
    emit("redis_latency_percentiles_usec_count", {{"cmd", name}}, command->second.calls);
  }
}

bool InfoReader::Interpreter::error(std::string_view key, std::string_view value) {
  const auto name = after(key, "errorstat_");
  if (!name) return false;
  static_cast<void>(parts(value));
  emit_part("count", "redis_errors_total", {{"err", *name}});
  return true;
}

bool InfoReader::Interpreter::database(std::string_view key, std::string_view value) {
  if (!is_numbered(key, "db")) return false;
  static_cast<void>(parts(value));
  const Part* const keys = part("keys");
  if (keys == nullptr || !keys->number) return true;
  databases_.insert(key);
  emit_part("keys", "redis_db_keys", {{"db", key}});
  emit_part("expires", "redis_db_keys_expiring", {{"db", key}});
  emit_part("avg_ttl", "redis_db_avg_ttl_seconds", {{"db", key}}, 1e3);
  emit_part("cached_keys", "redis_db_keys_cached", {{"db", key}});
  return true;
}

void InfoReader::Interpreter::empty_databases() {
  const unsigned count = reader_.facts_.cluster ? std::min(reader_.databases_, 1U) : reader_.databases_;
  for (unsigned i = 0; i < std::min(count, most_empty_databases); ++i) {
    const std::string name = "db" + std::to_string(i);
    if (databases_.contains(name)) continue;
    emit("redis_db_keys", {{"db", name}}, {Origin::Kind::constant, 0, 0});
    emit("redis_db_keys_expiring", {{"db", name}}, {Origin::Kind::constant, 0, 0});
  }
}

bool InfoReader::Interpreter::replication(std::string_view key, std::string_view value) {
  const Labels master{{"master_host", master_host_}, {"master_port", master_port_}};
  const auto give = [&](std::string_view metric) {
    if (const auto origin = number(value)) emit(metric, master, *origin);
    return true;
  };
  if (key == "slave_repl_offset") return give("redis_slave_repl_offset");
  const auto what = of_master(key);
  if (what == "last_io_seconds_ago") return give("redis_master_last_io_seconds_ago");
  if (what == "sync_in_progress") return give("redis_master_sync_in_progress");
  if (what == "link_status") {
    emit("redis_master_link_up", master, {Origin::Kind::constant, 0, value == "up" ? 1.0 : 0.0});
    return true;
  }
  if (what != "host" && what != "port") return false;
  (what == "host" ? master_host_ : master_port_) = value;
  return !std::ranges::binary_search(label_keys, key);  // master_host and master_port are remembered besides
}

bool InfoReader::Interpreter::replica(std::string_view key, std::string_view value) {
  if (!is_numbered(key, "slave")) return false;
  static_cast<void>(parts(value, {"offset", "lag"}));
  const auto text = [this](std::string_view name) {
    const Part* const found = part(name);
    return found != nullptr ? found->text : std::string_view();
  };
  const Labels labels{{"slave_ip", text("ip")}, {"slave_port", text("port")}, {"slave_state", text("state")}};
  emit_part("offset", "redis_connected_slave_offset_bytes", labels);
  emit_part("lag", "redis_connected_slave_lag_seconds", labels);
  return true;
}

bool InfoReader::Interpreter::sentinel_master(std::string_view key, std::string_view value) {
  if (!is_numbered(key, "master")) return false;
  static_cast<void>(parts(value, {"slaves", "sentinels"}));
  const Part* const name = part("name");
  const Part* const status = part("status");
  const Part* const address = part("address");
  if (name == nullptr || status == nullptr || address == nullptr) return true;
  emit("redis_sentinel_master_status",
       {{"master_name", name->text}, {"master_address", address->text}, {"master_status", status->text}},
       {Origin::Kind::constant, 0, status->text == "ok" ? 1.0 : 0.0});
  emit_part("slaves", "redis_sentinel_master_slaves", {{"master_name", name->text}, {"master_address", address->text}});
  emit_part("sentinels", "redis_sentinel_master_sentinels",
            {{"master_name", name->text}, {"master_address", address->text}});
  return true;
}

bool InfoReader::Interpreter::io_thread(std::string_view key, std::string_view value) {
  constexpr std::string_view prefix = "used_active_time_io_thread_";
  if (!is_numbered(key, prefix)) return false;
  if (const auto origin = number(value)) {
    emit("redis_active_time_io_thread_seconds_total", {{"thread", key.substr(prefix.size())}}, *origin);
  }
  return true;
}

bool InfoReader::Interpreter::cluster(std::string_view key, std::string_view value) {
  if (!key.starts_with("cluster_")) return false;
  const Field* const known = find_field(key);
  const std::string name = known != nullptr ? std::string(known->metric.name) : metric_name(key);
  if (key == "cluster_enabled") {
    // It says how many databases there are, so it is a part of the shape.
    reader_.facts_.cluster = value == "1";
    if (const auto size = whole_number(value)) emit(name, {}, {Origin::Kind::constant, 0, *size});
    return true;
  }
  if (key == "cluster_state") reader_.facts_.cluster_info = true;
  if (const auto origin = quantity(value)) emit(name, {}, *origin);
  return true;
}

void InfoReader::Interpreter::instance_info() {
  if (reader_.databases_ == 0) return;  // CLUSTER INFO
  const auto mode = said("redis_mode").empty() ? said("server_mode") : said("redis_mode");
  const Origin one{Origin::Kind::constant, 0, 1};
  emit("redis_instance_info",
       {{"role", said("role")},
        {"redis_version", said("redis_version")},
        {"redis_build_id", said("redis_build_id")},
        {"redis_mode", mode},
        {"os", said("os")},
        {"maxmemory_policy", said("maxmemory_policy")},
        {"tcp_port", said("tcp_port")},
        {"run_id", said("run_id")},
        {"process_id", said("process_id")},
        {"master_replid", said("master_replid")},
        {"valkey_version", said("valkey_version")},
        {"valkey_release_stage", said("valkey_release_stage")},
        {"availability_zone", said("availability_zone")}},
       one);
  if (said("role") != "slave" && said("role") != "replica") return;  // the latter is Dragonfly's
  emit("redis_slave_info",
       {{"master_host", said("master_host")},
        {"master_port", said("master_port")},
        {"read_only", said("slave_read_only")}},
       one);
}

std::optional<Origin> InfoReader::Interpreter::number(std::string_view value, double divisor) {
  const auto found = whole_number(value);
  if (!found) return std::nullopt;
  reader_.layout_.number(value);
  numbers_.push_back(*found);
  return Origin{Origin::Kind::number, static_cast<std::uint32_t>(numbers_.size() - 1), divisor};
}

std::optional<Origin> InfoReader::Interpreter::quantity(std::string_view value, double divisor) {
  if (value == "ok" || value == "true") return Origin{Origin::Kind::constant, 0, 1};
  if (value == "err" || value == "fail" || value == "false") return Origin{Origin::Kind::constant, 0, 0};
  return number(value, divisor);
}

std::span<const InfoReader::Interpreter::Part> InfoReader::Interpreter::parts(
    std::string_view value, std::initializer_list<std::string_view> numbers) {
  parts_.clear();
  while (!value.empty()) {
    const auto comma = value.find(',');
    const auto text = value.substr(0, comma);
    value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    Part found{text.substr(0, equals), text.substr(equals + 1), std::nullopt};
    const bool wanted = numbers.size() == 0 || std::ranges::find(numbers, found.name) != numbers.end();
    if (wanted) found.number = number(found.text);
    parts_.push_back(found);
  }
  return parts_;
}

const InfoReader::Interpreter::Part* InfoReader::Interpreter::part(std::string_view name) const {
  const auto found = std::ranges::find(parts_, name, &Part::name);
  return found != parts_.end() ? &*found : nullptr;
}

void InfoReader::Interpreter::emit_part(std::string_view name, std::string_view metric, Labels labels, double divisor) {
  const Part* const found = part(name);
  if (found == nullptr || !found->number) return;
  Origin origin = *found->number;
  origin.factor = divisor;
  emit(metric, labels, origin);
}

void InfoReader::Interpreter::emit(std::string_view metric, Labels labels, const Origin& origin) {
  if (given_.size() >= reader_.most_) {
    reader_.facts_.cut = true;
    ++reader_.facts_.left_out;
    return;
  }
  const core::Labels all = series_labels(reader_.base_, metric, labels);
  // A server that says a thing twice must not give one series two samples; the first counts.
  if (!given_.insert(all.hash()).second) return;
  const auto slot = table_.add(all, reader_.value(origin, numbers_, at_));
  if (slot) {
    const bool has_factor = origin.factor != 1;
    if (has_factor) factors_.push_back(origin.factor);
    outputs_.push_back({origin.number & 0x1fffffffU, static_cast<std::uint32_t>(origin.kind) & 3U, has_factor ? 1U : 0U,
                        *slot, table_.serial(*slot)});
  } else {
    reader_.facts_.cut = true;
    ++reader_.facts_.left_out;
  }
}

std::string_view InfoReader::Interpreter::said(std::string_view key) const {
  const auto found = std::ranges::find(remembered_, key, &std::pair<std::string_view, std::string_view>::first);
  return found != remembered_.end() ? found->second : std::string_view();
}

}  // namespace tocsin::probes::redis
