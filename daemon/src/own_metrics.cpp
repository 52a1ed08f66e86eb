#include "src/own_metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>

namespace tocsin::daemon {
namespace {

using Tags = std::map<std::string, std::string>;
using Gauges = std::pair<prometheus::Family<prometheus::Gauge>*, prometheus::Gauge*>;

const prometheus::Histogram::BucketBoundaries latency_buckets{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                              0.25,  0.5,    1,     2.5,  5,     10};

}  // namespace

struct OwnMetrics::Impl {
  explicit Impl(OwnSources s) : sources(std::move(s)) {}

  OwnSources sources;
  std::mutex mutex;  // one collection at a time: the sources are copied into the families first
  prometheus::Registry registry;
  std::map<Tags, prometheus::Gauge*> alerts;  // what tocsin_alerts has
  ActionMetrics actions;
  std::map<std::string, std::map<Tags, prometheus::Gauge*>> action_gauges;          // what families of actions have
  std::map<std::string, std::map<std::string, prometheus::Counter*>> action_steps;  // by action and step
  std::map<std::string, std::array<Gauges, 3>> budgets;  // what tocsin_budget_* have, by share

  prometheus::Gauge& gauge(const char* name, const char* help, const Tags& tags = {}) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add(tags);
  }
  prometheus::Counter& counter(const char* name, const char* help, const Tags& tags = {}) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add(tags);
  }
  /// Brings a counter to a total that somebody else keeps.
  void total(const char* name, const char* help, double value, const Tags& tags = {}) {
    prometheus::Counter& c = counter(name, help, tags);
    if (value > c.Value()) c.Increment(value - c.Value());
  }

  /// Gives a family the series that it has now; `given` are those that it had.
  void replace(const GaugeFamily& now, std::map<Tags, prometheus::Gauge*>& given) {
    auto& family = prometheus::BuildGauge().Name(now.name).Help(now.help).Register(registry);
    std::erase_if(given, [&](const auto& series) {
      if (now.values.contains(series.first)) return false;
      family.Remove(series.second);
      return true;
    });
    for (const auto& [tags, value] : now.values) {
      auto& gauge = given[tags];
      if (gauge == nullptr) gauge = &family.Add(tags);
      gauge->Set(value);
    }
  }
  prometheus::Family<prometheus::Counter>& steps() {
    return prometheus::BuildCounter()
        .Name("tocsin_action_steps_total")
        .Help("Steps of actions' lives, by name.")
        .Register(registry);
  }

  void refresh();
  void refresh_budgets();
  void refresh_discovery();
  void refresh_groups();
  void refresh_alerts();
  void refresh_destinations();
  void refresh_actions();
  void refresh_state();
  void refresh_ledger(const state::LedgerStatus& ledger);
};

void OwnMetrics::Impl::refresh() {
  const LaneCounters lane = sources.lane();
  total("tocsin_probes_total", "Probes started.", static_cast<double>(lane.probes));
  total("tocsin_probes_skipped_total", "Probes left out because the one before was still under way.",
        static_cast<double>(lane.skipped));
  total("tocsin_probe_failures_unconfirmed_total", "First failures that a second probe did not confirm.",
        static_cast<double>(lane.held_dropped));
  total("tocsin_sentinel_wakes_total", "Probes started because an idle connection closed.",
        static_cast<double>(lane.sentinel_wakes));
  total("tocsin_probes_waited_total", "Probes that had to wait for room (global.max_probes, max_probes_per_host).",
        static_cast<double>(lane.waited));
  total("tocsin_probes_crowded_out_total", "Probes left out because no room came within an interval.",
        static_cast<double>(lane.crowded_out));
  gauge("tocsin_probes_under_way", "Probes under way.").Set(static_cast<double>(lane.under_way));
  gauge("tocsin_targets", "Targets that are probed.").Set(static_cast<double>(sources.targets()));
  total("blackbox_module_unknown_total", "Requests to /probe for a module that there is not.",
        static_cast<double>(sources.unknown_modules()));
  total("tocsin_probes_withheld_total", "Failures that were not believed, because tocsin itself was cut off.",
        static_cast<double>(lane.withheld));
  const JudgeCounters judge = sources.judge();
  total("tocsin_clock_jumps_total", "Times that the wall clock was set.", static_cast<double>(judge.clock_jumps));
  gauge("tocsin_settling", "1 while no alert ends, because data is not in yet after an interruption.")
      .Set(judge.settling ? 1 : 0);
  total("tocsin_rule_early_runs_total", "Evaluations of rule groups at once, because a target flipped.",
        static_cast<double>(judge.early_runs));
  total("tocsin_store_refused_duplicates_total", "Series refused because another target has one with the same labels.",
        static_cast<double>(judge.refused_duplicates));
  total("tocsin_store_refused_late_total", "Rows refused because they were not newer than the last.",
        static_cast<double>(judge.too_old));
  const store::Stats store = sources.store();
  gauge("tocsin_store_series", "Live series.").Set(static_cast<double>(store.series));
  gauge("tocsin_store_bytes", "Memory taken by samples, labels and index.").Set(static_cast<double>(store.bytes));
  gauge("tocsin_store_disk_bytes", "Samples that are on disk alone.").Set(static_cast<double>(store.bytes_away));
  total("tocsin_store_read_failures_total",
        "Times that samples could not be read back from disk: a query went without them.",
        static_cast<double>(store.read_failures));
  gauge("tocsin_store_limit_hit", "1 while a bound on series or memory is in force.").Set(store.limit_hit ? 1 : 0);
  total("tocsin_store_samples_appended_total", "Samples written.", static_cast<double>(store.samples_appended));
  total("tocsin_store_series_refused_total", "Series refused because of a bound.",
        static_cast<double>(store.series_refused));
  total("tocsin_store_samples_refused_total", "Samples refused because their series was.",
        static_cast<double>(store.samples_refused));
  refresh_budgets();
  refresh_discovery();
  refresh_groups();
  refresh_alerts();
  refresh_destinations();
  refresh_actions();
  refresh_state();
}

