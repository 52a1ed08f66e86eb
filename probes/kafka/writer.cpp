#include "kafka/writer.hpp"

#include <string>
#include <utility>

namespace tocsin::probes::kafka {
namespace {

bool wanted(Metric metric, const SeriesOptions& options) {
  switch (metric) {
    case Metric::group_lag_seconds:
    case Metric::group_max_lag_seconds:
    case Metric::group_lag_methods:
      return options.lag_seconds;
    case Metric::grafana_lag_millis:
    case Metric::grafana_interpolation:
    case Metric::grafana_extrapolation:
      return options.lag_seconds && options.naming.grafana;
    case Metric::seglo_lag_seconds:
    case Metric::seglo_max_lag_seconds:
      return options.lag_seconds && options.naming.kafka_lag_exporter;
    default:
      break;
  }
  if (metric < Metric::up) return options.naming.kafka_exporter;
  if (metric < Metric::grafana_uncommitted) return true;
  if (metric < Metric::seglo_latest) return options.naming.grafana;
  if (metric < Metric::jirwin_lag) return options.naming.kafka_lag_exporter;
  if (metric < Metric::burrow_lag_total) return options.naming.burrow_exporter;
  return options.naming.burrow;
}

}  // namespace

Writer::Writer(core::Labels base, const SeriesOptions& options)
    : base_(std::move(base)), cluster_(options.cluster), max_series_(options.max_series) {
  for (std::size_t i = 0; i < metric_count; ++i) wanted_[i] = wanted(static_cast<Metric>(i), options);
}

std::vector<core::Label> Writer::named(Metric metric) const {
  std::vector<core::Label> labels;
  labels.reserve(base_.size() + 8);
  labels.assign(base_.begin(), base_.end());
  labels.push_back({std::string(core::metric_name_label), std::string(meta(metric).name)});
  return labels;
}

// A label of the configuration does not give way to one of the cluster; Prometheus renames the latter in the same way.
void Writer::add(std::vector<core::Label>& labels, std::string_view name, std::string_view value) const {
  if (value.empty()) return;
  labels.push_back({base_.has(name) ? "exported_" + std::string(name) : std::string(name), label_text(value)});
}

core::Labels Writer::labels(Metric metric, const Where& where) const {
  std::vector<core::Label> labels = named(metric);
  const Words said = words(metric);
  if (!said.cluster.empty()) add(labels, said.cluster, cluster_);
  add(labels, said.group, where.group);
  add(labels, "topic", where.topic);
  if (where.partition >= 0) add(labels, "partition", std::to_string(where.partition));
  if (where.owner != nullptr) {
    add(labels, "member_host", where.owner->host);
    add(labels, "consumer_id", where.owner->id);
    add(labels, "client_id", where.owner->client_id);
  }
  add(labels, where.key, where.value);
  return core::Labels(std::move(labels));
}

void Writer::put_broker(core::SeriesTable& table, KnownSeries& known, const Broker& broker) {
  if (!wants(Metric::broker_info)) return;
  const auto make_labels = [&] {
    std::vector<core::Label> labels = named(Metric::broker_info);
    const bool v6 = broker.host.find(':') != std::string::npos;
    add(labels, "id", std::to_string(broker.id));
    add(labels, "address", (v6 ? "[" + broker.host + "]" : broker.host) + ":" + std::to_string(broker.port));
    return core::Labels(std::move(labels));
  };
  count(left_ > 0 && known.add(table, 1, make_labels));
}

}  // namespace tocsin::probes::kafka
