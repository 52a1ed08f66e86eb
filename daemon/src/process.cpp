#include "src/process.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/prctl.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <thread>
#include <utility>

#include "src/daemon.hpp"
#include "src/resident.hpp"
#include "src/surroundings.hpp"
#include "src/systemd.hpp"

namespace tocsin::daemon {
namespace {

constexpr std::chrono::seconds action_grace{10};  // over an action's own timeout, when stopping
constexpr std::chrono::seconds drain_time{3};
constexpr std::chrono::seconds settled_after{30};  // every target was asked and every rule evaluated, for the most part

}  // namespace

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
  connectivity_.stop();
  judge_.stop();
  core::Duration longest{0};
  for (const actions::ActionSpec& action : config_.actions) longest = std::max(longest, action.timeout);
  const auto now = std::chrono::steady_clock::now();
  co_await executor_.stop(now + longest + action_grace);
  co_await wait_for_disk();
  co_await notifier_.drain(std::chrono::steady_clock::now() + drain_time);
  co_await server_.shutdown(std::chrono::steady_clock::now() + std::chrono::seconds(1));
  co_await local_server_.shutdown(std::chrono::steady_clock::now() + std::chrono::seconds(1));
  desk_.stop();
}

/// Until what the judge found last is on disk, and with that on its way to be told.
net::Task<void> Daemon::wait_for_disk() {
  if (!state_) co_return;
  note("stop", "");
  const auto done = std::make_shared<net::Event>(desk_.executor());
  // The judge first, then the disk: both take things in order.
  judge_loop_.post([this, done] {
    state_->ledger().promise({},
                             [this, done](const std::optional<std::string>&) { desk_.post([done] { done->set(); }); });
  });
  co_await done->wait(std::chrono::steady_clock::now() + Keeper::patience);
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
  desk_.post_after(settled_after, let_go_of_start);
  note("start", fmt::format("version {}, {} targets", TOCSIN_VERSION, config_.targets.size()));
  log_.info("watching", {{"version", TOCSIN_VERSION},
                         {"targets", std::to_string(config_.targets.size())},
                         {"actions", std::to_string(config_.actions.size())}});
  desk_.run();
  lane_loop_.stop();
  judge_loop_.stop();
  lane.join();
  judge.join();
  if (snapshots_) snapshots_->stop();
  keeper_.close();
  files_.abandon();
  log_.info("stopped");
  return 0;
}

namespace {

/// False where tocsin must not run: another one has the folder. A folder that cannot be used stops nothing.
bool open_state(const RunOptions& options, const Config& config, const Log& log, std::unique_ptr<state::State>& into) {
  const std::string folder = data_folder(options, config);
  if (folder.empty()) {
    log.warning("no data folder: nothing outlives a restart, and every action is shadow",
                {{"help", "give --data-dir or storage.path"}});
    return true;
  }
  state::StateOptions how;
  how.clock = wall_clock;
  how.tell = [log](const std::string& text) { log.warning(text); };
  auto state = state::State::open(folder, std::move(how));
  if (state) {
    into = std::move(*state);
    if (!into->note().empty()) log.warning(into->note(), {{"folder", folder}});
    return true;
  }
  const bool goes_on = state.error().why == state::Refusal::Why::unusable;
  log.error(goes_on ? "the data folder cannot be used: nothing outlives a restart, and every action is shadow"
                    : "tocsin does not start",
            {{"folder", folder}, {"detail", state.error().detail}});
  return goes_on;
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
  std::unique_ptr<state::State> state;
  if (!open_state(options, loaded->config, log, state)) return 1;
  Daemon daemon(options, log, std::move(*loaded), std::move(state));
  return daemon.run();
}

}  // namespace tocsin::daemon
