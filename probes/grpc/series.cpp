#include "grpc/series.hpp"

#include "tocsin/probes/grpc.hpp"

namespace tocsin::probes {
namespace {

constexpr std::string_view phases[] = {"resolve", "check"};
constexpr std::string_view duration = "probe_grpc_duration_seconds";
constexpr std::string_view ssl = "probe_grpc_ssl";
constexpr std::string_view code = "probe_grpc_status_code";
constexpr std::string_view response = "probe_grpc_healthcheck_response";

constexpr auto gauge = core::MetricType::gauge;
constexpr std::array own = {
    core::MetricMeta{duration, gauge, "Duration of the gRPC health check by phase."},
    core::MetricMeta{ssl, gauge, "Whether the health check went over TLS."},
    core::MetricMeta{code, gauge, "The gRPC status code of the health check."},
    core::MetricMeta{response, gauge, "The serving status that the health check gave: 1 for that one."},
};
constexpr auto metadata = joined(joined(ending_metadata, own), tls_metadata);

}  // namespace

std::span<const core::MetricMeta> grpc_metadata() { return metadata; }

namespace grpc {

GrpcSeries::GrpcSeries(const core::Labels& base)
    : ending_(base), phases_(base, duration, phases), ssl_(base, ssl), code_(base, code), tls_(base) {
  for (std::size_t i = 0; i < serving_.size(); ++i) {
    core::Labels labels = named(base, response);
    labels.set("serving_status", serving_words[i]);
    serving_[i] = KnownSeries(std::move(labels));
  }
}

void GrpcSeries::append(core::SeriesTable& table, const Sight& sight) {
  ending_.append(table, sight.ending);
  phases_.put(table, 0, sight.ending.lookup);
  ssl_.put(table, sight.tls_used ? 1 : 0);
  code_.put(table, sight.answer.code);
  if (sight.called) {
    phases_.put(table, 1, sight.check);
    for (std::size_t i = 0; i < serving_.size(); ++i) {
      serving_[i].put(table, sight.answer.serving && static_cast<std::size_t>(*sight.answer.serving) == i ? 1 : 0);
    }
  }
  if (sight.tls) tls_.append(table, *sight.tls);
}

}  // namespace grpc
}  // namespace tocsin::probes
