#include "config/kinds/redis.hpp"

#include <algorithm>

#include "config/kinds/kind.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::daemon {

using core::field;
using core::maybe;
using core::section;
using core::Section;
using core::whole_number;
using model::RedisKeys;

namespace {

/// `50MiB/s`, or `50MiB`.
core::Type<std::uint64_t> byte_rate() {
  const auto parse = [](const std::string& text) -> std::variant<std::uint64_t, std::string> {
    std::string_view size = text;
    if (size.ends_with("/s")) size.remove_suffix(2);
    if (const auto bytes = core::parse_bytes(size)) return *bytes;
    return "is a number of bytes a second such as 50MiB/s, not \"" + text + "\"";
  };
  return core::text_as<std::uint64_t>("bytes a second", "^[0-9.]+ *[A-Za-z]*(/s)?$", parse,
                                      [](const std::uint64_t& rate) { return std::to_string(rate) + "/s"; });
}

Section<model::ProviderLimits> limits_table() {
  using model::ProviderLimits;
  return Section<ProviderLimits>(
      "provider_limits",
      "What the provider sells and the server does not tell. It stands for what the server calls 0, or does not say, "
      "and "
      "is given as tocsin_limit_memory_bytes, tocsin_limit_clients and tocsin_limit_network_bytes_per_second.",
      {
          field("memory", &ProviderLimits::memory, maybe(core::byte_count()))
              .doc("Memory: redis_memory_max_bytes where the server has no maxmemory.")
              .least(1),
          field("clients", &ProviderLimits::clients, maybe(core::number()))
              .doc("Connections: redis_config_maxclients where the server does not tell.")
              .least(1),
          field("network", &ProviderLimits::network, maybe(byte_rate())).doc("Bytes a second, such as `50MiB/s`."),
      });
}

/// Commands that may have another name on a server.
constexpr std::string_view commands[] = {"auth",    "cluster", "commandlog", "config", "hlen",   "info",
                                         "latency", "llen",    "scan",       "scard",  "select", "sentinel",
                                         "slowlog", "strlen",  "type",       "xinfo",  "xlen",   "zcard"};

std::optional<std::string> wrong_commands(const std::vector<std::pair<std::string, std::string>>& names) {
  for (const auto& [name, other] : names) {
    if (std::ranges::find(commands, name) == std::end(commands)) {
      return "has \"" + name + "\", which is none of the commands that are asked (in small letters)";
    }
    if (other.empty() && (name == "info" || name == "auth" || name == "select")) {
      return "turns \"" + name + "\" off, and nothing can be asked without it";
    }
  }
  return std::nullopt;
}

std::optional<std::string> wrong_patterns(const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) {
    const auto digits = pattern.find_first_not_of("0123456789", 2);
    const bool database_alone = pattern.starts_with("db") && digits != std::string::npos && digits > 2 &&
                                digits + 1 == pattern.size() && (pattern.back() == '/' || pattern.back() == '=');
    if (pattern.empty() || database_alone) return "has \"" + pattern + "\", which names no key";
  }
  return std::nullopt;
}

