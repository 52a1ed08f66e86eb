#include "dns/series.hpp"

#include "tocsin/probes/dns.hpp"

namespace tocsin::probes {
namespace dns {
namespace {

constexpr std::string_view phase_words[] = {"resolve", "connect", "request"};

}  // namespace

Series::Series(const core::Labels& base, bool asks_soa)
    : asks_soa_(asks_soa),
      ending_(base),
      phases_(base, "probe_dns_duration_seconds", phase_words),
      tls_(base),
      answers_(base, "probe_dns_answer_rrs"),
      authorities_(base, "probe_dns_authority_rrs"),
      additionals_(base, "probe_dns_additional_rrs"),
      succeeded_(base, "probe_dns_query_succeeded"),
      serial_(base, "probe_dns_serial") {}

void Series::append(core::SeriesTable& table, const Sight& sight, const Ending& ending) {
  ending_.append(table, ending);
  for (std::size_t phase = 0; phase < phase_count; ++phase) phases_.put(table, phase, sight.phases[phase]);
  const Reply none;
  const Reply& reply = sight.reply ? *sight.reply : none;
  answers_.put(table, static_cast<double>(reply.answers));
  authorities_.put(table, static_cast<double>(reply.authorities));
  additionals_.put(table, static_cast<double>(reply.additionals));
  succeeded_.put(table, sight.reply ? 1 : 0);
  // Without a SOA record in the answer it is 0, as blackbox_exporter has it.
  if (asks_soa_ && sight.reply) serial_.put(table, reply.serial.value_or(0));
  if (sight.tls) tls_.append(table, *sight.tls);
}

}  // namespace dns

namespace {

constexpr auto gauge = core::MetricType::gauge;
constexpr std::array own{
    core::MetricMeta{"probe_dns_duration_seconds", gauge, "Duration of the DNS request by phase."},
    core::MetricMeta{"probe_dns_answer_rrs", gauge, "Number of records in the answer section."},
    core::MetricMeta{"probe_dns_authority_rrs", gauge, "Number of records in the authority section."},
    core::MetricMeta{"probe_dns_additional_rrs", gauge, "Number of records in the additional section."},
    core::MetricMeta{"probe_dns_query_succeeded", gauge, "Whether the name server answered, whatever it said."},
    core::MetricMeta{"probe_dns_serial", gauge, "The serial number of the zone."}};
constexpr auto metadata = joined(joined(ending_metadata, own), tls_metadata);

}  // namespace

std::span<const core::MetricMeta> dns_metadata() { return metadata; }

}  // namespace tocsin::probes
