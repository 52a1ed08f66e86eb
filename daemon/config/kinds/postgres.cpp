#include "config/kinds/postgres.hpp"

#include <algorithm>
#include <set>

#include "config/kinds/kind.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::daemon {

using core::Duration;
using core::field;
using core::FieldReader;
using core::list_of;
using core::ListStyle;
using core::maybe;
using core::Place;
using core::section;
using core::Section;
using model::PostgresKeys;
using probes::PostgresOptions;
using SslMode = PostgresOptions::SslMode;

namespace {

const std::vector<std::pair<std::string, SslMode>>& ssl_modes() {
  static const std::vector<std::pair<std::string, SslMode>> modes{
      {"disable", SslMode::disable}, {"allow", SslMode::allow},         {"prefer", SslMode::prefer},
      {"require", SslMode::require}, {"verify-ca", SslMode::verify_ca}, {"verify-full", SslMode::verify_full}};
  return modes;
}

core::Type<std::string> collector_name() {
  std::vector<std::pair<std::string, std::string>> names;
  for (const auto& collector : probes::postgres_collectors) {
    names.emplace_back(std::string(collector.name), std::string(collector.name));
  }
  core::Type<std::string> type = core::choice<std::string>(std::move(names));
  type.shape.word = "collector";
  return type;
}

std::string collectors_that_are(bool on) {
  std::string words;
  for (const auto& collector : probes::postgres_collectors) {
    if (collector.default_on == on) words += (words.empty() ? "`" : ", `") + std::string(collector.name) + "`";
  }
  return words;
}

Section<model::Collectors> collectors_table() {
  using model::Collectors;
  return Section<Collectors>(
      "collectors",
      "Which of postgres_exporter's collectors are asked. On by default: " + collectors_that_are(true) +
          ". The others: " + collectors_that_are(false) + ".",
      {
          field("with", &Collectors::with, list_of(collector_name(), ListStyle::list_or_one))
              .doc("Besides those that are on by default."),
          field("without", &Collectors::without, list_of(collector_name(), ListStyle::list_or_one))
              .doc("Those that are on by default, and are not wanted."),
      });
}

std::optional<std::string> wrong_metric(const std::string& name) {
  if (core::is_metric_name(name)) return std::nullopt;
  return "is the name of a metric, made of letters, digits and _";
}

std::optional<std::string> wrong_labels(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (!core::is_label_name(name)) return "has \"" + name + "\", which cannot be a label";
  }
  return std::nullopt;
}

Section<model::PostgresQuery> query_table() {
  using model::PostgresQuery;
  return Section<PostgresQuery>(
      "query",
      "A question of your own to PostgreSQL. It runs in a read-only transaction of its own. Each row gives a sample a "
      "numeric "
      "column: the column `value` is the metric `name`, another column `c` is the metric `name_c`.",
      {
          field("name", &PostgresQuery::name).doc("The metric's name.").required().check(wrong_metric),
          field("sql", &PostgresQuery::sql)
              .doc("One statement that gives a table.")
              .required()
              .check([](const std::string& sql) {
                return sql.find_first_not_of("; \t\r\n") == std::string::npos
                           ? std::optional<std::string>("must not be empty")
                           : std::nullopt;
              }),
          field("labels", &PostgresQuery::labels, list_of(core::text(), ListStyle::list_or_one))
              .doc("Columns that are labels.")
              .check(wrong_labels),
          field("counters", &PostgresQuery::counters, list_of(core::text(), ListStyle::list_or_one))
              .doc("Columns that are counters; the others are gauges."),
          field("every", &PostgresQuery::every)
              .doc("How often it is asked; the last values are given meanwhile.")
              .fallback("with each probe"),
          field("timeout", &PostgresQuery::timeout)
              .doc("How long it may take, if less than the probe.")
              .fallback("what the probe has left")
              .least(Duration{1}),
          field("each_database", &PostgresQuery::each_database)
              .doc("Ask it in every database that is asked (see `databases`), not only in the main one; a label "
                   "`datname` is added."),
          field("max_rows", &PostgresQuery::max_rows, core::whole_number(1, 1'000'000)).doc("More rows are left out."),
      });
}