std::vector<core::Field<RedisKeys>> redis_rows() {
  return {
      field("key_lengths", &RedisKeys::key_lengths)
          .doc("Keys whose length is given as redis_key_size (LLEN, SCARD, ZCARD, HLEN, XLEN, STRLEN), streams with "
               "their "
               "groups: names, or patterns such as `queue:*`, `db3/jobs` for another database. Patterns are looked for "
               "by "
               "SCAN, a bounded part of the keyspace each probe.")
          .check(wrong_patterns),
      field("max_keys", &RedisKeys::max_keys, maybe(whole_number(1, 100'000)))
          .doc("How many keys are measured at the most; what is left out is counted.")
          .fallback("`1000`"),
      field("max_scans", &RedisKeys::max_scans, maybe(whole_number(1, 10'000)))
          .doc("How many SCAN commands (of COUNT 1000) a probe sends at the most; the next probe goes on where it "
               "stopped.")
          .fallback("`20`"),
      field("commands", &RedisKeys::commands, core::map_of(core::text(), "command"))
          .doc("What commands are called where the server renamed them: `{config: CONFIG-a1b2}`. An empty name: it is "
               "never asked.")
          .check(wrong_commands),
      field("latency_histograms", &RedisKeys::latency_histograms)
          .doc("Whether LATENCY HISTOGRAM is asked, for redis_commands_latencies_usec.")
          .fallback("`true`"),
      field("info_only", &RedisKeys::info_only)
          .doc("Whether nothing but INFO (and `key_lengths`) is asked: one command a probe, where each is paid for.")
          .fallback("`false`, and `true` where there is a budget"),
      field("cluster", &RedisKeys::cluster)
          .doc("Whether the targets are seeds of a Redis Cluster, each of whose nodes becomes a target.")
          .fallback("`false`"),
      field("limits", &RedisKeys::limits, maybe(section(limits_table()))).doc("What the server may use."),
      field("max_series", &RedisKeys::max_series, maybe(whole_number(100, 1'000'000)))
          .doc("How many series a target may have; what is beyond is left out and counted.")
          .fallback("`20000`"),
  };
}

void fill(const model::Probe& probe, probes::RedisOptions& options) {
  const RedisKeys& keys = probe.redis;
  options.keys = keys.key_lengths;
  if (keys.max_keys) options.max_keys = static_cast<std::size_t>(*keys.max_keys);
  if (keys.max_scans) options.max_scans = static_cast<unsigned>(*keys.max_scans);
  if (keys.max_series) options.max_series = static_cast<std::size_t>(*keys.max_series);
  options.commands = {keys.commands.begin(), keys.commands.end()};
  options.latency_histograms = keys.latency_histograms.value_or(options.latency_histograms);
  options.minimal = keys.info_only.value_or(probe.budget.has_value());
  options.cluster = keys.cluster.value_or(options.cluster);
  if (!keys.limits) return;
  if (keys.limits->memory) options.limits.memory = static_cast<double>(*keys.limits->memory);
  options.limits.clients = keys.limits->clients;
  if (keys.limits->network) options.limits.network = static_cast<double>(*keys.limits->network);
}

bool set_database(std::string_view path, probes::RedisOptions& options) {
  if (path.empty() || path == "/") return true;
  const auto number = core::parse_number<unsigned>(path.substr(1));
  if (number) options.database = *number;
  return number.has_value();
}

bool make_redis(const Making& making, const std::string& text, TargetConfig& target) {
  const auto parsed = net::parse_url(text);
  if (parsed.has_error()) return making.wrong(parsed.error().detail);
  const net::Url& url = *parsed;
  const std::string& scheme = url.scheme;
  const bool unix_socket = scheme == "unix" || scheme == "redis+unix";
  probes::RedisOptions options;
  if (url.has_query) return making.wrong("a redis URL has no query (the database is its path: redis://host/1)");
  if (unix_socket) {
    if (!url.host.empty() || url.path.size() < 2)
      return making.wrong("a socket is written with three slashes: " + scheme + ":///run/redis.sock");
    options.address = {net::percent_decode(url.path), 0, true};
    target.display = scheme + "://" + url.path;
  } else {
    if (url.host.empty()) return making.wrong("a URL without a host");
    options.address = {url.host, url.port == 0 ? std::uint16_t{6379} : url.port, false};
    if (!set_database(url.path, options))
      return making.wrong("the path of a redis URL is the number of a database, such as /1");
    target.display = scheme + "://" + options.address.to_string() +
                     (options.database ? "/" + std::to_string(*options.database) : "");
  }
  if (scheme == "rediss") {
    options.tls = making.probe.tls.value_or(net::TlsOptions{});
  } else if (making.probe.tls) {
    return making.wrong("tls", "\"tls\" needs a URL with rediss://");
  }
  if (!take_user_info(making, url, making.probe.user, making.probe.password, options.user, options.password)) {
    return false;
  }
  fill(making.probe, options);
  options.keep_connection = target.reconnect.count() > 0;
  target.sentinel = making.probe.sentinel.value_or(true) && options.keep_connection;
  target.labels.set("instance", options.address.to_string());
  target.options = std::make_shared<const ProbeOptions>(std::move(options));
  return true;
}

}  // namespace

Kind redis_kind() {
  Kind kind;
  kind.name = "redis";
  kind.schemes = {"redis", "rediss", "redis+unix", "unix"};
  kind.fields = core::fields_of(&model::Probe::redis, redis_rows());
  kind.also = {"user", "password", "password_file", "sentinel", "tls"};
  kind.make = make_redis;
  return kind;
}

}  // namespace tocsin::daemon
