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

constexpr Duration shortest_interval{100};
constexpr Duration longest_interval{std::chrono::hours{24}};

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
              .doc("How long samples are kept in memory. `auto`: as long as the rules look back, at least 30 minutes."),
          field("max_series", &StorageConfig::max_series, core::integer<std::size_t>(1))
              .doc("How many series are kept at most; samples of further ones are refused and counted."),
          field("memory_limit", &StorageConfig::memory_limit, core::byte_count())
              .doc("How much memory samples may take; past it the oldest go before their time.")
              .least(16ULL * 1024 * 1024),
      });
}

Section<WebConfig> web_table() {
  return Section<WebConfig>(
             "web", "The HTTP server: status page, metrics and API.",
             {
                 field("listen", &WebConfig::listen)
                     .doc("Address and port to listen on. There is no login: keep it on loopback, or behind a proxy.")
                     .check(listen_problem),
                 field("enable_lifecycle", &WebConfig::enable_lifecycle)
                     .doc("Whether `POST /-/reload` reloads the configuration."),
             })
      .later({"config_file"});
}

core::Type<model::StatusRange> status_range() {
  const auto parse = [](const std::string& text) -> std::variant<model::StatusRange, std::string> {
    const std::string wrong = "is a status such as 200, a range such as 200-299, or 2xx, not \"" + text + "\"";
    const auto number = [](std::string_view digits) {
      const unsigned value = core::parse_number<unsigned>(digits).value_or(0);
      return value >= 100 && value <= 599 ? value : 0U;
    };
    if (text.size() == 3 && text.substr(1) == "xx" && text[0] >= '1' && text[0] <= '5') {
      const auto hundreds = static_cast<unsigned>(text[0] - '0') * 100;
      return model::StatusRange{hundreds, hundreds + 99};
    }
    const auto dash = text.find('-');
    const unsigned first = number(std::string_view(text).substr(0, dash));
    const unsigned last = dash == std::string::npos ? first : number(std::string_view(text).substr(dash + 1));
    if (first == 0 || last < first) return wrong;
    return model::StatusRange{first, last};
  };
  auto type = core::text_as<model::StatusRange>(
      "status", "^([1-5][0-9][0-9](-[1-5][0-9][0-9])?|[1-5]xx)$", parse, [](const model::StatusRange& range) {
        return range.first == range.last ? std::to_string(range.first)
                                         : std::to_string(range.first) + "-" + std::to_string(range.last);
      });
  type.write = [](const model::StatusRange& range) {
    if (range.first == range.last) return core::yaml_word(std::to_string(range.first));
    return core::yaml_text(std::to_string(range.first) + "-" + std::to_string(range.last));
  };
  core::YamlNode number = core::yaml_map(
      {{"type", core::yaml_text("integer")}, {"minimum", core::yaml_word("100")}, {"maximum", core::yaml_word("599")}});
  type.shape.schema = core::yaml_map({{"anyOf", core::yaml_list({std::move(number), std::move(type.shape.schema)})}});
  return type;
}

core::Type<std::string> regex() {
  return core::text_as<std::string>(
      "regular expression", "",
      [](const std::string& text) -> std::variant<std::string, std::string> {
        if (const auto problem = regex_problem(text))
          return std::variant<std::string, std::string>(std::in_place_index<1>, *problem);
        return std::variant<std::string, std::string>(std::in_place_index<0>, text);
      },
      [](const std::string& text) { return text; });
}

