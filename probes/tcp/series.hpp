// Turns what a TCP probe saw into rows.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <vector>

#include "src/blackbox_series.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"

namespace tocsin::probes::tcp {

enum PhaseNumber : std::size_t { phase_resolve, phase_connect, phase_tls, phase_dialog, phase_count };

/// All that one probe saw.
struct Sight {
  std::optional<core::Failure> failure;
  std::chrono::nanoseconds lookup{0};
  std::optional<net::Endpoint> address;
  std::array<std::chrono::nanoseconds, phase_count> phases{};
  std::optional<net::TlsInfo> tls;  // also of a handshake that failed
  bool failed_by_regex = false;
  bool failed_by_bytes = false;
  std::vector<core::Label> expect_info;  // labels that the peer's words gave
  bool matched_info = false;
};

class Series {
 public:
  Series(const core::Labels& base, bool unix_socket);
  void append(core::SeriesTable& table, const Sight& sight, const Ending& ending);

 private:
  core::Labels base_;
  bool unix_socket_;
  EndingSeries ending_;
  PhaseSeries phases_;
  TlsSeries tls_;
  KnownSeries failed_by_regex_, failed_by_bytes_;
};

}  // namespace tocsin::probes::tcp
