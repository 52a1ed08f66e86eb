// The driver: owns the connection and the deadline, and leaves every decision about bytes to Round and InfoReader.
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "redis/config.hpp"
#include "redis/idle_limit.hpp"
#include "redis/info.hpp"
#include "redis/metrics.hpp"
#include "redis/round.hpp"
#include "redis/scrape.hpp"
#include "tocsin/probes/redis.hpp"

namespace tocsin::probes {
namespace redis {
namespace {

using Clock = std::chrono::steady_clock;  // durations only; the samples' time is an argument

constexpr std::size_t most_series = 25'000;
constexpr unsigned default_databases = 16;
constexpr std::chrono::seconds config_every{60};

class RedisProber final : public Prober {
 public:
  RedisProber(net::Connector& connector, Identity identity, RedisOptions options)
      : connector_(connector),
        identity_(std::move(identity)),
        options_(std::move(options)),
        table_(most_series),
        info_(identity_.base),
        cluster_info_(identity_.base),
        config_(identity_.base),
        scrape_(identity_.base),
        common_(identity_.base) {}

  [[nodiscard]] net::Task<core::Observation> probe(ProbeStart start) override;
  [[nodiscard]] bool has_sentinel() const override { return stream_ != nullptr; }
  [[nodiscard]] net::Task<bool> watch() override;
  void stop_watching() override {
    if (stream_) stream_->stop_watching();
  }
  void close() override { drop(); }

 private:
  /// What connecting gave: who we are, for the first round on a new connection.
  struct Fresh {
    bool connected = false;  // in this probe
    std::chrono::nanoseconds took{0};
    Credentials credentials;
  };

  [[nodiscard]] net::Task<core::Result<void>> ask(ProbeStart start, Fresh& fresh, std::unique_ptr<Round>& round);
  [[nodiscard]] net::Task<core::Result<void>> connect(core::Deadline deadline, Fresh& fresh);
  [[nodiscard]] net::Task<core::Result<void>> converse(Round& round);
  [[nodiscard]] std::unique_ptr<Round> questions(const ProbeStart& start, const Fresh& fresh) const;
  [[nodiscard]] bool wants_config(const ProbeStart& start, const Fresh& fresh) const;
  void learn_config(const Round& round, core::TimePoint at);
  [[nodiscard]] core::Result<void> interpret(const Round& round, core::TimePoint at);
  void settle_connection(bool good, Clock::time_point begun);
  void drop();

  net::Connector& connector_;
  Identity identity_;
  RedisOptions options_;
  core::SeriesTable table_;
  InfoReader info_;
  InfoReader cluster_info_;
  ConfigReader config_;
  ScrapeMetrics scrape_;
  CommonMetrics common_;