Section<model::Expect> expect_table() {
  return Section<model::Expect>(
      "expect", "What an HTTP answer must be like. Everything that is given must hold.",
      {
          field("status", &model::Expect::status, list_of(status_range(), ListStyle::list_or_one))
              .doc("The status codes that are good.")
              .fallback("`2xx`"),
          field("body_matches", &model::Expect::body_matches, list_of(regex(), ListStyle::list_or_one))
              .doc("Each must be found in the body (RE2, not anchored)."),
          field("body_not_matches", &model::Expect::body_not_matches, list_of(regex(), ListStyle::list_or_one))
              .doc("None of these may be found in the body."),
          field("json", &model::Expect::json, core::map_of(core::text(), "path"))
              .doc("What stands at a path of the JSON body, as text: `{\"$.database\": ok}`. Paths are made of `$`, "
                   "`.name`, `['name']` and "
                   "`[index]`.")
              .check([](const std::vector<std::pair<std::string, std::string>>& paths) -> std::optional<std::string> {
                for (const auto& [path, value] : paths) {
                  if (const auto problem = json_path_problem(path))
                    return "has the path \"" + path + "\", which " + *problem;
                }
                return std::nullopt;
              }),
          field("within", &model::Expect::within)
              .doc("How long the whole probe may take to be good.")
              .least(Duration{1}),
      });
}

