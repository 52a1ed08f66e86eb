#include "src/process.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "src/discovery.hpp"
#include "src/judge.hpp"
#include "src/lane.hpp"
#include "src/loaded.hpp"
#include "src/make_prober.hpp"
#include "src/metadata_book.hpp"
#include "src/number_query.hpp"
#include "src/offload.hpp"
#include "src/own_metrics.hpp"
#include "src/probe_endpoint.hpp"
#include "src/push_route.hpp"
#include "src/surroundings.hpp"
#include "src/systemd.hpp"
#include "src/web.hpp"
#include "tocsin/actions/action.hpp"
#include "tocsin/alerts/notifier.hpp"
#include "tocsin/state/journal.hpp"

namespace tocsin::daemon {
namespace {

constexpr std::chrono::seconds action_grace{10};  // over an action's own timeout, when stopping
constexpr std::chrono::seconds drain_time{3};
constexpr std::chrono::seconds reload_time{60};
constexpr std::string_view budget_key = "budget/";  // and the name of the share: what the journal keeps of it

core::TimePoint wall_clock() { return std::chrono::time_point_cast<core::Duration>(std::chrono::system_clock::now()); }

Judge::MetricNames metric_names(std::string_view kind) {
  std::vector<std::string_view> names;
  for (const core::MetricMeta& meta : metadata_of(kind)) names.push_back(meta.name);
  return std::make_shared<const std::vector<std::string_view>>(std::move(names));
}

class Daemon {
 public:
  Daemon(const RunOptions& options, Log log, Loaded loaded)
      : options_(options),
        log_(std::move(log)),
        started_(wall_clock()),
        blocking_(4),
        files_(4, 1'000),
        queries_(2, 256),
        connector_(blocking_),
        desk_(crash_handler()),
        lane_loop_(crash_handler()),
        judge_loop_(crash_handler()),
        journal_(open_journal(loaded.config)),
        push_desk_(desk_, pushes_, journal_.get()),
        metrics_(own_sources()),
        judge_(judge_loop_, store_limits(loaded), log_, judge_hooks()),
        lane_(lane_loop_, ProberTools{connector_, &files_, &pushes_}, log_, lane_hooks(),
              Lane::Limits{loaded.config.global.max_probes, loaded.config.global.max_probes_per_host}),
        discovery_(desk_, blocking_, connector_, log_, [this] { apply_targets(discovery_.targets()); }),
        probe_endpoint_(desk_, connector_),
        notifier_(desk_, connector_, notifier_options(loaded.config), wall_clock, notifier_log()),
        executor_(desk_, loaded.config.actions, journal_.get(), executor_hooks()),
        web_(desk_, queries_, judge_, metrics_, metadata_, web_sources()),
        server_(
            desk_, [this](net::ServerRequest request) { return web_.handle(std::move(request)); }, net::ServerLimits{}),
        local_server_(
            desk_, [this](net::ServerRequest request) { return web_.handle(std::move(request)); }, net::ServerLimits{}),
        config_(loaded.config) {
    metrics_.journal_usable(journal_ != nullptr);
    apply(std::move(loaded));
  }

  int run();

 private:
  net::CrashHandler crash_handler() {
    return [log = log_](const std::string& name, const std::string& what) {
      log.error("a coroutine ended by an exception (please report this)", {{"name", name}, {"what", what}});
    };
  }
  std::unique_ptr<state::Journal> open_journal(const Config& config);
  store::Limits store_limits(const Loaded& loaded) const {
    return {loaded.retention(), loaded.config.storage.max_series, loaded.config.storage.memory_limit};
  }
  OwnSources own_sources();
  JudgeHooks judge_hooks();
  LaneHooks lane_hooks();
  alerts::NotifierOptions notifier_options(const Config& config) const;
  alerts::Notifier::Log notifier_log();
  actions::ExecutorHooks executor_hooks();
  WebSources web_sources();
  PageData page_data() const;

  bool listen();
  void apply(Loaded loaded);
  void apply_targets(const std::vector<TargetConfig>& targets);
  void deliver(std::vector<core::Observation> observations, bool flip);
  net::Task<ReloadResult> reload();
  net::Task<void> reload_on_signal();
  net::Task<void> feed_watchdog(std::chrono::microseconds interval);
  net::Task<void> stop();
  void record(const core::ActionRecord& record);
  net::Task<std::pair<std::optional<double>, std::string>> query_number(std::string expression);

  const RunOptions& options_;
  Log log_;
  core::TimePoint started_;
  net::BlockingPool blocking_;
  net::BlockingPool files_;  // where file systems are asked: one that hangs holds up nothing else
  net::BlockingPool queries_;
  net::Connector connector_;
  net::Loop desk_;
  net::Loop lane_loop_;
  net::Loop judge_loop_;
  std::unique_ptr<state::Journal> journal_;
  probes::PushBox pushes_;
  PushDesk push_desk_;
  MetadataBook metadata_;
  OwnMetrics metrics_;
  Judge judge_;
  Lane lane_;
  Discovery discovery_;
  ProbeEndpoint probe_endpoint_;
  alerts::Notifier notifier_;
  actions::Executor executor_;
  Web web_;
  net::HttpServer server_;
  net::HttpServer local_server_;

  // Of the desk alone.
  Config config_;
  std::unordered_map<std::string, std::uint32_t> target_ids_;  // by fingerprint
  std::uint32_t next_target_ = 1;
  bool config_good_ = true;
  bool reloading_ = false;
  bool stopping_ = false;
  std::string config_error_;
  std::optional<core::TimePoint> config_loaded_;
  std::atomic<bool> ready_{false};
  std::atomic<std::size_t> target_count_{0};
  std::mutex discovery_mutex_;
  std::vector<DiscoveryStatus> discovery_status_;  // as it was when targets last changed
};

std::unique_ptr<state::Journal> Daemon::open_journal(const Config& config) {
  const std::string folder = data_folder(options_, config);
  if (folder.empty()) {
    if (!config.actions.empty())
      log_.warning("no data folder: every action is shadow", {{"help", "give --data-dir or storage.path"}});
    return nullptr;
  }
  auto journal = state::Journal::open(folder);
  if (!journal) {
    log_.error("the journal cannot be used: every action is shadow",
               {{"folder", folder}, {"detail", journal.error().detail}});
    return nullptr;
  }
  return std::move(*journal);
}

LaneHooks Daemon::lane_hooks() {
  LaneHooks hooks;
  hooks.clock = wall_clock;
  hooks.deliver = [this](auto observations, bool flip) { deliver(std::move(observations), flip); };
  if (!journal_) return hooks;
  hooks.recall_spent = [this](const std::string& share) {
    for (const auto& [key, value] : journal_->remembered().kept) {
      if (key == std::string(budget_key).append(share)) return value;
    }
    return std::string();
  };
  hooks.keep_spent = [this](const std::string& share, std::string spent) {
    journal_->keep(std::string(budget_key).append(share), std::move(spent), {});
  };
  return hooks;
}

OwnSources Daemon::own_sources() {
  // The members that these name come after the metrics; they are asked only once all of them stand.
  OwnSources sources;
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
  sources.targets = [this] { return target_count_.load(); };
  return sources;
}

JudgeHooks Daemon::judge_hooks() {
  JudgeHooks hooks;
  hooks.clock = wall_clock;
  hooks.tell = [this](std::vector<core::AlertChange> changes) {
    notifier_.send(changes);
    executor_.notice(std::move(changes));
  };
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

alerts::NotifierOptions Daemon::notifier_options(const Config& config) const {
  alerts::NotifierOptions options;
  options.alertmanagers = config.alertmanagers;
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

void Daemon::record(const core::ActionRecord& record) {
  metrics_.action_step(record);
  log_.info("action " + std::string(to_string(record.step)), {{"action", record.action},
                                                              {"target", record.target},
                                                              {"from", record.from},
                                                              {"to", record.to},
                                                              {"alert", record.alert},
                                                              {"reason", record.reason},
                                                              {"action_id", record.id}});
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
  return hooks;
}

PageData Daemon::page_data() const {
  PageData data;
  data.now = wall_clock();
  data.targets = lane_.status();
  data.groups = judge_.groups();
  data.actions = executor_.status();
  data.destinations = notifier_.status();
  data.config_good = config_good_;
  data.config_error = config_error_;
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
  sources.recent_actions = [this]() -> std::vector<core::ActionRecord> {
    if (!journal_) return {};
    auto recent = journal_->recent(100);
    return recent ? std::move(*recent) : std::vector<core::ActionRecord>{};
  };
  sources.reload = [this] { return reload(); };
  sources.probe = [this](net::ServerRequest request, const Metadata& metadata) {
    return probe_endpoint_.answer(std::move(request), config_, metadata);
  };
  sources.push = [this](std::string job, net::ServerRequest request) {
    const probes::PushOptions* options = nullptr;
    for (const TargetConfig& target : config_.targets) {
      const auto* push = std::get_if<probes::PushOptions>(&target.options);
      if (push != nullptr && push->name == job) options = push;
    }
    return push_desk_.answer(std::move(request), std::move(job), options, wall_clock());
  };
  return sources;
}

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
    if (const auto* push = std::get_if<probes::PushOptions>(&target.options))
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
  discovery_.configure(loaded.config);
  apply_targets(discovery_.targets());
  judge_.set_limits(store_limits(loaded));
  Judge::Rules rules;
  rules.settings.interval = loaded.config.global.evaluation_interval;
  rules.settings.resend_delay = loaded.config.global.resend_delay;
  rules.settings.evaluation_timeout = loaded.config.global.evaluation_timeout;
  rules.settings.stopwatch = [] {
    return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch());
  };
  rules.settings.templates.external_labels = loaded.config.global.external_labels;
  rules.settings.templates.external_url = notifier_options(loaded.config).external_url;
  rules.groups = std::move(loaded.groups);
  judge_.set_rules(std::move(rules));
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
    executor_.reconfigure(read->first->config.actions);
    apply(std::move(*read->first));
    result.good = true;
    result.message = fmt::format("{}reloaded: {} targets, {} actions\n", read->second, config_.targets.size(),
                                 config_.actions.size());
    if (config_.web.listen != listen && !options_.listen)
      log_.warning("web.listen has changed: restart tocsin to listen there");
    log_.info("configuration reloaded", {{"targets", std::to_string(config_.targets.size())},
                                         {"actions", std::to_string(config_.actions.size())}});
  } else {
    result.message = read ? read->second : "reading the configuration took too long\n";
    config_good_ = false;
    config_error_ = result.message.substr(0, result.message.find('\n'));
    metrics_.config_loaded(false, wall_clock());
    log_.error("reload failed, the old configuration stays in force", {{"error", result.message}});
  }
  judge_.sample_own_metrics();
  notify_ready(result.good ? "watching" : "watching by the old configuration: the last reload failed");
  reloading_ = false;
  co_return result;
}

net::Task<void> Daemon::reload_on_signal() { co_await reload(); }

net::Task<void> Daemon::feed_watchdog(std::chrono::microseconds interval) {
  // Only a round through every loop feeds the watchdog: one that stands still lets systemd restart us.
  while (co_await net::sleep_for(interval / 3)) {
    lane_loop_.post([this] { judge_loop_.post([] { notify_watchdog(); }); });
  }
}

net::Task<void> Daemon::stop() {
  stopping_ = true;
  notify_stopping();
  log_.info("stopping");
  discovery_.stop();
  lane_.stop();
  judge_.stop();
  core::Duration longest{0};
  for (const actions::ActionSpec& action : config_.actions) longest = std::max(longest, action.timeout);
  const auto now = std::chrono::steady_clock::now();
  co_await executor_.stop(now + longest + action_grace);
  co_await notifier_.drain(std::chrono::steady_clock::now() + drain_time);
  co_await server_.shutdown(std::chrono::steady_clock::now() + std::chrono::seconds(1));
  co_await local_server_.shutdown(std::chrono::steady_clock::now() + std::chrono::seconds(1));
  desk_.stop();
}

bool Daemon::listen() {
  const auto address = listen_address(options_.listen.value_or(config_.web.listen));
  if (!address) {
    log_.error(address.error().detail);
    return false;
  }
  const auto port = server_.listen(*address);
  if (!port) {
    log_.error(port.error().detail);
    return false;
  }
  log_.info("listening", {{"address", fmt::format("{}:{}", address->host, *port)}});
  if (const std::string path = socket_path(options_); !path.empty()) {
    net::Address local;
    local.host = path;
    local.unix_socket = true;
    if (const auto bound = local_server_.listen(local); !bound)
      log_.warning("no local socket", {{"path", path}, {"detail", bound.error().detail}});
  }
  return true;
}

int Daemon::run() {
  if (!listen()) return 1;
  ready_ = true;
  judge_.sample_own_metrics();
  desk_.on_signals({SIGTERM, SIGINT}, [this](int) {
    if (!stopping_) desk_.spawn("stop", stop());
  });
  desk_.on_signals({SIGHUP}, [this](int) { desk_.spawn("reload", reload_on_signal()); });
  if (const auto interval = watchdog_interval()) desk_.spawn("watchdog", feed_watchdog(*interval));

  std::thread lane([this] {
    ::pthread_setname_np(::pthread_self(), "lane");
    lane_loop_.run();
  });
  std::thread judge([this] {
    ::pthread_setname_np(::pthread_self(), "judge");
    judge_loop_.run();
  });
  notify_ready("watching");
  log_.info("watching", {{"version", TOCSIN_VERSION},
                         {"targets", std::to_string(config_.targets.size())},
                         {"actions", std::to_string(config_.actions.size())}});
  desk_.run();
  lane_loop_.stop();
  judge_loop_.stop();
  lane.join();
  judge.join();
  files_.abandon();
  log_.info("stopped");
  return 0;
}

}  // namespace

int run(const RunOptions& options) {
  ::prctl(PR_SET_DUMPABLE, 0);  // no core file: it would hold secrets
  std::signal(SIGPIPE, SIG_IGN);
  core::Diagnostics diagnostics;
  LoadOptions load;
  load.environment = options.environment;
  auto loaded = load_everything(options.config, load, diagnostics);
  const std::string said = diagnostics.render();
  std::fputs(said.c_str(), stderr);
  if (!loaded) return 1;
  const Log log(options.log_level, standard_sink(environment_value(options, "JOURNAL_STREAM")));
  Daemon daemon(options, log, std::move(*loaded));
  return daemon.run();
}

}  // namespace tocsin::daemon