void OwnMetrics::Impl::refresh_state() {
  const StateCounts counts = sources.state();
  if (counts.folder_named) {
    gauge("tocsin_state_usable", "1 if what is owed goes to disk; otherwise a crash may lose it.")
        .Set(counts.ledger && counts.ledger->usable ? 1 : 0);
  }
  total("tocsin_state_damaged_total", "Damaged files that were set aside.", static_cast<double>(counts.damaged));
  total("tocsin_state_told_unkept_total", "Alerts that were told before they were on disk: it was slow, or failed.",
        static_cast<double>(counts.told_unkept));
  if (counts.ledger) refresh_ledger(*counts.ledger);
  if (counts.snapshots) {
    const SnapshotStatus& samples = *counts.snapshots;
    total("tocsin_samples_snapshot_failures_total", "Times that samples could not be written to disk.",
          static_cast<double>(samples.failures));
    gauge("tocsin_samples_snapshot_bytes", "Disk taken by samples.").Set(static_cast<double>(samples.on_disk));
    gauge("tocsin_samples_snapshot_duration_seconds", "How long the last write of samples took.")
        .Set(samples.took_seconds);
    if (samples.written) {
      gauge("tocsin_samples_snapshot_age_seconds", "How old the samples on disk are.")
          .Set(core::to_seconds(sources.clock() - *samples.written));
    }
  }
  if (counts.connectivity_checked) {
    gauge("tocsin_connectivity", "0 while tocsin itself is cut off from its network or name service.")
        .Set(counts.connected ? 1 : 0);
  }
  if (counts.fallback) {
    const Tags tags{{"receiver", counts.fallback->url}};
    gauge("tocsin_fallback_active", "1 while the fallback is told, because no Alertmanager takes alerts.", tags)
        .Set(counts.fallback->active ? 1 : 0);
    total("tocsin_fallback_sent_total", "Alerts that the fallback took.", static_cast<double>(counts.fallback->sent),
          tags);
    total("tocsin_fallback_errors_total", "Requests to the fallback that failed.",
          static_cast<double>(counts.fallback->errors), tags);
  }
  if (counts.heartbeat) {
    const Tags tags{{"receiver", counts.heartbeat->url}};
    total("tocsin_heartbeat_sent_total", "Heartbeats that were taken.", static_cast<double>(counts.heartbeat->sent),
          tags);
    total("tocsin_heartbeat_errors_total", "Heartbeats that failed.", static_cast<double>(counts.heartbeat->errors),
          tags);
  }
}

void OwnMetrics::Impl::refresh_ledger(const state::LedgerStatus& ledger) {
  total("tocsin_state_errors_total", "Writes to the data folder that failed.", static_cast<double>(ledger.errors));
  total("tocsin_state_refused_total", "Writes for which there was no room in the queue.",
        static_cast<double>(ledger.refused));
  total("tocsin_state_commits_total", "Transactions.", static_cast<double>(ledger.commits));
  gauge("tocsin_state_queue_length", "Writes that wait for the disk.").Set(static_cast<double>(ledger.queued));
}

