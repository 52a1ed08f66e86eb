// Turns what a DNS probe saw into rows.
#pragma once

#include <array>
#include <chrono>
#include <optional>

#include "dns/message.hpp"
#include "src/blackbox_series.hpp"

namespace tocsin::probes::dns {

enum PhaseNumber : std::size_t { phase_resolve, phase_connect, phase_request, phase_count };

/// All that one probe saw.
struct Sight {
  std::optional<core::Failure> failure;
  std::chrono::nanoseconds lookup{0};
  std::optional<net::Endpoint> address;
  std::array<std::chrono::nanoseconds, phase_count> phases{};
  std::optional<net::TlsInfo> tls;
  std::optional<Reply> reply;
};

class Series {
 public:
  Series(const core::Labels& base, bool asks_soa);
  void append(core::SeriesTable& table, const Sight& sight, const Ending& ending);

 private:
  bool asks_soa_;
  EndingSeries ending_;
  PhaseSeries phases_;
  TlsSeries tls_;
  KnownSeries answers_, authorities_, additionals_, succeeded_, serial_;
};

}  // namespace tocsin::probes::dns
