#include "icmp/series.hpp"

#include "tocsin/probes/icmp.hpp"

namespace tocsin::probes {
namespace icmp {
namespace {

constexpr std::string_view phase_words[] = {"resolve", "setup", "rtt"};

}  // namespace

Series::Series(const core::Labels& base)
    : ending_(base),
      phases_(base, "probe_icmp_duration_seconds", phase_words),
      hop_limit_(base, "probe_icmp_reply_hop_limit") {}

void Series::append(core::SeriesTable& table, const Sight& sight, const Ending& ending) {
  ending_.append(table, ending);
  for (std::size_t phase = 0; phase < phase_count; ++phase) phases_.put(table, phase, sight.phases[phase]);
  if (sight.hop_limit) hop_limit_.put(table, *sight.hop_limit);
}

}  // namespace icmp

namespace {

constexpr auto gauge = core::MetricType::gauge;
constexpr std::array own{
    core::MetricMeta{"probe_icmp_duration_seconds", gauge, "Duration of the ping by phase."},
    core::MetricMeta{"probe_icmp_reply_hop_limit", gauge, "Hop limit of the reply (IPv4: its TTL)."}};
constexpr auto metadata = joined(ending_metadata, own);

}  // namespace

std::span<const core::MetricMeta> icmp_metadata() { return metadata; }

}  // namespace tocsin::probes
