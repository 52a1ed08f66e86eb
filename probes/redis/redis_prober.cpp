// The driver: owns the connection and the deadline, and leaves every decision about bytes to Round and InfoReader.
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "redis/details.hpp"
#include "redis/idle_limit.hpp"
#include "redis/info.hpp"
#include "redis/keys.hpp"
#include "redis/metrics.hpp"
#include "redis/round.hpp"
#include "redis/scrape.hpp"
#include "redis/server.hpp"
#include "tocsin/probes/redis.hpp"

namespace tocsin::probes {
namespace redis {
namespace {

using Clock = std::chrono::steady_clock;  // durations only; the samples' time is an argument

constexpr unsigned default_databases = 16;
constexpr int most_rounds = 3;  // after the first: what a server just met has, then its primaries

class RedisProber final : public Prober {
 public:
  RedisProber(net::Connector& connector, Identity identity, RedisOptions options)
      : connector_(connector),
        identity_(std::move(identity)),
        options_(std::move(options)),
        table_(options_.max_series, core::SeriesTable::usual_forget_after, identity_.texts),
        info_(identity_.base, options_.limits, options_.max_series, identity_.texts),
        cluster_info_(identity_.base),
        details_(identity_.base, options_.commands, options_.limits, options_.latency_histograms, identity_.texts),
        keys_(identity_.base, options_.commands, options_.keys, {options_.max_keys, options_.max_scans},
              options_.database.value_or(0)),
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
  [[nodiscard]] net::Task<core::Result<void>> converse(Exchange& exchange);
  [[nodiscard]] net::Task<core::Result<void>> ask_more(const Fresh& fresh);
  [[nodiscard]] net::Task<void> measure_keys(ProbeStart start);
  [[nodiscard]] std::shared_ptr<const Questions> questions(const Fresh& fresh, bool light);
  void interpret(const Round& round, core::TimePoint at);
  void settle_connection(bool good, Clock::time_point begun);
  void drop();

  net::Connector& connector_;
  Identity identity_;
  RedisOptions options_;
  core::SeriesTable table_;
  InfoReader info_;
  InfoReader cluster_info_;
  Details details_;
  KeyLengths keys_;
  ScrapeMetrics scrape_;
  CommonMetrics common_;

  std::shared_ptr<net::Stream> stream_;  // shared with whoever watches it
  IdleLimit idle_limit_;
  std::optional<Clock::time_point> last_end_;    // of the probe before
  IdleLimit::Span gap_{0};                       // between the last two probes
  std::optional<IdleLimit::Span> closed_after_;  // how long the connection had idled that was found closed
  std::optional<Server> server_;                 // none before the first answer
  bool info_all_ = true;                         // INFO ALL is understood
  std::vector<Question> asked_;                  // in this probe, beside INFO
  std::shared_ptr<const Questions> steady_;      // of a probe on a kept connection
  std::vector<Question> steady_asked_;
  std::uint32_t cost_ = 0;      // commands of this probe
  std::uint64_t refused_ = 0;   // by the table, at the end of the probe before
  std::uint64_t left_out_ = 0;  // samples, up to the end of the probe before
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
  cost_ = 0;
  const bool kept = stream_ != nullptr;
  auto result = co_await ask(start, fresh, round);
  if (!result && kept && round != nullptr && round->first_failed() && may_be_stale(result.error())) {
    // The server may close what idles at any time; only a new connection can tell whether it is well.
    if (result.error().outcome == core::Outcome::closed) closed_after_ = gap_;
    drop();
    result = co_await ask(start, fresh, round);
  }
  if (result && !keys_.empty()) co_await measure_keys(start);

