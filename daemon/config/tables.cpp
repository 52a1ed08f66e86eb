#include "tables.hpp"

#include <algorithm>

#include "tocsin/core/number.hpp"

namespace tocsin::daemon {

using core::Duration;
using core::field;
using core::FieldReader;
using core::list_of;
using core::ListStyle;
using core::located;
using core::maybe;
using core::Place;
using core::section;
using core::Section;
using model::Root;

namespace {

Section<GlobalConfig> global_table() {
  return Section<GlobalConfig>(
      "global", "What holds for everything that does not say otherwise.",
      {
          field("probe_interval", &GlobalConfig::probe_interval)
              .doc("How often a target is asked.")
              .least(shortest_interval)
              .most(longest_interval),
          field("probe_timeout", &GlobalConfig::probe_timeout)
              .doc("How long one answer may take. Where a probe's interval is shorter, the interval counts.")
              .least(Duration{10})
              .most(std::chrono::minutes{10}),
          field("confirm", &GlobalConfig::confirm)
              .doc("A first failure is held back, and this much later a second probe decides. `0` believes the first "
                   "one.")
              .most(std::chrono::minutes{1}),
          field("reconnect", &GlobalConfig::reconnect)
              .doc("How long a connection is kept: then a probe starts anew, so that rotated passwords and moved names "
                   "are "
                   "noticed. `0`: a new connection for every probe."),
          field("evaluation_interval", &GlobalConfig::evaluation_interval)
              .doc("How often rule groups are evaluated that do not say so themselves.")
              .least(shortest_interval)
              .most(longest_interval),
          field("evaluation_timeout", &GlobalConfig::evaluation_timeout)
              .doc("How long one evaluation may take.")
              .least(Duration{10}),
          field("resend_delay", &GlobalConfig::resend_delay)
              .doc("How long to wait before Alertmanager is told of the same firing alert again.")
              .least(std::chrono::seconds{1}),
          field("for_outage_tolerance", &GlobalConfig::for_outage_tolerance)
              .doc("How long tocsin may have been away for the time of a pending alert to count on. After a longer "
                   "outage its `for` begins anew. Alerts that fired are known whatever the time."),
          field("max_probes", &GlobalConfig::max_probes, core::integer<std::size_t>(1))
              .doc("How many probes may be under way at a time. What finds no room waits, an interval at most. Takes "
                   "effect at a start."),
          field("max_probes_per_host", &GlobalConfig::max_probes_per_host, core::integer<std::size_t>(1))
              .doc("The same for the targets of one host."),
          field("external_labels", &GlobalConfig::external_labels).doc("Labels that every alert gets on its way out."),
          field("external_url", &GlobalConfig::external_url)
              .doc("Where people reach this daemon: the beginning of the links in alerts.")
              .fallback("made of the host's name and the port")
              .check([](const std::string& url) -> std::optional<std::string> {
                if (url.empty() || url.starts_with("http://") || url.starts_with("https://")) return std::nullopt;
                return "begins with http:// or https://";
              }),
      });
}

Section<StorageConfig> storage_table() {
  auto retention = core::text_as<std::optional<Duration>>(
      "auto or duration", "",
      [](const std::string& text) -> std::variant<std::optional<Duration>, std::string> {
        if (text == "auto") return std::optional<Duration>();
        const auto parsed = core::parse_duration(text);
        if (!parsed || parsed->count() <= 0) return "is auto, or a duration such as 2h, not \"" + text + "\"";
        return parsed;
      },
      [](const std::optional<Duration>& value) { return value ? core::format_duration(*value) : "auto"; });
  return Section<StorageConfig>(
      "storage", "What is kept, and where.",
      {
          field("path", &StorageConfig::path, core::path())
              .doc("The folder for what must outlive the process: alerts, timers, the journal of actions. Without one "
                   "nothing is kept on "
                   "disk, and every action is `shadow`."),
          field("retention", &StorageConfig::retention, std::move(retention))
              .doc("How long samples are kept. `auto`: as long as the rules look back, at least 30 minutes. With a "
                   "`path`, "
                   "those that no rule looks back on are on disk alone."),
          field("max_series", &StorageConfig::max_series, core::integer<std::size_t>(1))
              .doc("How many series are kept at most; samples of further ones are refused and counted."),
          field("memory_limit", &StorageConfig::memory_limit, core::byte_count())
              .doc("How much room samples may take, in memory and on disk together; past it the oldest go before their "
                   "time.")
              .least(16ULL * 1024 * 1024),
          field("history", &StorageConfig::history)
              .doc("How long it is known what fired, what was told, and what was done or not done.")
              .least(std::chrono::hours{1}),
      });
}

Section<model::Connectivity> connectivity_table() {
  using model::Connectivity;
  return Section<Connectivity>(
      "connectivity",
      "Whether tocsin itself is cut off: by its own network, or its name service. While none of these targets answers, "
      "failures of targets are not believed, rules are not judged, and the alert `TocsinCutOff` says so.",
      {
          field("targets", &Connectivity::targets, list_of(located(core::text()), ListStyle::list_or_one))
              .doc("What is reached as long as there is a network: `icmp://` of the gateway, `tcp://` of a server of "
                   "names, `https://` of something far away. One answer is enough.")
              .required(),
          field("interval", &Connectivity::interval)
              .doc("How often they are asked while all is well; besides, whenever a target fails.")
              .least(shortest_interval)
              .most(longest_interval),
          field("timeout", &Connectivity::timeout)
              .doc("How long an answer may take. A failure of a target waits for this verdict.")
              .least(Duration{10})
              .most(std::chrono::seconds{30}),
      });
}

Section<WebConfig> web_table() {
  return Section<WebConfig>(
      "web", "The HTTP server: status page, metrics and API.",
      {
          field("listen", &WebConfig::listen)
              .doc("Address and port to listen on. Without `config_file` there is no login: keep it on loopback, or "
                   "behind a proxy.")
              .check(listen_problem),
          field("enable_lifecycle", &WebConfig::enable_lifecycle)
              .doc("Whether `POST /-/reload` reloads the configuration."),
          field("config_file", &WebConfig::config_file, core::path())
              .doc("Who may use the port, in the exporters' own format: `basic_auth_users` with a bcrypt hash for each "
                   "name (`htpasswd -nBC 10 NAME` makes one). With it every path but `/-/healthy` and `/-/ready` wants "
                   "a login, and whoever has one may give orders (`tocsin actions approve`, `pause`, ...). Without it "
                   "orders are taken over the local socket only. Read at a start and at a reload."),
      });
}

Section<model::Alertmanager> alertmanager_table() {
  using model::Alertmanager;
  return Section<Alertmanager>(
             "alertmanager", "An Alertmanager (API v2). A bare URL stands for one without further settings.",
             {
                 field("url", &Alertmanager::url)
                     .doc("Where it is, with the path in front of `/api/v2` if there is one.")
                     .required(),
                 field("tls", &Alertmanager::tls, maybe(section(tls_table()))).doc("How to speak TLS with it."),
                 field("basic_auth", &Alertmanager::basic_auth, maybe(section(basic_auth_table())))
                     .doc("User and password."),
                 field("authorization", &Alertmanager::authorization, maybe(section(authorization_table())))
                     .doc("A token instead."),
                 field("timeout", &Alertmanager::timeout)
                     .doc("How long one request may take.")
                     .least(Duration{100})
                     .most(std::chrono::minutes{5}),
             })
      .exclusive({"basic_auth", "authorization"})
      .later({"alert_relabel_configs", "relabel_configs", "path_prefix", "api_version", "static_configs", "proxy_url"})
      .shorthand("url");
}

/// An empty list is something else than none.
core::Type<std::optional<std::vector<core::Located<std::string>>>> pack_names() {
  auto type = maybe(list_of(located(core::text())));
  type.read = [read = type.read](FieldReader& reader, const core::YamlNode& node, auto& into) {
    return node.kind == core::YamlNode::Kind::null || read(reader, node, into);
  };
  type.write = [write = type.write](const auto& packs) {
    return packs && packs->empty() ? core::yaml_list({}) : write(packs);
  };
  return type;
}

core::Type<net::TlsVersion> tls_version() {
  using net::TlsVersion;
  return core::choice<TlsVersion>({{"TLS10", TlsVersion::tls10},
                                   {"TLS11", TlsVersion::tls11},
                                   {"TLS12", TlsVersion::tls12},
                                   {"TLS13", TlsVersion::tls13}});
}

}  // namespace

Section<net::TlsOptions> tls_table() {
  return Section<net::TlsOptions>(
             "tls", "How to speak TLS.",
             {
                 field("ca_file", &net::TlsOptions::ca_file, core::path())
                     .doc("The certificates that are trusted.")
                     .fallback("the system's"),
                 field("cert_file", &net::TlsOptions::cert_file, core::path())
                     .doc("Our own certificate, where the other side asks for one."),
                 field("key_file", &net::TlsOptions::key_file, core::path()).doc("The key of our own certificate."),
                 field("server_name", &net::TlsOptions::server_name)
                     .doc("The name that the certificate must be for, and that is sent as SNI.")
                     .fallback("the host of the URL"),
                 field("insecure_skip_verify", &net::TlsOptions::insecure_skip_verify)
                     .doc("Whether any certificate is taken. For trials."),
                 field("min_version", &net::TlsOptions::min_version, maybe(tls_version()))
                     .doc("The oldest version that is spoken.")
                     .fallback("`TLS12`"),
                 field("max_version", &net::TlsOptions::max_version, maybe(tls_version()))
                     .doc("The newest version that is spoken."),
             })
      .later({"ca", "cert", "key"})
      .check([](FieldReader& reader, const Place& place, const net::TlsOptions& tls) {
        if (tls.cert_file.empty() == tls.key_file.empty()) return;
        reader.error(place.at, tls.key_file.empty() ? "\"cert_file\" needs a \"key_file\""
                                                    : "\"key_file\" needs a \"cert_file\"");
      });
}

Section<model::BasicAuth> basic_auth_table() {
  return Section<model::BasicAuth>(
             "basic_auth", "User and password of HTTP.",
             {
                 field("username", &model::BasicAuth::user).doc("The user.").required(),
                 field("password", &model::BasicAuth::password, core::secret_text()).doc("The password."),
                 field("password_file", &model::BasicAuth::password, core::secret_file())
                     .doc("A file that holds the password."),
             })
      .exclusive({"password", "password_file"});
}

Section<model::Authorization> authorization_table() {
  return Section<model::Authorization>(
             "authorization", "A token in the Authorization header.",
             {
                 field("type", &model::Authorization::type).doc("The word before the token."),
                 field("credentials", &model::Authorization::credentials, core::secret_text()).doc("The token."),
                 field("credentials_file", &model::Authorization::credentials, core::secret_file())
                     .doc("A file that holds the token."),
             })
      .exclusive({"credentials", "credentials_file"})
      .check([](FieldReader& reader, const Place& place, const model::Authorization& value) {
        if (value.credentials.empty())
          reader.error(place.at, "authorization needs \"credentials\" or \"credentials_file\"");
      });
}

Section<Root> root_table() {
  const auto files = [] { return list_of(located(core::text()), ListStyle::list_or_one); };
  return Section<Root>(
             "configuration", "The configuration file.",
             {
                 field("global", &Root::global, section(global_table())).doc("What holds for everything."),
                 field("probes", &Root::probes, list_of(probe_type())).doc("What is asked."),
                 field("probe_files", &Root::probe_files, files())
                     .doc("Files with more probes (`*` and `?` are understood): each a list of probes, or "
                          "`probes:` with such a list."),
                 field("blackbox_modules", &Root::blackbox_modules, files())
                     .doc("Files of blackbox_exporter (`modules:`), unchanged. A job takes one with `module:`, "
                          "and so does `/probe?module=`. The modules of blackbox_exporter's own example "
                          "(`http_2xx`, `tcp_connect`, `icmp`, ...) are there without a file."),
                 field("rule_files", &Root::rule_files, files())
                     .doc("Rule files, as Prometheus has them; files with `thresholds:` are tocsin's own."),
                 field("action_files", &Root::action_files, files())
                     .doc("Files with more actions: each a list, or `actions:` with one."),
                 field("packs", &Root::packs, pack_names())
                     .doc("The rules that tocsin brings along. `[]` turns them off.")
                     .fallback("one for each kind of probe that is used"),
                 field("storage", &Root::storage, section(storage_table())).doc("What is kept, and where."),
                 field("connectivity", &Root::connectivity, maybe(section(connectivity_table())))
                     .doc("How tocsin knows that it is cut off itself."),
                 field("alertmanagers", &Root::alertmanagers, list_of(section(alertmanager_table())))
                     .doc("Who is told of alerts. Each is told."),
                 field("fallback", &Root::fallback, maybe(section(fallback_table())))
                     .doc("Who is told when no Alertmanager takes alerts."),
                 field("heartbeat", &Root::heartbeat, maybe(section(heartbeat_table())))
                     .doc("Who raises the alarm when tocsin itself falls silent."),
                 field("web", &Root::web, section(web_table())).doc("The HTTP server."),
                 field("actions", &Root::actions, list_of(action_type())).doc("What is done when an alert fires."),
                 field("guard", &Root::guard, section(guard_table())).doc("What holds for all actions together."),
                 field("maintenance", &Root::maintenance, list_of(section(maintenance_table())))
                     .doc("When people work on something: no action is taken for its alerts."),
             })
      .later({"remote_write", "federation", "scrape_configs", "alerting", "cluster"});
}

}  // namespace tocsin::daemon
