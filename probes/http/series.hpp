// Turns what a probe saw into rows under blackbox_exporter's names.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/judge.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"

namespace tocsin::probes::http {

/// A series that remembers its slot, so that a steady probe looks no labels up.
class KnownSeries {
 public:
  KnownSeries() = default;
  explicit KnownSeries(core::Labels labels) : labels_(std::move(labels)) {}
  void put(core::SeriesTable& table, double value);

 private:
  core::Labels labels_;
  std::optional<core::Slot> slot_;
  std::uint32_t serial_ = 0;
};

class HttpSeries {
 public:
  explicit HttpSeries(const core::Labels& base);
  /// Adds a row for each series of this sight.
  void append(core::SeriesTable& table, const Sight& sight, const Verdict& verdict, std::chrono::nanoseconds timeout);

 private:
  enum Fixed : std::size_t {
    success,
    duration,
    timeout_seconds,
    lookup,
    ip_protocol,
    ip_hash,
    content_length,
    body_length,
    redirects,
    ssl,
    status,
    version,
    failed_by_regex,
    last_modified,
    earliest_expiry,
    chain_expiry,
    phase_resolve,
    phase_connect,
    phase_tls,
    phase_processing,
    phase_transfer,
    fixed_count,
  };
  void append_response(core::SeriesTable& table, const Sight& sight);
  void append_tls(core::SeriesTable& table, const Sight& sight);
  /// The series whose labels repeat what the peer showed; made anew when that changed.
  void refresh_tls(const net::TlsInfo& info);

  core::Labels base_;
  std::array<KnownSeries, fixed_count> fixed_;
  net::TlsInfo shown_;  // what the three below were made of
  KnownSeries chain_info_, tls_version_, tls_cipher_;
};

/// FNV-1a, 32 bits, over an address's bytes (4 or 16).
[[nodiscard]] std::uint32_t address_hash(const net::Endpoint& address);
/// Go's view of a response's length: as declared, 0 where a status has no body, else -1.
[[nodiscard]] double content_length(const net::HttpResponse& response);

}  // namespace tocsin::probes::http
