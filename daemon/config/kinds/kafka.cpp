#include "config/kinds/kafka.hpp"

#include <algorithm>

#include "config/kinds/kind.hpp"
#include "config/tables.hpp"

namespace tocsin::daemon {

using core::field;
using core::list_of;
using core::ListStyle;
using core::maybe;
using core::whole_number;
using model::KafkaKeys;
using model::KafkaNaming;
using model::KafkaPart;
using probes::KafkaMechanism;
using probes::KafkaOptions;
using probes::KafkaSecurity;

namespace {

constexpr std::uint16_t default_port = 9092;
constexpr std::string_view scheme = "kafka://";

core::Type<KafkaSecurity> security() {
  return core::choice<KafkaSecurity>({{"plaintext", KafkaSecurity::plaintext},
                                      {"ssl", KafkaSecurity::ssl},
                                      {"sasl_plaintext", KafkaSecurity::sasl_plaintext},
                                      {"sasl_ssl", KafkaSecurity::sasl_ssl}});
}

core::Type<KafkaMechanism> mechanism() {
  return core::choice<KafkaMechanism>({{"PLAIN", KafkaMechanism::plain},
                                       {"SCRAM-SHA-256", KafkaMechanism::scram_sha_256},
                                       {"SCRAM-SHA-512", KafkaMechanism::scram_sha_512}});
}

core::Type<KafkaNaming> naming() {
  return core::choice<KafkaNaming>({{"kafka_exporter", KafkaNaming::kafka_exporter},
                                    {"burrow_exporter", KafkaNaming::burrow_exporter},
                                    {"burrow", KafkaNaming::burrow},
                                    {"grafana", KafkaNaming::grafana},
                                    {"kafka_lag_exporter", KafkaNaming::kafka_lag_exporter}});
}

/// `orders-*`, `/^orders/`, and both with `!` in front.
std::optional<std::string> wrong_pattern(const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) {
    const std::string text = pattern.starts_with('!') ? pattern.substr(1) : pattern;
    if (text.empty()) return "has an empty pattern";
    if (text.size() < 2 || text.front() != '/' || text.back() != '/') continue;
    if (const auto problem = regex_problem(text.substr(1, text.size() - 2)))
      return "has \"" + pattern + "\", which " + *problem;
  }
  return std::nullopt;
}

core::Section<model::Sasl> sasl_table() {
  using model::Sasl;
  return core::Section<Sasl>(
             "sasl", "How to log in to Kafka.",
             {
                 field("mechanism", &Sasl::mechanism, maybe(mechanism()))
                     .doc("Which exchange. SCRAM with Kafka 4 needs librdkafka 2.6.1 or later; Debian 12 has 2.0.2.")
                     .required(),
                 field("username", &Sasl::username).doc("The user; an API key, with some providers.").required(),
                 field("password", &Sasl::password, core::secret_text()).doc("The password."),
                 field("password_file", &Sasl::password, core::secret_file()).doc("A file that holds the password."),
                 field("allow_plaintext_password", &Sasl::allow_plaintext_password)
                     .doc("Whether PLAIN may be spoken without TLS, which sends the password in the open."),
             })
      .exclusive({"password", "password_file"})
      .later({"oauth_token", "kerberos"});
}

std::vector<core::Field<KafkaKeys>> kafka_rows() {
  const auto part =
      core::choice<KafkaPart>({{"offsets", KafkaPart::offsets}, {"consumer_groups", KafkaPart::consumer_groups}});
  return {
      field("name", &KafkaKeys::name)
          .doc("What the cluster is called: its label `instance`, and `cluster` in the names that have it.")
          .fallback("the first broker"),
      field("brokers", &KafkaKeys::brokers, list_of(core::text(), ListStyle::list_or_one))
          .doc("Some brokers of the cluster, as `host:port`; the others are learnt. They stand for `targets`.")
          .fallback("the target: `kafka://b1:9092,b2:9092`"),
      field("security", &KafkaKeys::security, maybe(security()))
          .doc("What the brokers' listener speaks, in Kafka's words.")
          .fallback("`ssl` where `tls` is given, `sasl_ssl` where `sasl` is, else `plaintext`"),
      field("sasl", &KafkaKeys::sasl, maybe(core::section(sasl_table()))).doc("How to log in."),
      field("topics", &KafkaKeys::topics, list_of(core::text(), ListStyle::list_or_one))
          .doc("The topics that are looked at: patterns with `*` and `?`, `/regular expressions/`, and `!` in front of "
               "those that are not wanted. Of a topic that is named in full its absence is told.")
          .fallback("all")
          .check(wrong_pattern),
      field("consumer_groups", &KafkaKeys::consumer_groups, list_of(core::text(), ListStyle::list_or_one))
          .doc("The consumer groups that are looked at, written as `topics` are.")
          .fallback("all")
          .check(wrong_pattern),
      field("collect", &KafkaKeys::collect, list_of(part, ListStyle::list_or_one))
          .doc("What is asked for beside brokers, topics and partitions.")
          .fallback("`[offsets, consumer_groups]`"),
      field("metric_names", &KafkaKeys::metric_names, list_of(naming(), ListStyle::list_or_one))
          .doc(
              "Whose names are given: danielqsj/kafka_exporter's, jirwin/burrow_exporter's, linkedin/Burrow's own, the "
              "ones of Grafana's fork, seglo/kafka-lag-exporter's.")
          .fallback("`kafka_exporter`"),
      field("lag_seconds", &KafkaKeys::lag_seconds)
          .doc("Give the lag in seconds, too: since when the next record to be read has been waiting.")
          .fallback("`true`"),
      field("isolation", &KafkaKeys::read_committed,
            maybe(core::choice<bool>({{"read_uncommitted", false}, {"read_committed", true}})))
          .doc("Where a partition ends: with its last record, or before the first open transaction.")
          .fallback("`read_uncommitted`"),
      field("max_partitions", &KafkaKeys::max_partitions, maybe(whole_number(1, 1'000'000)))
          .doc("Topics beyond this many partitions in all are left out.")
          .fallback("`100000`"),
      field("max_groups", &KafkaKeys::max_groups, maybe(whole_number(1, 1'000'000)))
          .doc("Consumer groups beyond this many are left out.")
          .fallback("`10000`"),
  };
}

std::vector<std::string> implied(const model::Probe& probe) {
  if (probe.kafka.brokers.empty() || probe.place.has("targets")) return {};
  return {std::string(scheme) + (probe.kafka.name.empty() ? probe.kafka.brokers.front() : probe.kafka.name)};
}

void check_kafka(const model::Probe& probe, const Loading& loading) {
  if (probe.kafka.sasl) loading.check_secret(probe.kafka.sasl->password, probe.kafka.sasl->place, "password_file");
}

/// `b1:9092,b2`, and what stands in `brokers`.
bool add_brokers(const Making& making, std::string_view list, std::vector<net::Address>& into) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    const std::string one(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    const auto url = net::parse_url(std::string(scheme) + one);
    if (!url || url->host.empty() || !url->user.empty() || (!url->path.empty() && url->path != "/")) {
      return making.wrong("\"" + one + "\" is not the host:port of a broker");
    }
    into.push_back({url->host, url->port == 0 ? default_port : url->port, false});
  }
  return true;
}

