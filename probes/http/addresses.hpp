// Rows for each address of a target whose addresses are all asked.
#pragma once

#include <map>
#include <string>

#include "http/judge.hpp"
#include "http/sight.hpp"
#include "src/blackbox_series.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"

namespace tocsin::probes::http {

inline constexpr std::size_t most_addresses = 32;
inline constexpr std::size_t series_an_address = 4;

class AddressSeries {
 public:
  explicit AddressSeries(const core::Labels& base) : base_(base), count_(base, "tocsin_probe_addresses") {}
  /// How many addresses were asked.
  void count(core::SeriesTable& table, std::size_t addresses);
  void append(core::SeriesTable& table, const Sight& sight, const Verdict& verdict);

 private:
  struct One {
    KnownSeries success, duration, status, expiry;
  };
  core::Labels base_;
  KnownSeries count_;
  std::map<std::string, One> known_;  // by address; begun anew when there are too many
};

/// Without the port.
[[nodiscard]] std::string address_text(const net::Endpoint& address);

}  // namespace tocsin::probes::http
