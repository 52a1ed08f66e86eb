#include "tcp/series.hpp"

#include "src/label_text.hpp"
#include "tocsin/probes/tcp.hpp"

namespace tocsin::probes {
namespace tcp {
namespace {

constexpr std::string_view phase_words[] = {"resolve", "connect", "tls", "dialog"};
constexpr std::string_view info_name = "probe_expect_info";

}  // namespace

Series::Series(const core::Labels& base, bool unix_socket)
    : base_(base),
      unix_socket_(unix_socket),
      ending_(base),
      phases_(base, "tocsin_tcp_duration_seconds", phase_words),
      tls_(base),
      failed_by_regex_(base, "probe_failed_due_to_regex"),
      failed_by_bytes_(base, "probe_failed_due_to_bytes") {}

void Series::append(core::SeriesTable& table, const Sight& sight, const Ending& ending) {
  ending_.append(table, ending);
  failed_by_regex_.put(table, sight.failed_by_regex ? 1 : 0);
  failed_by_bytes_.put(table, sight.failed_by_bytes ? 1 : 0);
  if (!unix_socket_) phases_.put(table, phase_resolve, sight.phases[phase_resolve]);
  for (std::size_t phase = phase_connect; phase < phase_count; ++phase) phases_.put(table, phase, sight.phases[phase]);
  if (sight.tls) tls_.append(table, *sight.tls);
  if (!sight.matched_info) return;
  core::Labels labels = named(base_, info_name);
  for (const core::Label& label : sight.expect_info) labels.set(label.name, label_text(label.value));
  static_cast<void>(table.add(labels, 1));
}

}  // namespace tcp

namespace {

constexpr auto gauge = core::MetricType::gauge;
constexpr std::array own{
    core::MetricMeta{"probe_failed_due_to_regex", gauge, "Whether the probe failed because of a regular expression."},
    core::MetricMeta{"probe_failed_due_to_bytes", gauge,
                     "Whether the probe failed because other bytes came than were expected."},
    core::MetricMeta{"probe_expect_info", gauge, "What the peer said, as labels."},
    core::MetricMeta{"tocsin_tcp_duration_seconds", gauge, "Duration of a TCP probe by phase."}};
constexpr auto metadata = joined(joined(ending_metadata, own), tls_metadata);

}  // namespace

std::span<const core::MetricMeta> tcp_metadata() { return metadata; }

}  // namespace tocsin::probes
