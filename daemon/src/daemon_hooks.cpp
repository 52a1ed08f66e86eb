// What each room gets of the others, and of the process.
#include <fmt/format.h>

#include "src/daemon.hpp"
#include "src/number_query.hpp"
#include "src/offload.hpp"
#include "src/surroundings.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::daemon {
namespace {

constexpr std::string_view budget_key = "budget/";  // and the name of the share: what the journal keeps of it

}  // namespace

core::TimePoint wall_clock() { return std::chrono::time_point_cast<core::Duration>(std::chrono::system_clock::now()); }

Daemon::Daemon(const RunOptions& options, Log log, Loaded loaded, std::unique_ptr<state::State> state)
    : options_(options),
      log_(std::move(log)),
      started_(wall_clock()),
      blocking_(4),
      files_(4, 1'000),
      queries_(2, 256),
      logins_(1, 16),
      connector_(blocking_),
      desk_(crash_handler()),
      lane_loop_(crash_handler()),
      judge_loop_(crash_handler()),
      state_(std::move(state)),
      recalled_(state_ ? state_->ledger().take_recalled() : state::Recalled{}),
      push_desk_(desk_, pushes_, journal()),
      metrics_(own_sources()),
      keeper_(judge_loop_, ledger(), recalled_.last_number, keeper_hooks()),
      judge_(judge_loop_, loaded.store_limits(), log_, judge_hooks()),
      connectivity_(lane_loop_, ProberTools{connector_, &files_, &pushes_},
                    [this](const ConnectivityState& now) { connectivity_changed(now); }),
      lane_(lane_loop_, ProberTools{connector_, &files_, &pushes_}, log_, lane_hooks(),
            Lane::Limits{loaded.config.global.max_probes, loaded.config.global.max_probes_per_host}),
      discovery_(desk_, blocking_, connector_, log_, [this] { apply_targets(discovery_.targets()); }),
      probe_endpoint_(desk_, connector_),
      notifier_(desk_, connector_, notifier_options(loaded.config), wall_clock, notifier_log(), ledger(),
                std::move(recalled_.owed)),
      heartbeat_(
          desk_, connector_, loaded.config.heartbeat, wall_clock, [this] { return judge_.alive(); }, notifier_log()),
      executor_(desk_, connector_, make_settings(loaded.config), journal(), executor_hooks()),
      guard_(desk_, logins_),
      web_(desk_, queries_, guard_, judge_, metrics_, metadata_, web_sources()),
      server_(
          desk_, [this](net::ServerRequest request) { return web_.handle(std::move(request)); }, net::ServerLimits{}),
      local_server_(
          desk_, [this](net::ServerRequest request) { return web_.handle(std::move(request)); }, net::ServerLimits{}),
      config_(loaded.config) {
  metrics_.journal_usable(state_ != nullptr);
  folder_named_ = !data_folder(options_, config_).empty();
  if (state_) {
    for (const auto* rows : {&journal()->remembered().changes, &journal()->remembered().last_steps})
      metrics_.remember(*rows);
    snapshots_.emplace(data_folder(options_, config_) + "/samples", judge_.store(), wall_clock, log_);
    judge_.inherit(inheritance(config_));
  }
  apply(std::move(loaded));
}

Daemon::~Daemon() { keeper_.close(); }

net::CrashHandler Daemon::crash_handler() {
  return [log = log_](const std::string& name, const std::string& what) {
    log.error("a coroutine ended by an exception (please report this)", {{"name", name}, {"what", what}});
  };
}

LaneHooks Daemon::lane_hooks() {
  LaneHooks hooks;
  hooks.clock = wall_clock;
  hooks.deliver = [this](auto observations, bool flip) { deliver(std::move(observations), flip); };
  hooks.doubt = [this](core::Outcome outcome, bool news) { return doubt(outcome, news); };
  hooks.withheld = [this](std::uint32_t target) { judge_.withhold(target); };
  if (!state_) return hooks;
  hooks.recall_spent = [this](const std::string& share) {
    for (const auto& [key, value] : journal()->remembered().kept) {
      if (key == std::string(budget_key).append(share)) return value;
    }
    return std::string();
  };
  hooks.keep_spent = [this](const std::string& share, std::string spent) {
    journal()->keep(std::string(budget_key).append(share), std::move(spent), {});
  };
  return hooks;
}

OwnSources Daemon::own_sources() {
  // The members that these name come after the metrics; they are asked only once all of them stand.
  OwnSources sources;
  sources.clock = wall_clock;
  sources.lane = [this] { return lane_.counters(); };
  sources.budgets = [this] { return lane_.budgets(); };
  sources.unknown_modules = [this] { return probe_endpoint_.unknown_modules(); };
  sources.discovery = [this] {
    const std::lock_guard lock(discovery_mutex_);
    return discovery_status_;
  };
  sources.judge = [this] { return judge_.counters(); };
  sources.store = [this] { return judge_.store_stats(); };
  sources.groups = [this] { return judge_.groups(); };
  sources.destinations = [this] { return notifier_.status(); };
  sources.actions = [this] { return executor_.status(); };
  sources.pauses = [this] { return executor_.pauses(); };
  sources.logins_refused = [this] { return guard_.refused(); };
  sources.targets = [this] { return target_count_.load(); };
  sources.state = [this] { return state_counts(); };
  return sources;
}

JudgeHooks Daemon::judge_hooks() {
  JudgeHooks hooks;
  hooks.clock = wall_clock;
  hooks.tell = [this](std::vector<core::AlertChange> changes, std::vector<core::Memory> memories) {
    keeper_.keep(std::move(changes), std::move(memories));
  };
  hooks.clock_was_set = [this](core::Duration by) { note("clock set", fmt::format("by {} s", core::to_seconds(by))); };
  hooks.own_metrics = [this] {
    std::vector<std::pair<core::Labels, double>> samples;
    if (!ready_) return samples;
    samples = metrics_.samples();
    for (auto& [labels, value] : samples) {
      labels.set("job", "tocsin");
      labels.set("instance", host_name());
    }
    return samples;
  };
  return hooks;
}

KeeperHooks Daemon::keeper_hooks() {
  KeeperHooks hooks;
  hooks.receivers = [this] { return notifier_.receivers(); };
  hooks.withheld = [this](const core::AlertChange& change) { return mutes_.withheld(change); };
  hooks.tell = [this](std::vector<core::AlertChange> changes) {
    notifier_.send(mutes_.audible(changes));
    executor_.notice(std::move(changes));
  };
  hooks.disk_changed = [log = log_](const std::optional<std::string>& problem) {
    if (problem) {
      log.error("what is owed cannot be written to disk: alerts are told all the same, but a crash now may lose some",
                {{"detail", *problem}, {"help", "make room on the disk of storage.path, or make it writable"}});
    } else {
      log.info("what is owed is on disk again");
    }
  };
  return hooks;
}

/// Runs on the judge's loop, before anything is appended.
Inheritance Daemon::inheritance(const Config& config) {
  Inheritance left;
  left.memories = std::move(recalled_.memories);
  left.last_alive = recalled_.last_alive;
  left.outage_tolerance = config.global.for_outage_tolerance;
  const std::string folder = data_folder(options_, config) + "/samples";
  left.samples = [this, folder](store::Store& store, core::TimePoint now) {
    const store::RestoreReport report = store::restore(folder, store, now);
    for (const std::string& note : report.notes) log_.warning("samples: " + note);
    if (report.series > 0) {
      log_.info("samples are back", {{"series", std::to_string(report.series)},
                                     {"samples", std::to_string(report.samples)},
                                     {"newest", report.newest ? core::format_rfc3339(*report.newest) : "none"}});
    }
    snapshots_->start();
    return report.newest;
  };
  return left;
}

StateCounts Daemon::state_counts() {
  StateCounts counts;
  counts.folder_named = folder_named_;
  counts.connectivity_checked = connectivity_.on();
  counts.connected = connected_;
  counts.told_unkept = keeper_.told_unkept();
  counts.fallback = notifier_.fallback_status();
  counts.heartbeat = heartbeat_.status();
  if (!state_) return counts;
  counts.ledger = state_->ledger().status();
  counts.damaged = state_->damaged();
  counts.snapshots = snapshots_->status();
  return counts;
}

void Daemon::note(std::string event, std::string detail) {
  if (!state_) return;
  core::HistoryRecord record;
  record.at = wall_clock();
  record.kind = core::HistoryKind::daemon;
  record.event = std::move(event);
  record.detail = std::move(detail);
  state_->ledger().note(std::move(record));
}

void Daemon::connectivity_changed(const ConnectivityState& state) {
  const bool connected = state.network && state.names;
  const std::string what = !state.network ? "the network" : "the name service";
  if (connected) {
    log_.info("tocsin has its network again");
  } else {
    log_.error("tocsin itself is cut off: failures of targets are not believed until this is over",
               {{"without", what}, {"help", "look at this host's network; see connectivity in the configuration"}});
  }
  note(connected ? "connected" : "cut off", connected ? "" : "without " + what);
  if (connected_.exchange(connected) == connected) return;
  judge_.set_cut_off(!connected);
}

/// On the lane.
net::Task<bool> Daemon::doubt(core::Outcome outcome, bool news) {
  const ConnectivityState state = co_await connectivity_.ask(news);
  co_return doubtful(outcome, state);
}

alerts::NotifierOptions Daemon::notifier_options(const Config& config) const {
  alerts::NotifierOptions options;
  options.alertmanagers = config.alertmanagers;
  options.fallback = config.fallback;
  options.external_labels = config.global.external_labels;
  options.external_url =
      config.global.external_url.empty() ? "http://" + host_name() + ":9477" : config.global.external_url;
  return options;
}

alerts::Notifier::Log Daemon::notifier_log() {
  return [log = log_](bool error, const std::string& destination, const std::string& text) {
    log.write(error ? Level::warning : Level::info, text, {{"alertmanager", destination}});
  };
}

net::Task<std::pair<std::optional<double>, std::string>> Daemon::query_number(std::string expression) {
  std::function<NumberAnswer()> work = [view = judge_.snapshot(), expression] {
    return query_one_number(view, expression, wall_clock());
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  std::optional<NumberAnswer> answer = co_await offload(desk_, queries_, std::move(work), deadline);
  if (!answer) {
    NumberAnswer none{std::nullopt, "the query was not answered in time"};
    co_return none;
  }
  co_return std::move(*answer);
}

actions::ExecutorHooks Daemon::executor_hooks() {
  actions::ExecutorHooks hooks;
  hooks.clock = wall_clock;
  hooks.record = [this](const core::ActionRecord& r) { record(r); };
  hooks.suppression = [this](core::Labels labels, core::Deadline deadline) {
    return notifier_.suppression(std::move(labels), deadline);
  };
  hooks.query = [this](std::string expression) { return query_number(std::move(expression)); };
  hooks.surroundings = [this] { return surroundings(); };
  return hooks;
}

actions::Surroundings Daemon::surroundings() {
  const LaneHealth health = lane_.health();
  actions::Surroundings around;
  around.cut_off = !connected_;
  around.targets = health.targets;
  around.failing = health.failing;
  return around;
}

std::vector<std::string> Daemon::troubles() {
  std::vector<std::string> all;
  if (!config_good_) all.push_back("the last reload failed, the old configuration is in force: " + config_error_);
  const StateCounts counts = state_counts();
  if (counts.folder_named && !counts.ledger) {
    all.emplace_back("the data folder cannot be used: nothing outlives a restart, and no action runs");
  } else if (counts.ledger && !counts.ledger->usable) {
    all.push_back("what is owed cannot be written to disk, a crash now may lose some: " + counts.ledger->last_error);
  }
  if (!counts.connected) all.emplace_back("cut off from the network: failures of targets are not believed");
  if (counts.fallback && counts.fallback->active)
    all.push_back("no Alertmanager takes alerts, the fallback is told: " + counts.fallback->url);
  return all;
}

PageData Daemon::page_data() {
  PageData data;
  data.now = wall_clock();
  data.targets = lane_.status();
  data.groups = judge_.groups();
  data.actions = executor_.status();
  data.pauses = executor_.pauses();
  data.destinations = notifier_.status();
  data.troubles = troubles();
  data.config_loaded = config_loaded_;
  data.started = started_;
  return data;
}

WebSources Daemon::web_sources() {
  WebSources sources;
  sources.clock = wall_clock;
  sources.ready = [this] { return ready_.load(); };
  sources.lifecycle_enabled = [this] { return config_.web.enable_lifecycle; };
  sources.page = [this] { return page_data(); };
  sources.actions = [this] { return actions_view(); };
  sources.order = [this](actions::Order given) { return order(std::move(given)); };
  sources.plan = [this] { return plan(); };
  sources.user_name = [this](std::uint32_t uid) { return user_name(uid); };
  sources.external_url = [this] { return config_.global.external_url; };
  sources.recent_actions = [this](std::size_t count) -> std::vector<core::ActionRecord> {
    if (!state_) return {};
    auto recent = journal()->recent(count);
    return recent ? std::move(*recent) : std::vector<core::ActionRecord>{};
  };
  sources.history = [this](const state::HistoryQuery& query) -> core::Result<std::vector<core::HistoryRecord>> {
    if (state_) return state_->ledger().history(query);
    return core::Failure{core::Outcome::internal, core::Phase::none,
                         "no history is kept without a data folder (--data-dir or storage.path)"};
  };
  sources.rules = [this] { return rules_; };
  sources.reload = [this] { return reload(); };
  sources.probe = [this](net::ServerRequest request, const Metadata& metadata) {
    return probe_endpoint_.answer(std::move(request), config_, metadata);
  };
  sources.push = [this](std::string job, net::ServerRequest request) {
    const probes::PushOptions* options = nullptr;
    for (const TargetConfig& target : config_.targets) {
      const auto* push = std::get_if<probes::PushOptions>(target.options.get());
      if (push != nullptr && push->name == job) options = push;
    }
    return push_desk_.answer(std::move(request), std::move(job), options, wall_clock());
  };
  return sources;
}

}  // namespace tocsin::daemon
