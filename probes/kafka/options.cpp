// What the options of a Kafka probe must have.
#include <utility>

#include "kafka/pattern.hpp"
#include "tocsin/probes/kafka.hpp"

namespace tocsin::probes {
namespace {

core::Failure wrong(std::string detail) { return {core::Outcome::internal, core::Phase::none, std::move(detail)}; }

core::Result<void> check_sasl(const KafkaOptions& options) {
  if (!uses_sasl(options.security)) {
    if (!options.sasl.username.empty()) return wrong("sasl needs security: sasl_ssl or sasl_plaintext");
    return {};
  }
  if (options.sasl.username.empty() || options.sasl.password.empty())
    return wrong("sasl needs a user name and a password");
  const bool open =
      options.security == KafkaSecurity::sasl_plaintext && options.sasl.mechanism == KafkaMechanism::plain;
  if (open && !options.allow_plaintext_password) {
    return wrong(
        "sasl_plaintext with PLAIN sends the password in the open: use sasl_ssl or SCRAM, or allow it by name");
  }
  return {};
}

}  // namespace

core::Result<void> check_kafka(const KafkaOptions& options) {
  if (options.name.empty()) return wrong("a cluster needs a name");
  if (options.brokers.empty()) return wrong("a cluster needs at least one broker");
  if (options.max_response < 1024 * 1024) return wrong("a reply must be allowed 1 MiB at least");
  if (!options.tls.server_name.empty()) {
    return wrong("tls.server_name is not for Kafka: each broker is checked by the name that it is reached by");
  }
  if (auto sasl = check_sasl(options); !sasl) return sasl;
  for (const auto* const list : {&options.topics, &options.consumer_groups}) {
    if (const auto patterns = kafka::NamePatterns::parse(*list); !patterns) return patterns.error();
  }
  return {};
}

}  // namespace tocsin::probes
