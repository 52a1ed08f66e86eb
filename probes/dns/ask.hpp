// One query and its answer, over whatever carries it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tocsin/core/result.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::probes::dns {

/// The answer's bytes; datagrams that do not answer the query are passed over. `connected` gets the time when the
/// socket was there; it must outlive the call, as the query must.
[[nodiscard]] net::Task<core::Result<std::string>> ask_udp(net::Executor executor, net::Endpoint to,
                                                           std::optional<net::Endpoint> source,
                                                           const std::string& query, core::Deadline deadline,
                                                           core::Deadline* connected);
/// Over a stream whose deadline is set.
[[nodiscard]] net::Task<core::Result<std::string>> ask_stream(net::Stream& stream, const std::string& query);

}  // namespace tocsin::probes::dns