void OwnMetrics::Impl::refresh_budgets() {
  constexpr std::pair<const char*, const char*> names[] = {
      {"tocsin_budget_commands_used", "Commands spent in this period."},
      {"tocsin_budget_commands_left", "Commands left for this period."},
      {"tocsin_budget_interval_seconds", "How often a target of the budget is asked at present."}};
  const auto now = sources.budgets();
  std::erase_if(budgets, [&now](const auto& given) {
    if (now.contains(given.first)) return false;
    for (const auto& [family, gauge] : given.second) family->Remove(gauge);
    return true;
  });
  for (const auto& [share, budget] : now) {
    const double values[] = {static_cast<double>(budget.used), static_cast<double>(budget.left),
                             budget.interval_seconds};
    auto& gauges = budgets[share];
    for (std::size_t i = 0; i < gauges.size(); ++i) {
      auto& [family, gauge] = gauges[i];
      family = &prometheus::BuildGauge().Name(names[i].first).Help(names[i].second).Register(registry);
      gauge = &family->Add({{"share", share}});
      gauge->Set(values[i]);
    }
  }
}

void OwnMetrics::Impl::refresh_discovery() {
  for (const DiscoveryStatus& found : sources.discovery()) {
    const Tags tags{{"target_job", found.job}, {"mechanism", found.mechanism}};
    gauge("tocsin_discovered_targets", "Targets that were found.", tags).Set(static_cast<double>(found.targets));
    gauge("tocsin_discovery_refused_targets", "What was found but cannot be a target.", tags)
        .Set(static_cast<double>(found.refused));
    total("tocsin_discovery_failures_total", "Searches for targets that failed.", static_cast<double>(found.failures),
          tags);
  }
}

void OwnMetrics::Impl::refresh_groups() {
  for (const auto& group : sources.groups()) {
    const Tags tags{{"rule_group", group->file + ";" + group->name}};
    total("tocsin_rule_group_evaluations_total", "Evaluations of a rule group.",
          static_cast<double>(group->evaluations), tags);
    total("tocsin_rule_group_failures_total", "Rules that failed in evaluations of a group.",
          static_cast<double>(group->failures), tags);
    total("tocsin_rule_group_missed_total", "Slots that came too late or not at all.",
          static_cast<double>(group->missed), tags);
    gauge("tocsin_rule_group_last_duration_seconds", "How long the last evaluation took.", tags)
        .Set(std::chrono::duration<double>(group->evaluation_time).count());
  }
}

void OwnMetrics::Impl::refresh_alerts() {
  constexpr const char* states[] = {"pending", "firing"};
  std::map<Tags, std::size_t> counts;
  for (const auto& group : sources.groups()) {
    for (const rules::RuleStatus& rule : group->rules) {
      if (rule.kind == rules::RuleSpec::Kind::record) continue;
      Tags tags{{"alertname", rule.name}};
      for (const core::Label& label : rule.labels) {
        if (label.name == "severity" && label.value.find("{{") == std::string::npos) tags["severity"] = label.value;
      }
      for (const char* const state : states) {
        tags["state"] = state;
        std::size_t& count = counts[tags];
        for (const core::Alert& alert : rule.alerts) count += to_string(alert.state) == state ? 1 : 0;
      }
    }
  }
  GaugeFamily family{"tocsin_alerts", "Alerts of each rule.", {}};
  for (const auto& [tags, count] : counts) family.values[tags] = static_cast<double>(count);
  replace(family, alerts);
}

void OwnMetrics::Impl::refresh_destinations() {
  for (const alerts::DestinationStatus& d : sources.destinations()) {
    const Tags tags{{"alertmanager", d.url}};
    total("tocsin_notifications_sent_total", "Alerts that an Alertmanager took.", static_cast<double>(d.sent), tags);
    total("tocsin_notifications_errors_total", "Requests to an Alertmanager that failed.",
          static_cast<double>(d.errors), tags);
    total("tocsin_notifications_dropped_total",
          "Alerts given up: the queue was full, or the Alertmanager refused them.", static_cast<double>(d.dropped),
          tags);
    gauge("tocsin_notifications_queue_length", "Alerts that wait for an Alertmanager.", tags)
        .Set(static_cast<double>(d.queued));
    gauge("tocsin_outbox_owed", "Alerts that an Alertmanager has not been told at all.", tags)
        .Set(static_cast<double>(d.owed));
    gauge("tocsin_outbox_oldest_seconds", "How long the oldest of them has waited.", tags)
        .Set(d.oldest_owed ? core::to_seconds(sources.clock() - *d.oldest_owed) : 0);
    auto& latency = prometheus::BuildHistogram()
                        .Name("tocsin_notifications_latency_seconds")
                        .Help("Time of requests to an Alertmanager.")
                        .Register(registry)
                        .Add(tags, latency_buckets);
    for (const double seconds : d.latency_seconds) latency.Observe(seconds);
  }
}