bool take_brokers(const Making& making, const std::string& text, KafkaOptions& options) {
  const std::vector<std::string>& keys = making.probe.kafka.brokers;
  if (!keys.empty() && making.probe.place.has("targets")) {
    return making.wrong("brokers", "\"brokers\" stand for the target; give one or the other");
  }
  for (const std::string& one : keys) {
    if (!add_brokers(making, one, options.brokers)) return false;
  }
  if (!keys.empty()) return true;
  if (!text.starts_with(scheme)) return making.wrong("a Kafka cluster is written kafka://host:port,host:port");
  std::string_view list = std::string_view(text).substr(scheme.size());
  if (list.ends_with('/')) list.remove_suffix(1);
  return add_brokers(making, list, options.brokers);
}

void take_security(const Making& making, KafkaOptions& options) {
  const KafkaKeys& keys = making.probe.kafka;
  if (keys.sasl) {
    options.sasl.mechanism = keys.sasl->mechanism.value_or(KafkaMechanism::plain);
    options.sasl.username = keys.sasl->username;
    options.sasl.password = keys.sasl->password;
    options.allow_plaintext_password = keys.sasl->allow_plaintext_password;
  }
  const auto without_sasl = making.probe.tls ? KafkaSecurity::ssl : KafkaSecurity::plaintext;
  options.security = keys.security.value_or(keys.sasl ? KafkaSecurity::sasl_ssl : without_sasl);
  options.tls = making.probe.tls.value_or(net::TlsOptions{});
}

