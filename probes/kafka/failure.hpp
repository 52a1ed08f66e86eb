// librdkafka's errors in our words.
#pragma once

#include <librdkafka/rdkafka.h>

#include <string>
#include <string_view>

#include "kafka/snapshot.hpp"
#include "tocsin/core/result.hpp"

namespace tocsin::probes::kafka {

/// What the client reports of its own accord: a connection that failed or was lost.
struct Trouble {
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::string text;  // "sasl_ssl://b1:9092/1: Connect to ... failed: ..."
};

[[nodiscard]] PartError part_error(rd_kafka_resp_err_t code);

/// The class of an error, and the phase where the error itself says it; else `phase`.
[[nodiscard]] core::Failure failure_of(rd_kafka_resp_err_t code, core::Phase phase, std::string text);
[[nodiscard]] core::Failure failure_of(const Trouble& trouble);

/// Of two failures of one attempt, whether the first says more about the cause: a refused password more than a closed
/// connection, and that more than "all brokers are down".
[[nodiscard]] bool says_more(const core::Failure& one, const core::Failure& other);

/// The broker that a trouble is about ("host:port/id", "host:port/bootstrap"); empty where it is about none.
[[nodiscard]] std::string_view broker_of(const Trouble& trouble);

}  // namespace tocsin::probes::kafka
