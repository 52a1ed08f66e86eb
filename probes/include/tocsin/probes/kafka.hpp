// Probing a Kafka cluster: brokers, topics, partitions, and how far consumer groups are behind. kafka_exporter's names
// by default, those of four more programs by a switch. One client (and its few threads) a cluster.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tocsin/core/observation.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/prober.hpp"

namespace tocsin::probes {

/// How the brokers are spoken to; the words are Kafka's own.
enum class KafkaSecurity { plaintext, ssl, sasl_plaintext, sasl_ssl };

[[nodiscard]] constexpr bool uses_sasl(KafkaSecurity security) {
  return security == KafkaSecurity::sasl_plaintext || security == KafkaSecurity::sasl_ssl;
}
[[nodiscard]] constexpr bool uses_tls(KafkaSecurity security) {
  return security == KafkaSecurity::ssl || security == KafkaSecurity::sasl_ssl;
}

enum class KafkaMechanism { plain, scram_sha_256, scram_sha_512 };

struct KafkaSasl {
  KafkaMechanism mechanism = KafkaMechanism::scram_sha_512;
  std::string username;
  core::SecretSource password;
};

/// Whose metric names are given, all from one collection. What no exporter has is given always.
struct KafkaNames {
  bool kafka_exporter = true;    // danielqsj's: kafka_brokers, kafka_topic_partition_*, kafka_consumergroup_*
  bool burrow_exporter = false;  // jirwin's: kafka_burrow_*
  bool burrow = false;           // linkedin/Burrow's own: burrow_kafka_*
  bool grafana = false;  // grafana/kafka_exporter: kafka_consumergroup_uncommitted_offsets, kafka_consumer_lag_*
  bool kafka_lag_exporter = false;  // seglo's: kafka_consumergroup_group_*, kafka_partition_*
};

struct KafkaOptions {
  std::string name;  // what the cluster is called: its instance label, and `cluster` in the names that have it
  std::vector<net::Address> brokers;  // any of them; the others are learnt
  KafkaSecurity security = KafkaSecurity::plaintext;
  KafkaSasl sasl;  // with the sasl_* ways only
  /// With sasl_plaintext and PLAIN the password goes over the wire as it is: refused unless this is set.
  bool allow_plaintext_password = false;
  /// With the *ssl ways. `server_name` is not for Kafka: each broker is checked by the name it is reached by.
  net::TlsOptions tls;
  std::vector<std::string> topics;           // patterns; empty: all
  std::vector<std::string> consumer_groups;  // patterns; empty: all
  bool offsets = true;                       // false: no offsets of partitions, and so no lag
  bool groups = true;                        // false: no consumer groups
  bool lag_seconds = true;                   // kafka_consumergroup_lag_seconds
  /// True: a partition ends where the last finished transaction does, as a read_committed consumer sees it.
  bool read_committed = false;
  KafkaNames names;
  std::size_t max_series = 100'000;
  std::size_t max_partitions = 100'000;         // of the topics that are looked at; whole topics are left out
  std::size_t max_groups = 10'000;              // groups beyond are left out
  std::size_t max_response = 64 * 1024 * 1024;  // bytes of one reply of a broker
};

/// What the options lack or contradict, as a sentence; empty if they are good. (Patterns are for the prober to judge.)
[[nodiscard]] inline std::string kafka_problem(const KafkaOptions& options) {
  const bool named = !options.sasl.username.empty();
  if (options.name.empty()) return "a cluster needs a name";
  if (options.brokers.empty()) return "a cluster needs at least one broker";
  if (options.max_response < 1024 * 1024) return "a reply must be allowed 1 MiB at least";
  if (!options.tls.server_name.empty()) {
    return "server_name is not for Kafka: each broker is checked by the name that it is reached by";
  }
  if (!uses_sasl(options.security)) return named ? "sasl needs security: sasl_ssl or sasl_plaintext" : "";
  if (!named || options.sasl.password.empty()) return "sasl needs a user name and a password";
  const bool plain = options.sasl.mechanism == KafkaMechanism::plain;
  if (plain && options.security == KafkaSecurity::sasl_plaintext && !options.allow_plaintext_password) {
    return "sasl_plaintext with PLAIN sends the password in the open: use sasl_ssl or SCRAM, or say "
           "allow_plaintext_password: true";
  }
  return {};
}

/// Throws std::invalid_argument where `kafka_problem` has something to say, or a pattern is none.
///
/// A probe reads the metadata, the groups and their commits, and then where the partitions end. What one broker does
/// not answer is left out and the rest is given; the cluster is down when no broker answers for its metadata. The
/// client is kept while all is well, and watches its connections; after a failure the next probe starts anew.
[[nodiscard]] std::unique_ptr<Prober> make_kafka_prober(net::Connector& connector, net::Executor executor,
                                                        Identity identity, KafkaOptions options);
[[nodiscard]] std::span<const core::MetricMeta> kafka_metadata();

}  // namespace tocsin::probes
