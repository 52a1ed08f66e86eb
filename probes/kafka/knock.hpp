// Before a client is made, and when one may have lost its cluster: does any broker answer the door? A plain connection
// (with the TLS handshake where it is due) says at once and in our own words what librdkafka would retry in silence.
#pragma once

#include <cstddef>
#include <vector>

#include "tocsin/net/stream.hpp"
#include "tocsin/probes/kafka.hpp"

namespace tocsin::probes::kafka {

/// Good as soon as one broker takes a connection; otherwise the failure that says the most. `first` is the broker that
/// is tried first, and becomes the one that answered. Each gets a fair part of the time.
[[nodiscard]] net::Task<core::Result<void>> knock(net::Connector& connector, const KafkaOptions& options,
                                                  std::size_t& first, core::Deadline deadline);

}  // namespace tocsin::probes::kafka
