// What the probes under blackbox_exporter's names have in common.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::probes {

/// A series that remembers its slot, so that a steady probe looks no labels up. Its slot goes to others when it is gone
/// for long; for what stays as long as the prober, a core::Pin is less.
class KnownSeries {
 public:
  KnownSeries() = default;
  explicit KnownSeries(core::Labels labels) : labels_(std::move(labels)) {}
  KnownSeries(const core::Labels& base, std::string_view name);
  void put(core::SeriesTable& table, double value);

 private:
  core::Labels labels_;
  std::optional<core::Slot> slot_;
  std::uint32_t serial_ = 0;
};

[[nodiscard]] core::Labels named(const core::Labels& base, std::string_view name);
[[nodiscard]] inline double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}
/// FNV-1a, 32 bits, over an address's bytes (4 or 16).
[[nodiscard]] std::uint32_t address_hash(const net::Endpoint& address);

/// What a probe of any of these kinds knows in the end.
struct Ending {
  bool good = false;
  std::chrono::nanoseconds took{0};
  std::chrono::nanoseconds timeout{0};
  std::chrono::nanoseconds lookup{0};    // of the target's name
  std::optional<net::Endpoint> address;  // that was asked; none if there was no look-up, or nothing was found
};

/// probe_success, _duration_seconds, _timeout_seconds, _dns_lookup_time_seconds, _ip_protocol, _ip_addr_hash.
class EndingSeries {
 public:
  explicit EndingSeries(core::Labels base) : base_(std::move(base)) {}
  void append(core::SeriesTable& table, const Ending& ending);

 private:
  core::Labels base_;
  std::array<core::Pin, 6> pins_;
};

/// One metric with a series a phase, eight at most. The texts must outlive it.
class PhaseSeries {
 public:
  PhaseSeries(core::Labels base, std::string_view name, std::span<const std::string_view> phases)
      : base_(std::move(base)), name_(name), phases_(phases) {}
  void put(core::SeriesTable& table, std::size_t phase, std::chrono::nanoseconds took);

 private:
  core::Labels base_;
  std::string_view name_;
  std::span<const std::string_view> phases_;
  std::array<core::Pin, 8> pins_;
};

/// What a peer showed in the TLS handshake: probe_ssl_* and probe_tls_*.
class TlsSeries {
 public:
  explicit TlsSeries(const core::Labels& base);
  void append(core::SeriesTable& table, const net::TlsInfo& info);

 private:
  /// The series whose labels repeat what the peer showed; made anew when that changed.
  void refresh(const net::TlsInfo& info);

  core::Labels base_;
  KnownSeries earliest_expiry_, chain_expiry_;
  net::TlsInfo shown_;  // what the three below were made of
  KnownSeries chain_info_, version_, cipher_;
};

/// TYPE and HELP of the above.
inline constexpr std::array ending_metadata{
    core::MetricMeta{"probe_success", core::MetricType::gauge, "Whether the probe succeeded."},
    core::MetricMeta{"probe_duration_seconds", core::MetricType::gauge, "How long the probe took."},
    core::MetricMeta{"probe_timeout_seconds", core::MetricType::gauge, "How long the probe was allowed to take."},
    core::MetricMeta{"probe_dns_lookup_time_seconds", core::MetricType::gauge,
                     "How long the look-up of the target's name took."},
    core::MetricMeta{"probe_ip_protocol", core::MetricType::gauge, "Version of IP the target was asked over: 4 or 6."},
    core::MetricMeta{"probe_ip_addr_hash", core::MetricType::gauge,
                     "Hash of the target's IP address, to notice that it changed."}};
inline constexpr std::array tls_metadata{
    core::MetricMeta{"probe_ssl_earliest_cert_expiry", core::MetricType::gauge,
                     "When the first of the shown certificates expires, as Unix time."},
    core::MetricMeta{"probe_ssl_last_chain_expiry_timestamp_seconds", core::MetricType::gauge,
                     "When the verified chain expires, as Unix time."},
    core::MetricMeta{"probe_ssl_last_chain_info", core::MetricType::gauge, "The certificate the peer showed."},
    core::MetricMeta{"probe_tls_version_info", core::MetricType::gauge, "The version of TLS."},
    core::MetricMeta{"probe_tls_cipher_info", core::MetricType::gauge, "The TLS cipher."}};

/// Two tables as one.
template <std::size_t N, std::size_t M>
[[nodiscard]] constexpr std::array<core::MetricMeta, N + M> joined(const std::array<core::MetricMeta, N>& first,
                                                                   const std::array<core::MetricMeta, M>& second) {
  std::array<core::MetricMeta, N + M> all{};
  for (std::size_t i = 0; i < N; ++i) all[i] = first[i];
  for (std::size_t i = 0; i < M; ++i) all[N + i] = second[i];
  return all;
}

}  // namespace tocsin::probes