Section<model::Header> header_table() {
  return Section<model::Header>("header", "A header's value, in place or in a file.",
                                {
                                    field("value", &model::Header::value, core::secret_text()).doc("The value."),
                                    field("file", &model::Header::value, core::secret_file())
                                        .doc("A file with the value; it is read for every probe."),
                                })
      .exclusive({"value", "file"})
      .shorthand("value")
      .check([](FieldReader& reader, const Place& place, const model::Header&) {
        if (place.keys.empty()) reader.error(place.at, "a header needs a value, or a \"file\" that has it");
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
             })
      .later({"min_version", "max_version", "ca", "cert", "key"})
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
                 field("type", &model::Authorization::type)
                     .doc("The kind of token.")
                     .check([](const std::string& type) {
                       return type == "Bearer" ? std::nullopt
                                               : std::optional<std::string>(
                                                     "is Bearer; another one is not supported in this version");
                     }),
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

std::vector<std::string> redis_keys() { return {"user", "password", "password_file", "sentinel"}; }

std::vector<std::string> http_keys() {
  return {"method",        "headers",          "body",     "basic_auth",  "bearer", "bearer_file",
          "authorization", "follow_redirects", "max_body", "ip_protocol", "expect"};
}

Section<model::Probe> probe_table() {
  using model::Probe;
  using Ip = probes::HttpOptions::IpProtocol;
  return Section<Probe>(
             "probe", "A job: targets that are asked in the same way.",
             {
                 field("job", &Probe::job)
                     .doc("The job's name: the label `job`.")
                     .required()
                     .check([](const std::string& job) {
                       return job.empty() ? std::optional<std::string>("must not be empty") : std::nullopt;
                     }),
                 field("kind", &Probe::kind).doc("`redis` or `http`.").fallback("what the URL's scheme says"),
                 field("targets", &Probe::targets, list_of(located(core::text()), ListStyle::list_or_one))
                     .doc("URLs: `redis://host:port/db`, `rediss://` (TLS), `unix:///path`, `http://`, `https://`. "
                          "User and password in them are "
                          "accepted, and shown nowhere."),
                 field("target_file", &Probe::target_file, core::path())
                     .doc("A file that holds one whole URL, password included, as providers hand it out. It is read "
                          "when the configuration is."),
                 field("interval", &Probe::interval)
                     .doc("How often each target is asked.")
                     .fallback("`global.probe_interval`")
                     .least(shortest_interval)
                     .most(longest_interval),
                 field("timeout", &Probe::timeout)
                     .doc("How long one answer may take; at most the interval.")
                     .fallback("`global.probe_timeout`")
                     .least(Duration{10}),
                 field("confirm", &Probe::confirm)
                     .doc("When a first failure is looked at again; at most the interval.")
                     .fallback("`global.confirm`"),
                 field("reconnect", &Probe::reconnect)
                     .doc("How long a connection is kept (redis).")
                     .fallback("`global.reconnect`"),
                 field("labels", &Probe::labels).doc("Labels that every sample of these targets gets."),
                 field("tls", &Probe::tls, maybe(section(tls_table()))).doc("How to speak TLS with them."),
                 field("user", &Probe::user).doc("redis: the ACL user."),
                 field("password", &Probe::password, core::secret_text()).doc("redis: the password."),
                 field("password_file", &Probe::password, core::secret_file())
                     .doc("redis: a file that holds the password; it is read for every connection."),
                 field("sentinel", &Probe::sentinel)
                     .doc("redis: whether the idle connection is watched, so that a died process is noticed at once.")
                     .fallback("`true`"),
                 field("method", &Probe::method)
                     .doc("http: the method.")
                     .fallback("`GET`")
                     .check([](const std::optional<std::string>& method) {
                       const bool token = !method->empty() && std::all_of(method->begin(), method->end(),
                                                                          [](char c) { return c >= 'A' && c <= 'Z'; });
                       return token ? std::nullopt
                                    : std::optional<std::string>("is a word in capitals such as GET or POST");
                     }),
                 field("headers", &Probe::headers, core::map_of(section(header_table()), "name"))
                     .doc("http: headers that are sent."),
                 field("body", &Probe::body).doc("http: the body that is sent."),
                 field("basic_auth", &Probe::basic_auth, maybe(section(basic_auth_table())))
                     .doc("http: user and password."),
                 field("bearer", &Probe::bearer, core::secret_text()).doc("http: a bearer token."),
                 field("bearer_file", &Probe::bearer, core::secret_file())
                     .doc("http: a file that holds a bearer token."),
                 field("authorization", &Probe::authorization, maybe(section(authorization_table())))
                     .doc("http: a bearer token in Prometheus's words."),
                 field("follow_redirects", &Probe::follow_redirects)
                     .doc("http: whether redirects are followed (10 at most).")
                     .fallback("`true`"),
                 field("max_body", &Probe::max_body, maybe(core::byte_count()))
                     .doc("http: a larger body is a failure.")
                     .fallback("`10MiB`")
                     .least(1)
                     .most(1ULL << 30U),
                 field("ip_protocol", &Probe::ip_protocol,
                       maybe(core::choice<Ip>({{"any", Ip::any}, {"v4", Ip::v4}, {"v6", Ip::v6}})))
                     .doc("http: which addresses of a name are used.")
                     .fallback("`any`"),
                 field("expect", &Probe::expect, maybe(section(expect_table()))).doc("http: what a good answer is."),
             })
      .exclusive({"password", "password_file"})
      .exclusive({"basic_auth", "bearer", "bearer_file", "authorization"})
      .later({"budget", "limits", "key_lengths", "queries", "name", "brokers", "security", "sasl", "consumer_groups",
              "file_sd", "wake"});
}

Section<Root> root_table() {
  const auto files = [] { return list_of(located(core::text()), ListStyle::list_or_one); };
  return Section<Root>("configuration", "The configuration file.",
                       {
                           field("global", &Root::global, section(global_table())).doc("What holds for everything."),
                           field("probes", &Root::probes, list_of(section(probe_table()))).doc("What is asked."),
                           field("probe_files", &Root::probe_files, files())
                               .doc("Files with more probes (`*` and `?` are understood): each a list of probes, or "
                                    "`probes:` with such a list."),
                           field("rule_files", &Root::rule_files, files())
                               .doc("Rule files, as Prometheus has them; files with `thresholds:` are tocsin's own."),
                           field("action_files", &Root::action_files, files())
                               .doc("Files with more actions: each a list, or `actions:` with one."),
                           field("packs", &Root::packs, pack_names())
                               .doc("The rules that tocsin brings along. `[]` turns them off.")
                               .fallback("one for each kind of probe that is used"),
                           field("storage", &Root::storage, section(storage_table())).doc("What is kept, and where."),
                           field("alertmanagers", &Root::alertmanagers, list_of(section(alertmanager_table())))
                               .doc("Who is told of alerts. Each is told."),
                           field("web", &Root::web, section(web_table())).doc("The HTTP server."),
                           field("actions", &Root::actions, list_of(section(action_table())))
                               .doc("What is done when an alert fires."),
                       })
      .later({"heartbeat", "maintenance", "remote_write", "federation", "scrape_configs", "alerting", "cluster"});
}

}  // namespace tocsin::daemon
