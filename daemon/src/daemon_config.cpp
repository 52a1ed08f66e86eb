// From a configuration to what runs: targets, rules, and what a reload changes.
#include <fmt/format.h>

#include <map>

#include "src/daemon.hpp"
#include "src/make_prober.hpp"
#include "src/offload.hpp"
#include "src/surroundings.hpp"
#include "src/systemd.hpp"

namespace tocsin::daemon {
namespace {

constexpr std::chrono::seconds reload_time{60};

Judge::MetricNames metric_names(std::string_view kind) {
  std::vector<std::string_view> names;
  for (const core::MetricMeta& meta : metadata_of(kind)) names.push_back(meta.name);
  return std::make_shared<const std::vector<std::string_view>>(std::move(names));
}

}  // namespace

void Daemon::deliver(std::vector<core::Observation> observations, bool flip) {
  for (const core::Observation& observation : observations) {
    if (!observation.described.empty()) metadata_.add(observation.described);
  }
  judge_.deliver(std::move(observations), flip);
}

void Daemon::apply_targets(const std::vector<TargetConfig>& targets) {
  std::unordered_map<std::string, std::uint32_t> kept;
  std::vector<Judge::TargetInfo> infos;
  std::vector<Lane::Added> added;
  std::map<std::string, Judge::MetricNames> names;  // by kind
  for (const TargetConfig& target : targets) {
    if (const auto it = target_ids_.find(target.fingerprint); it != target_ids_.end()) {
      kept.insert(*it);
      target_ids_.erase(it);
      continue;
    }
    const std::uint32_t id = next_target_++;
    kept.emplace(target.fingerprint, id);
    Judge::MetricNames& of_kind = names[target.kind];
    if (!of_kind) of_kind = metric_names(target.kind);
    infos.push_back({id, target.labels, of_kind});
    added.push_back({id, target});
    if (const auto* push = std::get_if<probes::PushOptions>(target.options.get()))
      push_desk_.expect(push->name, wall_clock());
  }
  std::vector<std::uint32_t> removed;
  for (const auto& [fingerprint, id] : target_ids_) removed.push_back(id);
  target_ids_ = std::move(kept);
  target_count_ = targets.size();
  {
    const std::lock_guard lock(discovery_mutex_);
    discovery_status_ = discovery_.status();
  }
  if (removed.empty() && added.empty()) return;
  // The judge knows a target before its first observation can arrive.
  judge_.change_targets(removed, std::move(infos));
  lane_.change(std::move(removed), std::move(added));
}

void Daemon::apply(Loaded loaded) {
  connector_.forget_tls_contexts();
  mutes_.set(loaded.config.maintenance);
  discovery_.configure(loaded.config);
  apply_targets(discovery_.targets());
  judge_.set_limits(loaded.store_limits());
  connectivity_.configure(loaded.config.connectivity);
  if (state_) state_->ledger().keep_history_for(loaded.config.storage.history);
  Judge::Rules rules;
  rules.settings.interval = loaded.config.global.evaluation_interval;
  rules.settings.subquery_step = loaded.config.global.evaluation_interval;  // as in Prometheus
  rules.settings.resend_delay = loaded.config.global.resend_delay;
  rules.settings.evaluation_timeout = loaded.config.global.evaluation_timeout;
  rules.settings.stopwatch = [] {
    return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch());
  };
  rules.settings.templates.external_labels = loaded.config.global.external_labels;
  rules.settings.templates.external_url = notifier_options(loaded.config).external_url;
  rules_ = std::make_shared<const std::vector<rules::GroupSpec>>(loaded.groups);
  rules.groups = std::move(loaded.groups);
  judge_.set_rules(std::move(rules));
  guard_.set_users(loaded.config.web.users);
  metrics_.actions_configured(loaded.config.actions);
  config_ = std::move(loaded.config);
  config_good_ = true;
  config_error_.clear();
  config_loaded_ = wall_clock();
  metrics_.config_loaded(true, *config_loaded_);
}

net::Task<ReloadResult> Daemon::reload() {
  ReloadResult result;
  if (reloading_ || stopping_) {
    result.message = reloading_ ? "a reload is under way\n" : "tocsin is stopping\n";
    co_return result;
  }
  reloading_ = true;
  notify_reloading();
  using Read = std::pair<std::optional<Loaded>, std::string>;
  std::function<Read()> work = [path = options_.config, environment = options_.environment]() -> Read {
    core::Diagnostics diagnostics;
    LoadOptions load;
    load.environment = environment;
    auto loaded = load_everything(path, load, diagnostics);
    return {std::move(loaded), diagnostics.render()};
  };
  std::optional<Read> read =
      co_await offload(desk_, blocking_, std::move(work), std::chrono::steady_clock::now() + reload_time);
  if (read && read->first) {
    const std::string listen = config_.web.listen;
    notifier_.reconfigure(notifier_options(read->first->config));
    heartbeat_.reconfigure(read->first->config.heartbeat);
    executor_.reconfigure(make_settings(read->first->config));
    apply(std::move(*read->first));
    result.good = true;
    result.message = fmt::format("{}reloaded: {} targets, {} actions\n", read->second, config_.targets.size(),
                                 config_.actions.size());
    if (config_.web.listen != listen && !options_.listen)
      log_.warning("web.listen has changed: restart tocsin to listen there");
    note("reload", fmt::format("{} targets, {} actions", config_.targets.size(), config_.actions.size()));
    log_.info("configuration reloaded", {{"targets", std::to_string(config_.targets.size())},
                                         {"actions", std::to_string(config_.actions.size())}});
  } else {
    result.message = read ? read->second : "reading the configuration took too long\n";
    config_good_ = false;
    config_error_ = result.message.substr(0, result.message.find('\n'));
    metrics_.config_loaded(false, wall_clock());
    note("reload refused", config_error_);
    log_.error("reload failed, the old configuration stays in force", {{"error", result.message}});
  }
  judge_.sample_own_metrics();
  notify_ready(result.good ? "watching" : "watching by the old configuration: the last reload failed");
  reloading_ = false;
  co_return result;
}

}  // namespace tocsin::daemon
