// Turns what a ping saw into rows.
#pragma once

#include <array>
#include <chrono>
#include <optional>

#include "src/blackbox_series.hpp"

namespace tocsin::probes::icmp {

enum PhaseNumber : std::size_t { phase_resolve, phase_setup, phase_rtt, phase_count };

/// All that one probe saw.
struct Sight {
  std::optional<core::Failure> failure;
  std::chrono::nanoseconds lookup{0};
  std::optional<net::Endpoint> address;
  std::array<std::chrono::nanoseconds, phase_count> phases{};
  std::optional<int> hop_limit;  // of the reply
};

class Series {
 public:
  explicit Series(const core::Labels& base);
  void append(core::SeriesTable& table, const Sight& sight, const Ending& ending);

 private:
  EndingSeries ending_;
  PhaseSeries phases_;
  KnownSeries hop_limit_;
};

}  // namespace tocsin::probes::icmp
