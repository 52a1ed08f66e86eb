// Turns what a gRPC probe saw into rows under blackbox_exporter's names.
#pragma once

#include <array>
#include <chrono>
#include <optional>

#include "grpc/health.hpp"
#include "src/blackbox_series.hpp"

namespace tocsin::probes::grpc {

struct Sight {
  Ending ending;
  std::chrono::nanoseconds check{0};  // all after the look-up
  bool called = false;                // there was an address to call
  bool tls_used = false;              // the handshake was good
  std::optional<net::TlsInfo> tls;    // also of one that failed
  Answer answer;
};

class GrpcSeries {
 public:
  explicit GrpcSeries(const core::Labels& base);
  void append(core::SeriesTable& table, const Sight& sight);

 private:
  EndingSeries ending_;
  PhaseSeries phases_;
  KnownSeries ssl_, code_;
  std::array<KnownSeries, std::size(serving_words)> serving_;
  TlsSeries tls_;
};

}  // namespace tocsin::probes::grpc