  std::shared_ptr<net::Stream> stream_;  // shared with whoever watches it
  IdleLimit idle_limit_;
  std::optional<Clock::time_point> last_end_;    // of the probe before
  IdleLimit::Span gap_{0};                       // between the last two probes
  std::optional<IdleLimit::Span> closed_after_;  // how long the connection had idled that was found closed
  std::optional<core::TimePoint> config_asked_;
  bool config_refused_ = false;
  bool info_all_ = true;  // INFO ALL is understood
  bool cluster_ = false;  // ask CLUSTER INFO too
};

/// Failures after which a new connection may do better than the kept one did.
bool may_be_stale(const core::Failure& failure) {
  using enum core::Outcome;
  return failure.outcome == closed || failure.outcome == connect || failure.outcome == auth ||
         failure.outcome == protocol;
}

net::Task<core::Observation> RedisProber::probe(ProbeStart start) {
  const auto begun = Clock::now();
  if (last_end_) gap_ = begun - *last_end_;
  if (start.fresh || !idle_limit_.outlives(gap_, begun)) drop();
  if (start.fresh) info_all_ = true;

  Fresh fresh;
  std::unique_ptr<Round> round;
  const bool kept = stream_ != nullptr;
  auto result = co_await ask(start, fresh, round);
  if (!result && kept && round != nullptr && round->first_failed() && may_be_stale(result.error())) {
    // The server may close what idles at any time; only a new connection can tell whether it is well.
    if (result.error().outcome == core::Outcome::closed) closed_after_ = gap_;
    drop();
    result = co_await ask(start, fresh, round);
  }

  core::Observation observation;
  observation.target = identity_.target;
  observation.at = start.at;
  table_.begin();
  if (result) result = interpret(*round, start.at);
  if (!result) {
    auto failure = result.error();
    observation.outcome = failure.outcome;
    observation.phase = failure.phase;
    observation.detail = std::move(failure.detail);
  } else if (info_.facts().cut) {
    observation.detail = "INFO has too many series; what is beyond the limit is left out";
  }
  settle_connection(observation.good(), begun);
  observation.took = *last_end_ - begun;
  scrape_.append(table_, observation.outcome, observation.took, fresh.took);
  common_.append(table_, observation.outcome, observation.took);
  observation.batch = table_.take();
  co_return observation;
}

net::Task<core::Result<void>> RedisProber::ask(ProbeStart start, Fresh& fresh, std::unique_ptr<Round>& round) {
  if (!stream_) {
    auto connected = co_await connect(start.deadline, fresh);
    if (!connected) co_return connected;
  } else {
    stream_->expires_at(start.deadline);
  }
  round = questions(start, fresh);
  auto answered = co_await converse(*round);
  learn_config(*round, start.at);
  if (info_all_ && round->info_refused()) {
    // Not every server knows INFO ALL, or says anything to it.
    round = std::make_unique<Round>(options_.max_reply);
    round->info(false);
    answered = co_await converse(*round);
    if (answered) info_all_ = false;
  }
  if (!answered) co_return answered;
  const auto text = round->info_text();
  const bool cluster = text.find("\ncluster_enabled:1") != std::string_view::npos &&
                       text.find("\ncluster_state:") == std::string_view::npos;
  if (cluster == cluster_) co_return answered;
  cluster_ = cluster;
  if (!cluster) co_return answered;
  // The first time it turns out to be one: once more, with both questions.
  round = std::make_unique<Round>(options_.max_reply);
  round->cluster();
  round->info(info_all_);
  auto again = co_await converse(*round);
  co_return again;
}

net::Task<core::Result<void>> RedisProber::connect(core::Deadline deadline, Fresh& fresh) {
  if (!options_.password.empty()) {
    auto password = options_.password.read();
    if (!password) co_return password.error();
    fresh.credentials.password = *password;
  }
  fresh.credentials.user = options_.user;
  const auto begun = Clock::now();
  auto address = options_.address;
  auto tls = options_.tls;
  auto opened = co_await connector_.open(std::move(address), std::move(tls), deadline);
  fresh.took += Clock::now() - begun;
  if (!opened) co_return opened.error();
  fresh.connected = true;
  stream_ = std::move(*opened);
  stream_->expires_at(deadline);
  co_return core::Result<void>();
}

net::Task<core::Result<void>> RedisProber::converse(Round& round) {
  const auto stream = stream_;
  if (!stream) co_return core::Failure{core::Outcome::cancelled, core::Phase::query, "the connection was given up"};
  const auto written = co_await stream->write(round.request());
  while (!round.done()) {
    // After a write that failed, too: a server that turns us away says why before it closes.
    const auto got = co_await stream->read_some(round.space());
    if (!got) co_return round.broken(written ? got.error() : written.error());
    auto taken = round.take(*got);
    if (!taken) co_return taken;
  }
  co_return core::Result<void>();
}

std::unique_ptr<Round> RedisProber::questions(const ProbeStart& start, const Fresh& fresh) const {
  auto round = std::make_unique<Round>(options_.max_reply);
  if (fresh.connected && !fresh.credentials.empty()) round->auth(fresh.credentials);
  if (fresh.connected && options_.database) round->select(*options_.database);
  if (wants_config(start, fresh)) round->config(config_pattern);
  if (cluster_) round->cluster();
  round->info(info_all_);
  return round;
}

bool RedisProber::wants_config(const ProbeStart& start, const Fresh& fresh) const {
  // What INFO does not have changes seldom. A new connection may lead to another server.
  if (start.fresh || !config_asked_) return true;
  if (config_refused_) return false;
  return (fresh.connected && options_.keep_connection) || start.at - *config_asked_ >= config_every;
}

void RedisProber::learn_config(const Round& round, core::TimePoint at) {
  if (round.config_refused()) {
    config_.forget();
    config_refused_ = true;
    config_asked_ = at;
  } else if (const auto* const values = round.config_values()) {
    config_.learn(*values);
    config_refused_ = false;
    config_asked_ = at;
  }
}

core::Result<void> RedisProber::interpret(const Round& round, core::TimePoint at) {
  const unsigned databases = config_.databases() != 0 ? config_.databases() : default_databases;
  if (!info_.read(round.info_text(), at, databases, table_)) {
    return core::Failure{core::Outcome::protocol, core::Phase::parse, "the answer to INFO has no fields"};
  }
  if (!round.cluster_text().empty()) static_cast<void>(cluster_info_.read(round.cluster_text(), at, 0, table_));
  config_.append(table_, info_.facts());
  return {};
}

void RedisProber::settle_connection(bool good, Clock::time_point begun) {
  const auto now = Clock::now();
  if (good && closed_after_) idle_limit_.closed_after(*closed_after_, begun);
  closed_after_.reset();
  if (!good || !options_.keep_connection || !idle_limit_.outlives(gap_, now)) drop();
  last_end_ = now;
}

net::Task<bool> RedisProber::watch() {
  const auto stream = stream_;
  if (!stream) co_return false;
  const bool closed = co_await stream->wait_closed();
  if (!closed || stream != stream_) co_return false;
  if (last_end_) closed_after_ = Clock::now() - *last_end_;
  drop();
  co_return true;
}

void RedisProber::drop() {
  if (stream_) stream_->close();
  stream_.reset();
}

}  // namespace
}  // namespace redis

std::unique_ptr<Prober> make_redis_prober(net::Connector& connector, net::Executor /*executor*/, Identity identity,
                                          RedisOptions options) {
  return std::make_unique<redis::RedisProber>(connector, std::move(identity), std::move(options));
}

std::span<const core::MetricMeta> redis_metadata() { return redis::all_metrics(); }

}  // namespace tocsin::probes