void take_choice(const Making& making, KafkaOptions& options) {
  const KafkaKeys& keys = making.probe.kafka;
  options.topics = keys.topics;
  options.consumer_groups = keys.consumer_groups;
  const auto has = [](const auto& list, auto value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  };
  if (making.probe.place.has("collect")) {
    options.offsets = has(keys.collect, KafkaPart::offsets);
    options.groups = has(keys.collect, KafkaPart::consumer_groups);
  }
  if (making.probe.place.has("metric_names")) {
    options.names.kafka_exporter = has(keys.metric_names, KafkaNaming::kafka_exporter);
    options.names.burrow_exporter = has(keys.metric_names, KafkaNaming::burrow_exporter);
    options.names.burrow = has(keys.metric_names, KafkaNaming::burrow);
    options.names.grafana = has(keys.metric_names, KafkaNaming::grafana);
    options.names.kafka_lag_exporter = has(keys.metric_names, KafkaNaming::kafka_lag_exporter);
  }
  options.lag_seconds = keys.lag_seconds.value_or(true);
  options.read_committed = keys.read_committed.value_or(false);
  if (keys.max_partitions) options.max_partitions = static_cast<std::size_t>(*keys.max_partitions);
  if (keys.max_groups) options.max_groups = static_cast<std::size_t>(*keys.max_groups);
  if (making.probe.redis.max_series) options.max_series = static_cast<std::size_t>(*making.probe.redis.max_series);
}

bool make_kafka(const Making& making, const std::string& text, TargetConfig& target) {
  KafkaOptions options;
  if (!take_brokers(making, text, options)) return false;
  take_security(making, options);
  take_choice(making, options);
  const std::string& name = making.probe.kafka.name;
  options.name = !name.empty() || options.brokers.empty() ? name : options.brokers.front().to_string();
  if (!probes::uses_tls(options.security) && making.probe.tls) {
    return making.wrong("tls", "\"tls\" needs security: ssl or sasl_ssl");
  }
  if (const std::string problem = probes::kafka_problem(options); !problem.empty()) {
    return making.wrong(making.probe.place.has("sasl") ? "sasl" : "job", problem);
  }
  target.sentinel = making.probe.sentinel.value_or(true);
  target.display = std::string(scheme) + options.name;
  target.labels.set("instance", options.name);
  target.options = std::make_shared<const ProbeOptions>(std::move(options));
  return true;
}

}  // namespace

Kind kafka_kind() {
  Kind kind;
  kind.name = "kafka";
  kind.schemes = {"kafka"};
  kind.fields = core::fields_of(&model::Probe::kafka, kafka_rows());
  kind.also = {"sentinel", "tls", "max_series"};
  kind.implied = implied;
  kind.check = check_kafka;
  kind.make = make_kafka;
  return kind;
}

}  // namespace tocsin::daemon
