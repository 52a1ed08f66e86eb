// Turns what a probe saw into rows under blackbox_exporter's names.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/judge.hpp"
#include "src/blackbox_series.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"

namespace tocsin::probes::http {

class HttpSeries {
 public:
  explicit HttpSeries(const core::Labels& base);
  /// Adds a row for each series of this sight.
  void append(core::SeriesTable& table, const Sight& sight, const Verdict& verdict, std::chrono::nanoseconds timeout);
  /// So many bytes at the beginning are used each time, about.
  static constexpr std::size_t always_used = 256;

 private:
  enum Fixed : std::size_t {
    content_length,
    body_length,
    redirects,
    ssl,
    status,
    version,
    failed_by_regex,
    last_modified,
    fixed_count,
  };
  void append_response(core::SeriesTable& table, const Sight& sight);
  void put(core::SeriesTable& table, Fixed which, double value);

  EndingSeries ending_;
  PhaseSeries phases_;
  std::array<core::Pin, fixed_count> pins_;
  core::Labels base_;
  TlsSeries tls_;
};

/// Go's view of a response's length: as declared, 0 where a status has no body, else -1.
[[nodiscard]] double content_length(const net::HttpResponse& response);

}  // namespace tocsin::probes::http
