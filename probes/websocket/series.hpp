// Turns what a WebSocket probe saw into rows.
#pragma once

#include <array>
#include <chrono>
#include <optional>

#include "src/blackbox_series.hpp"

namespace tocsin::probes::websocket {

enum PhaseNumber : std::size_t {
  phase_resolve,
  phase_connect,
  phase_tls,
  phase_processing,
  phase_transfer,
  phase_count
};

/// All that one probe saw.
struct Sight {
  std::optional<core::Failure> failure;
  std::chrono::nanoseconds lookup{0};
  std::optional<net::Endpoint> address;
  std::array<std::chrono::nanoseconds, phase_count> phases{};
  std::optional<net::TlsInfo> tls;  // also of a handshake that failed
  unsigned status = 0;
  bool upgraded = false;
  bool failed_by_regex = false;
};

class Series {
 public:
  Series(const core::Labels& base, bool secure);
  void append(core::SeriesTable& table, const Sight& sight, const Ending& ending);

 private:
  bool secure_;
  EndingSeries ending_;
  PhaseSeries phases_;
  TlsSeries tls_;
  KnownSeries status_, upgraded_, failed_by_regex_;
};

}  // namespace tocsin::probes::websocket