  core::Observation observation;
  observation.target = identity_.target;
  observation.at = start.at;
  observation.cost = cost_;
  if (!result) {
    auto failure = result.error();
    observation.outcome = failure.outcome;
    observation.phase = failure.phase;
    observation.detail = std::move(failure.detail);
  }
  settle_connection(observation.good(), begun);
  observation.took = *last_end_ - begun;
  table_.begin();
  // These first: there is room for them, however much the server says.
  scrape_.append(table_, observation.outcome, observation.took, fresh.took, left_out_);
  common_.append(table_, observation.outcome, observation.took);
  if (observation.good()) interpret(*round, start.at);
  if (info_.facts().cut || table_.refused() != refused_) {
    observation.detail = "the server has more series than max_series; what is beyond is left out";
  }
  refused_ = table_.refused();
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
  details_.begin(start.at, start.fresh);
  round = std::make_unique<Round>(questions(fresh, start.light), details_, options_.max_reply);
  auto answered = co_await converse(*round);
  if (info_all_ && round->info_refused()) {
    // Not every server knows INFO ALL, or says anything to it.
    auto plain = std::make_shared<Questions>(options_.commands);
    plain->ask(Question::info_plain);
    round = std::make_unique<Round>(std::move(plain), details_, options_.max_reply);
    answered = co_await converse(*round);
    if (answered) info_all_ = false;
  }
  if (!answered) co_return answered;
  if (!InfoReader::has_fields(round->info_text())) {
    co_return core::Failure{core::Outcome::protocol, core::Phase::parse, "the answer to INFO has no fields"};
  }
  if (fresh.connected) {
    const auto server = describe(round->info_text());
    if (server_ && *server_ != server) {
      details_.forget();
      asked_.clear();
    }
    server_ = server;
  }
  auto more = co_await ask_more(fresh);
  co_return more;
}

/// What suits the server and was not asked together with INFO: all of it, when the server is met for the first time.
net::Task<core::Result<void>> RedisProber::ask_more(const Fresh& fresh) {
  for (int i = 0; i < most_rounds && !options_.minimal; ++i) {
    auto questions = std::make_shared<Questions>(options_.commands);
    for (const Question question : details_.wanted(*server_, fresh.connected)) {
      if (std::ranges::find(asked_, question) != asked_.end()) continue;
      questions->ask(question);
      asked_.push_back(question);
    }
    if (questions->list().empty() && details_.sentinel_moved()) details_.ask_about_primaries(*questions);
    if (questions->list().empty()) break;
    Round round(std::move(questions), details_, options_.max_reply);
    auto answered = co_await converse(round);
    if (!answered) co_return answered;
  }
  co_return core::Result<void>();
}

net::Task<void> RedisProber::measure_keys(ProbeStart start) {
  const auto now = Clock::now();
  const auto half = now + (start.deadline - now) / 2;  // what is begun by then has time to be answered
  keys_.begin(start.fresh);
  while (true) {
    auto commands = keys_.next(Clock::now() < half);
    if (commands.list.empty()) co_return;
    KeyExchange exchange(keys_, std::move(commands), options_.max_reply);
    const auto answered = co_await converse(exchange);
    if (answered) continue;
    // INFO was answered, so the server is well; the connection is of no more use.
    keys_.cut_short();
    drop();
    co_return;
  }
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

net::Task<core::Result<void>> RedisProber::converse(Exchange& exchange) {
  const auto stream = stream_;
  if (!stream) co_return core::Failure{core::Outcome::cancelled, core::Phase::query, "the connection was given up"};
  cost_ += static_cast<std::uint32_t>(exchange.size());
  const std::string_view request = exchange.request();
  const std::size_t sent = stream->write_now(request);
  core::Result<void> written;
  if (sent < request.size()) written = co_await stream->write(request.substr(sent));
  while (!exchange.done()) {
    // After a write that failed, too: a server that turns us away says why before it closes.
    const auto got = co_await stream->read_some(exchange.space());
    if (!got) co_return exchange.broken(written ? got.error() : written.error());
    auto taken = exchange.take(*got);
    if (!taken) co_return taken;
  }
  co_return core::Result<void>();
}

/// What is asked together; `light`: INFO alone, the rest comes when it was answered.
std::shared_ptr<const Questions> RedisProber::questions(const Fresh& fresh, bool light) {
  asked_.clear();
  const bool all = server_ && !options_.minimal && !light;
  if (all) asked_ = details_.wanted(*server_, fresh.connected);
  const bool sentinel = server_ && server_->sentinel;
  const bool steady = !fresh.connected && !sentinel && info_all_;
  if (steady && steady_ && steady_asked_ == asked_) return steady_;
  auto questions = std::make_shared<Questions>(options_.commands);
  if (fresh.connected && !fresh.credentials.empty()) questions->auth(fresh.credentials);
  if (fresh.connected && options_.database) questions->select(*options_.database);
  for (const Question question : asked_) questions->ask(question);
  if (sentinel && all) details_.ask_about_primaries(*questions);
  questions->ask(info_all_ ? Question::info : Question::info_plain);
  if (steady) {
    steady_ = questions;
    steady_asked_ = asked_;
  }
  return questions;
}

void RedisProber::interpret(const Round& round, core::TimePoint at) {
  const unsigned databases = details_.databases() != 0 ? details_.databases() : default_databases;
  if (details_.histograms_changed()) info_.has_histograms(details_.histograms());
  static_cast<void>(info_.read(round.info_text(), at, databases, table_));
  left_out_ += info_.facts().left_out;
  const auto& cluster = details_.cluster_text();
  if (server_->cluster && !server_->cluster_in_info && !cluster.empty()) {
    static_cast<void>(cluster_info_.read(cluster, at, 0, table_));
    left_out_ += cluster_info_.facts().left_out;
  }
  const std::uint64_t refused = table_.refused();
  details_.append(table_, info_.facts());
  keys_.append(table_);
  left_out_ += table_.refused() - refused;
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