std::vector<core::Field<PostgresKeys>> postgres_rows() {
  std::vector<std::pair<std::string, SslMode>> modes = ssl_modes();
  return {
      field("sslmode", &PostgresKeys::sslmode, maybe(core::choice<SslMode>(std::move(modes))))
          .doc("As libpq knows it; it may stand in the URL, too.")
          .fallback("`prefer`; `verify-full` where `tls` is given"),
      field("databases", &PostgresKeys::databases, list_of(core::text(), ListStyle::list_or_one))
          .doc("Which databases of the server are asked for what they alone know (tables, indexes): `connected`, the "
               "one that is connected to; `all`; or patterns with `*` and `?`. The others than the connected one are "
               "asked "
               "one after another, each on a connection that is closed again.")
          .fallback("`connected`"),
      field("databases_every", &PostgresKeys::databases_every)
          .doc("How often the other databases are asked; what they gave last is given meanwhile.")
          .fallback("`1m`"),
      field("collectors", &PostgresKeys::collectors, maybe(section(collectors_table())))
          .doc("Which of postgres_exporter's collectors are asked."),
      field("queries", &PostgresKeys::queries, list_of(section(query_table()))).doc("Questions of your own."),
      field("max_statements", &PostgresKeys::max_statements, maybe(core::whole_number(1, 10'000)))
          .doc("How many statements the collector `stat_statements` gives: those that took most time.")
          .fallback("`100`"),
      field("legacy_names", &PostgresKeys::legacy_names)
          .doc("Give the names that older dashboards use as well.")
          .fallback("`false`"),
  };
}

void check_postgres(const model::Probe& probe, const Loading& loading) {
  std::set<std::string> names;
  for (const model::PostgresQuery& query : probe.postgres.queries) {
    const bool built_in = std::any_of(std::begin(probes::postgres_collectors), std::end(probes::postgres_collectors),
                                      [&](const auto& collector) { return collector.name == query.name; });
    if (built_in) loading.error(query.place, query.place.of("name"), "\"" + query.name + "\" is a built-in collector");
    if (!names.insert(query.name).second)
      loading.error(query.place, query.place.of("name"), "a second query \"" + query.name + "\"");
  }
}

/// What a URL may say after its `?`, in libpq's words.
class Parameters {
 public:
  Parameters(const Making& making, PostgresOptions& options) : making_(making), options_(options) {}

  bool take(std::string_view query) {
    while (!query.empty()) {
      const std::size_t end = std::min(query.find('&'), query.size());
      const std::string_view pair = query.substr(0, end);
      query.remove_prefix(std::min(end + 1, query.size()));
      const std::size_t equals = std::min(pair.find('='), pair.size());
      const std::string name = net::percent_decode(pair.substr(0, equals));
      if (!name.empty() && !set(name, net::percent_decode(pair.substr(std::min(equals + 1, pair.size()))))) {
        return false;
      }
    }
    return true;
  }
  [[nodiscard]] bool has_sslmode() const { return sslmode_; }
  core::Secret password;
  std::string user;
  std::string host;

 private:
  bool set(const std::string& name, const std::string& value) {
    if (name == "sslmode") return set_sslmode(value);
    if (name == "port") {
      const auto port = core::parse_number<std::uint16_t>(value);
      if (port) options_.address.port = *port;
      return port.has_value() || making_.wrong("the URL's \"port\" is no port");
    }
    for (const auto& [known, into] :
         {std::pair("sslrootcert", &options_.sslrootcert), std::pair("sslcert", &options_.sslcert),
          std::pair("sslkey", &options_.sslkey), std::pair("application_name", &options_.application_name),
          std::pair("channel_binding", &options_.channel_binding), std::pair("dbname", &options_.database),
          std::pair("user", &user), std::pair("host", &host)}) {
      if (name != known) continue;
      *into = value;
      return true;
    }
    if (name == "password") {
      password = core::Secret(value);
      return true;
    }
    // What providers and other clients' users write, and what has no meaning here.
    for (const std::string_view ignored :
         {"connect_timeout", "target_session_attrs", "gssencmode", "pgbouncer", "connection_limit", "pool_timeout",
          "schema", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "sslnegotiation",
          "uselibpqcompat", "supa"}) {
      if (name == ignored) return true;
    }
    return making_.wrong("the URL has a parameter that is not known here: " + name);
  }

  bool set_sslmode(const std::string& value) {
    for (const auto& [word, mode] : ssl_modes()) {
      if (word != value) continue;
      options_.sslmode = mode;
      sslmode_ = true;
      return true;
    }
    return making_.wrong("the URL's \"sslmode\" is one of disable, allow, prefer, require, verify-ca, verify-full");
  }

  const Making& making_;
  PostgresOptions& options_;
  bool sslmode_ = false;
};

bool take_tls(const Making& making, PostgresOptions& options, bool url_has_mode) {
  const auto& mode = making.probe.postgres.sslmode;
  if (mode && url_has_mode) return making.wrong("sslmode", "\"sslmode\" stands in the URL, too");
  if (mode) options.sslmode = *mode;
  const auto& tls = making.probe.tls;
  if (!tls) return true;
  if (!tls->server_name.empty()) {
    return making.wrong("tls",
                        "PostgreSQL's certificate is held against the host that is connected to: "
                        "\"server_name\" is not for this kind");
  }
  if (!mode && !url_has_mode) options.sslmode = tls->insecure_skip_verify ? SslMode::require : SslMode::verify_full;
  if (!tls->ca_file.empty()) options.sslrootcert = tls->ca_file;
  if (!tls->cert_file.empty()) options.sslcert = tls->cert_file;
  if (!tls->key_file.empty()) options.sslkey = tls->key_file;
  return true;
}

void take_keys(const PostgresKeys& keys, PostgresOptions& options) {
  using Databases = PostgresOptions::Databases;
  if (!keys.databases.empty()) {
    options.databases = Databases::patterns;
    options.database_patterns = keys.databases;
    const bool one = keys.databases.size() == 1;
    if (one && keys.databases[0] == "connected") options.databases = Databases::connected;
    if (one && keys.databases[0] == "all") options.databases = Databases::all;
  }
  if (keys.databases_every) {
    options.databases_every = std::chrono::duration_cast<std::chrono::seconds>(*keys.databases_every);
  }
  if (keys.collectors) {
    options.collectors_on = keys.collectors->with;
    options.collectors_off = keys.collectors->without;
  }
  for (const model::PostgresQuery& query : keys.queries) {
    probes::PostgresQuery own;
    own.name = query.name;
    own.sql = query.sql;
    own.labels = query.labels;
    own.counters = query.counters;
    own.every = std::chrono::duration_cast<std::chrono::seconds>(query.every.value_or(Duration{0}));
    own.timeout = query.timeout.value_or(Duration{0});
    own.each_database = query.each_database;
    own.max_rows = static_cast<std::size_t>(query.max_rows);
    options.queries.push_back(std::move(own));
  }
  if (keys.max_statements) options.max_statements = static_cast<std::size_t>(*keys.max_statements);
  options.legacy_names = keys.legacy_names.value_or(false);
}

/// The host of the URL, or a folder with a socket: postgresql:///app?host=/run/postgresql, or %2Frun%2Fpostgresql.
bool take_address(const Making& making, const net::Url& url, const Parameters& parameters, PostgresOptions& options) {
  options.address.host = url.host.empty() ? parameters.host : url.host;
  if (!url.host.empty() && !parameters.host.empty()) return making.wrong("a host in the URL's query and another one");
  if (options.address.host.empty()) return making.wrong("a URL without a host");
  if (options.address.host.find(',') != std::string::npos) {
    return making.wrong("one URL is one server: write one target for each host");
  }
  options.address.unix_socket = options.address.host[0] == '/';
  if (url.port != 0) options.address.port = url.port;
  return true;
}

/// libpq's URLs need no host: the query may name the folder of a socket.
core::Result<net::Url> parse(const std::string& text) {
  const std::size_t begin = text.find("://");
  if (begin == std::string::npos) return net::parse_url(text);
  const std::size_t end = std::min(text.find_first_of("/?#", begin + 3), text.size());
  if (end != begin + 3 && text[end - 1] != '@') return net::parse_url(text);
  auto url = net::parse_url(text.substr(0, end) + "socket.invalid" + text.substr(end));
  if (url) url->host.clear();
  return url;
}

bool make_postgres(const Making& making, const std::string& text, TargetConfig& target) {
  const auto parsed = parse(text);
  if (parsed.has_error()) return making.wrong(parsed.error().detail);
  const net::Url& url = *parsed;
  PostgresOptions options;
  options.address.port = 5432;
  Parameters parameters(making, options);
  if (!parameters.take(url.query)) return false;
  if (!take_address(making, url, parameters, options)) return false;
  net::Url login = url;
  if (login.user.empty()) login.user = parameters.user;
  if (login.password.empty()) login.password = parameters.password;
  std::string user;
  if (!take_user_info(making, login, making.probe.user, making.probe.password, user, options.password)) return false;
  if (!user.empty()) options.user = user;
  if (url.path.size() > 1) options.database = net::percent_decode(std::string_view(url.path).substr(1));
  if (options.database.empty()) options.database = options.user;
  if (!take_tls(making, options, parameters.has_sslmode())) return false;
  take_keys(making.probe.postgres, options);
  if (making.probe.redis.max_series) options.max_series = static_cast<std::size_t>(*making.probe.redis.max_series);
  options.keep_connection = target.reconnect.count() > 0;
  target.sentinel = making.probe.sentinel.value_or(true) && options.keep_connection;
  const std::string place = options.address.unix_socket
                                ? options.address.host + ":" + std::to_string(options.address.port)
                                : options.address.to_string();
  target.display = "postgresql://" + place + "/" + options.database;
  target.labels.set("instance", place);
  target.options = std::make_shared<const ProbeOptions>(std::move(options));
  return true;
}

}  // namespace

Kind postgres_kind() {
  Kind kind;
  kind.name = "postgres";
  kind.schemes = {"postgres", "postgresql"};
  kind.fields = core::fields_of(&model::Probe::postgres, postgres_rows());
  kind.also = {"user", "password", "password_file", "sentinel", "tls", "max_series"};
  kind.check = check_postgres;
  kind.make = make_postgres;
  return kind;
}

}  // namespace tocsin::daemon
