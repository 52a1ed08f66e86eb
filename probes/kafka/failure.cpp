#include "kafka/failure.hpp"

#include <utility>

namespace tocsin::probes::kafka {

using core::Outcome;
using core::Phase;

namespace {

/// Why a connection failed or ended: librdkafka has one code for all of it, and says more in its text only.
core::Failure lost_connection(Phase phase, std::string text) {
  const auto has = [&text](std::string_view words) { return text.find(words) != std::string::npos; };
  if (has("SSL routines")) return {Outcome::tls, Phase::tls, std::move(text)};  // as an alert after the handshake is
  if (has("ApiVersion")) {
    // The first request. Who closes at it speaks TLS, or not Kafka at all.
    return {Outcome::protocol, Phase::query, std::move(text)};
  }
  if (has("timed out")) return {Outcome::timeout, phase, std::move(text)};
  if (has("Connect to") || has("Connection refused")) return {Outcome::connect, Phase::connect, std::move(text)};
  if (has("Receive failed: Invalid") || has("Invalid response size")) {
    return {Outcome::protocol, Phase::parse, std::move(text)};
  }
  return {Outcome::closed, phase, std::move(text)};
}

unsigned weight(const core::Failure& failure) {
  switch (failure.outcome) {
    case Outcome::auth:
      return 5;
    case Outcome::tls:
      return 4;
    case Outcome::protocol:
      return 3;
    case Outcome::resolve:
      return 2;
    case Outcome::closed:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

PartError part_error(rd_kafka_resp_err_t code) {
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return {code, rd_kafka_err2name(code)};
}

core::Failure failure_of(rd_kafka_resp_err_t code, Phase phase, std::string text) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
      return {Outcome::auth, Phase::auth, std::move(text)};
    case RD_KAFKA_RESP_ERR__SSL:
      return {Outcome::tls, Phase::tls, std::move(text)};
    case RD_KAFKA_RESP_ERR__RESOLVE:
      return {Outcome::resolve, Phase::resolve, std::move(text)};
    case RD_KAFKA_RESP_ERR__TRANSPORT:
      return lost_connection(phase, std::move(text));
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
      return {Outcome::connect, Phase::connect, std::move(text)};
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
      return {Outcome::timeout, phase, std::move(text)};
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return {Outcome::refused_command, phase, std::move(text)};
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED:
      return {Outcome::throttled, phase, std::move(text)};
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__UNDERFLOW:
      return {Outcome::protocol, Phase::parse, std::move(text)};
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
      return {Outcome::protocol, phase, std::move(text)};
    case RD_KAFKA_RESP_ERR__DESTROY:
      return {Outcome::cancelled, phase, std::move(text)};
    default:
      return {Outcome::unexpected, phase, std::move(text)};
  }
}

core::Failure failure_of(const Trouble& trouble) { return failure_of(trouble.code, Phase::connect, trouble.text); }

bool says_more(const core::Failure& one, const core::Failure& other) { return weight(one) > weight(other); }

std::string_view broker_of(const Trouble& trouble) {
  std::string_view text = trouble.text;
  const std::size_t scheme = text.find("://");
  const std::size_t end = text.find(": ");
  if (end == std::string_view::npos) return {};
  if (scheme != std::string_view::npos && scheme < end) {
    return text.substr(scheme + 3, end - scheme - 3);
  }
  text = text.substr(0, end);
  return text.find('/') == std::string_view::npos ? std::string_view() : text;
}

}  // namespace tocsin::probes::kafka
