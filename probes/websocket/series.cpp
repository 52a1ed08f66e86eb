#include "websocket/series.hpp"

#include "tocsin/probes/websocket.hpp"

namespace tocsin::probes {
namespace websocket {
namespace {

constexpr std::string_view phase_words[] = {"resolve", "connect", "tls", "processing", "transfer"};

}  // namespace

Series::Series(const core::Labels& base, bool secure)
    : secure_(secure),
      ending_(base),
      phases_(base, "probe_websocket_duration_seconds", phase_words),
      tls_(base),
      status_(base, "probe_websocket_status_code"),
      upgraded_(base, "probe_websocket_connection_upgraded"),
      failed_by_regex_(base, "probe_websocket_failed_due_to_regex") {}

void Series::append(core::SeriesTable& table, const Sight& sight, const Ending& ending) {
  ending_.append(table, ending);
  for (std::size_t phase = 0; phase < phase_count; ++phase) {
    if (phase != phase_tls || secure_) phases_.put(table, phase, sight.phases[phase]);
  }
  status_.put(table, sight.status);
  upgraded_.put(table, sight.upgraded ? 1 : 0);
  failed_by_regex_.put(table, sight.failed_by_regex ? 1 : 0);
  if (sight.tls) tls_.append(table, *sight.tls);
}

}  // namespace websocket

namespace {

constexpr auto gauge = core::MetricType::gauge;
constexpr std::array own{
    core::MetricMeta{"probe_websocket_duration_seconds", gauge, "Duration of the WebSocket probe by phase."},
    core::MetricMeta{"probe_websocket_status_code", gauge, "HTTP status that answered the upgrade, 0 if none did."},
    core::MetricMeta{"probe_websocket_connection_upgraded", gauge, "Whether the connection was upgraded."},
    core::MetricMeta{"probe_websocket_failed_due_to_regex", gauge,
                     "Whether the probe failed because of a regular expression."}};
constexpr auto metadata = joined(joined(ending_metadata, own), tls_metadata);

}  // namespace

std::span<const core::MetricMeta> websocket_metadata() { return metadata; }

}  // namespace tocsin::probes
