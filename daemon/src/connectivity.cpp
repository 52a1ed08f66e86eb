#include "src/connectivity.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <utility>

#include "tocsin/net/url.hpp"

namespace tocsin::daemon {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds fresh{1};  // an answer this young will do for what is no news
constexpr std::chrono::seconds eager{1};  // how often is asked while cut off

/// A probe's answer that came over a network, whatever it says.
bool answered(core::Outcome outcome) { return !speaks_of_network(outcome) && outcome != core::Outcome::cancelled; }

bool is_number(std::string_view host) {
  return host.find(':') != std::string_view::npos ||
         std::all_of(host.begin(), host.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

}  // namespace

std::string host_of(const TargetConfig& target) {
  std::string instance(target.labels.get("instance"));
  if (const auto scheme = instance.find("://"); scheme != std::string::npos) {
    instance = instance.substr(scheme + 3);
    instance.resize(std::min(instance.find('/'), instance.size()));
  }
  if (instance.starts_with('[')) return instance.substr(1, instance.find(']') - 1);
  const auto colon = instance.find(':');
  return colon == instance.rfind(':') ? instance.substr(0, colon) : instance;  // several: a bare IPv6 address
}

bool speaks_of_network(core::Outcome outcome) {
  using Outcome = core::Outcome;
  return outcome == Outcome::resolve || outcome == Outcome::connect || outcome == Outcome::timeout ||
         outcome == Outcome::closed;
}

bool doubtful(core::Outcome outcome, const ConnectivityState& state) {
  if (!speaks_of_network(outcome)) return false;
  return !state.network || (outcome == core::Outcome::resolve && !state.names);
}

bool is_local(std::string_view host) {
  return host.empty() || host == "localhost" || host == "::1" || host == "[::1]" || host.starts_with("127.") ||
         host.starts_with('/');
}

struct Connectivity::Impl : std::enable_shared_from_this<Impl> {
  struct Point {
    TargetConfig target;
    bool named = false;
  };
  /// One round of questions; whoever wants to know while it runs waits for it.
  struct Round {
    Round(net::Executor executor, std::size_t count) : open(count), news(std::move(executor)) {}
    std::size_t open;
    bool any = false;
    bool any_named = false;
    net::Event news;  // set with each answer
  };

  Impl(net::Loop& loop_, ProberTools tools_, Changed changed_)
      : loop(loop_), tools(tools_), changed(std::move(changed_)), settled(loop_.executor()) {}

  void configure(const ConnectivityConfig& wanted);
  net::Task<void> keep_asking(std::uint64_t serial);
  net::Task<void> ask_one(std::shared_ptr<Round> round, std::shared_ptr<const Point> point);
  net::Task<void> check();
  net::Task<ConnectivityState> ask(core::Deadline since);

  net::Loop& loop;
  ProberTools tools;
  Changed changed;
  ConnectivityConfig config;
  std::vector<std::shared_ptr<const Point>> points;
  ConnectivityState state;
  std::optional<core::Deadline> asked;  // when the last questions were put
  bool checking = false;
  net::Event settled;  // set when no check is under way
  std::uint64_t serial = 0;
  std::atomic<bool> on{false};
  bool stopped = false;
};

void Connectivity::Impl::configure(const ConnectivityConfig& wanted) {
  config = wanted;
  points.clear();
  if (stopped) return;
  for (const TargetConfig& target : config.targets) {
    const bool named = !is_number(host_of(target));
    points.push_back(std::make_shared<const Point>(Point{target, named}));
  }
  on = !points.empty();
  asked.reset();
  ++serial;
  if (on) {
    loop.spawn("connectivity", keep_asking(serial));
  } else if (std::exchange(state, ConnectivityState{}) != ConnectivityState{}) {
    changed(state);
  }
}

net::Task<void> Connectivity::Impl::keep_asking(std::uint64_t mine) {
  const auto self = shared_from_this();
  while (!stopped && mine == serial) {
    const ConnectivityState now = co_await ask(Steady::now());
    const bool well = now.network && now.names;
    const bool slept = co_await net::sleep_for(well ? std::chrono::milliseconds(config.interval) : eager);
    if (!slept) co_return;
  }
}

/// With a prober of its own: one of the round before may still wait for its answer, and a kept connection says nothing
/// of names.
net::Task<void> Connectivity::Impl::ask_one(std::shared_ptr<Round> round, std::shared_ptr<const Point> point) {
  const auto prober = make_prober(tools, loop.executor(), 0, point->target);
  probes::ProbeStart start;
  start.deadline = Steady::now() + config.timeout;
  start.fresh = true;
  const core::Observation observation = co_await prober->probe(start);
  prober->close();
  if (answered(observation.outcome)) {
    round->any = true;
    round->any_named |= point->named;
  }
  --round->open;
  round->news.set();
}

net::Task<void> Connectivity::Impl::check() {
  const auto self = shared_from_this();
  const bool has_names = std::any_of(points.begin(), points.end(), [](const auto& point) { return point->named; });
  const auto round = std::make_shared<Round>(loop.executor(), points.size());
  for (const auto& point : points) loop.spawn("connectivity", ask_one(round, point));
  const core::Deadline until = Steady::now() + config.timeout + std::chrono::milliseconds(50);
  while (round->open > 0 && !(round->any && (round->any_named || !has_names))) {
    round->news.reset();
    const bool news = co_await round->news.wait(until);
    if (!news) break;
  }
  ConnectivityState found;
  found.network = round->any;
  found.names = has_names ? round->any_named : round->any;
  checking = false;
  if (std::exchange(state, found) != found) changed(found);
  settled.set();
}

/// An answer to questions that were put at `since` or later: older ones say nothing of what failed since.
net::Task<ConnectivityState> Connectivity::Impl::ask(core::Deadline since) {
  const auto self = shared_from_this();
  const core::Deadline until = Steady::now() + 2 * config.timeout + std::chrono::seconds(1);
  while (!points.empty() && !stopped && (checking || !asked || *asked < since)) {
    if (!checking) {
      checking = true;
      asked = Steady::now();
      settled.reset();
      loop.spawn("connectivity", check());
    }
    const bool over = co_await settled.wait(until);
    if (!over) break;
  }
  co_return state;
}

Connectivity::Connectivity(net::Loop& loop, ProberTools tools, Changed changed)
    : impl_(std::make_shared<Impl>(loop, tools, std::move(changed))) {}

Connectivity::~Connectivity() = default;

void Connectivity::configure(ConnectivityConfig config) {
  impl_->loop.post([impl = impl_, config = std::move(config)] { impl->configure(config); });
}

void Connectivity::stop() {
  impl_->loop.post([impl = impl_] { impl->stopped = true; });
}

bool Connectivity::on() const { return impl_->on; }

net::Task<ConnectivityState> Connectivity::ask(bool news) {
  const auto impl = impl_;
  const core::Deadline since = Steady::now() - (news ? Steady::duration(0) : Steady::duration(fresh));
  const ConnectivityState state = co_await impl->ask(since);
  co_return state;
}

}  // namespace tocsin::daemon