void OwnMetrics::Impl::refresh_actions() {
  for (const GaugeFamily& family : actions.families(sources.actions(), sources.pauses()))
    replace(family, action_gauges[family.name]);
  total("tocsin_web_logins_refused_total", "Bad logins on the port.", static_cast<double>(sources.logins_refused()));
}

OwnMetrics::OwnMetrics(OwnSources sources) : impl_(std::make_unique<Impl>(std::move(sources))) {
  impl_->gauge("tocsin_build_info", "1, with the version as a label.", {{"version", TOCSIN_VERSION}}).Set(1);
  impl_->gauge("blackbox_exporter_build_info", "1; who plays blackbox_exporter here.", {{"version", "tocsin"}}).Set(1);
}
OwnMetrics::~OwnMetrics() = default;

void OwnMetrics::config_loaded(bool good, core::TimePoint at) {
  const std::lock_guard lock(impl_->mutex);
  const double value = good ? 1 : 0;
  impl_->gauge("tocsin_config_last_reload_successful", "1 if the last configuration read was good.").Set(value);
  // Rules written for blackbox_exporter watch this name.
  impl_->gauge("blackbox_exporter_config_last_reload_successful", "The same, under blackbox_exporter's name.")
      .Set(value);
  auto& stamp =
      impl_->gauge("tocsin_config_last_reload_success_timestamp_seconds", "When a good configuration was last read.");
  auto& alias = impl_->gauge("blackbox_exporter_config_last_reload_success_timestamp_seconds",
                             "The same, under blackbox_exporter's name.");
  if (good) {
    stamp.Set(core::to_seconds(at));
    alias.Set(core::to_seconds(at));
  }
}

void OwnMetrics::journal_usable(bool usable) {
  const std::lock_guard lock(impl_->mutex);
  impl_->gauge("tocsin_journal_usable", "1 if the journal of actions can be written; otherwise every action is shadow.")
      .Set(usable ? 1 : 0);
}

void OwnMetrics::actions_configured(const std::vector<actions::ActionSpec>& actions) {
  const std::lock_guard lock(impl_->mutex);
  auto& family = impl_->steps();
  std::erase_if(impl_->action_steps, [&](const auto& counted) {
    const bool stays =
        std::any_of(actions.begin(), actions.end(), [&](const auto& spec) { return spec.name == counted.first; });
    if (stays) return false;
    for (const auto& [step, counter] : counted.second) family.Remove(counter);
    return true;
  });
  for (const actions::ActionSpec& spec : actions) {
    for (int step = 0; step <= static_cast<int>(core::ActionStep::ordered); ++step) {
      const std::string name(to_string(static_cast<core::ActionStep>(step)));
      auto& counter = impl_->action_steps[spec.name][name];
      if (counter == nullptr) counter = &family.Add({{"action", spec.name}, {"step", name}});
    }
  }
}

void OwnMetrics::remember(const std::vector<core::ActionRecord>& rows) {
  const std::lock_guard lock(impl_->mutex);
  impl_->actions.remember(rows);
}

void OwnMetrics::action_step(const core::ActionRecord& record) {
  const std::lock_guard lock(impl_->mutex);
  impl_->actions.step(record);
  const std::string step(to_string(record.step));
  // A step of an action that is configured no longer may come late; an order may be about all actions.
  auto& counter = impl_->action_steps[record.action][step];
  if (counter == nullptr) counter = &impl_->steps().Add({{"action", record.action}, {"step", step}});
  counter->Increment();
}

void OwnMetrics::http_request(unsigned status) {
  const std::lock_guard lock(impl_->mutex);
  impl_->counter("tocsin_http_requests_total", "Requests answered, by status.", {{"code", std::to_string(status)}})
      .Increment();
}

std::string OwnMetrics::text() {
  const std::lock_guard lock(impl_->mutex);
  impl_->refresh();
  return prometheus::TextSerializer{}.Serialize(impl_->registry.Collect());
}

std::vector<std::pair<core::Labels, double>> OwnMetrics::samples() {
  const std::lock_guard lock(impl_->mutex);
  impl_->refresh();
  std::vector<std::pair<core::Labels, double>> all;
  for (const prometheus::MetricFamily& family : impl_->registry.Collect()) {
    if (family.type == prometheus::MetricType::Histogram) continue;
    for (const prometheus::ClientMetric& metric : family.metric) {
      std::vector<core::Label> labels{{std::string(core::metric_name_label), family.name}};
      for (const auto& label : metric.label) labels.push_back({label.name, label.value});
      const double value = family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value;
      all.emplace_back(core::Labels(std::move(labels)), value);
    }
  }
  return all;
}

}  // namespace tocsin::daemon
