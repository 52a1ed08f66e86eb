// The driver: owns connections and the deadline, and leaves every decision about statements to Questions.
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "postgres/connection.hpp"
#include "postgres/databases.hpp"
#include "postgres/questions.hpp"
#include "postgres/scrape.hpp"
#include "src/idle_limit.hpp"
#include "tocsin/probes/postgres.hpp"

namespace tocsin::probes {
namespace postgres {
namespace {

using Clock = std::chrono::steady_clock;  // durations only; the samples' time is an argument
using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;
using std::chrono::milliseconds;

constexpr int most_messages = 200;  // of one round; a bound for servers that play

/// What one database of one server is asked, and over what.
struct Talk {
  Connection* connection = nullptr;
  Questions* questions = nullptr;
  ServerInfo* server = nullptr;
};

milliseconds left(core::Deadline deadline) {
  return std::max(std::chrono::duration_cast<milliseconds>(deadline - Clock::now()), milliseconds(1));
}

/// The server gives up before we do, so that the others still have their turn.
Limits limits_for(core::Deadline deadline) {
  const milliseconds time = left(deadline);
  Limits limits;
  limits.statement = std::max(time * 6 / 10, milliseconds(10));
  limits.lock = std::clamp(time / 8, milliseconds(5), milliseconds(500));
  return limits;
}

/// A server that takes longer than this to end a session is not waited for.
core::Deadline time_to_leave(core::Deadline deadline) { return std::min(deadline, Clock::now() + milliseconds(200)); }

/// Failures after which a new connection may do better than the kept one did.
bool may_be_stale(const Failure& failure) {
  return failure.outcome == Outcome::closed || failure.outcome == Outcome::connect ||
         failure.outcome == Outcome::auth || failure.outcome == Outcome::protocol;
}

class PostgresProber final : public Prober {
 public:
  PostgresProber(net::Connector& connector, net::Executor executor, Identity identity, PostgresOptions options);

  [[nodiscard]] net::Task<core::Observation> probe(ProbeStart start) override;
  [[nodiscard]] bool has_sentinel() const override { return connection_ != nullptr; }
  [[nodiscard]] net::Task<bool> watch() override;
  void stop_watching() override {
    if (connection_) connection_->stop_watching();
  }
  void close() override { connection_.reset(); }

 private:
  [[nodiscard]] net::Task<Result<void>> ask_main(ProbeStart start);
  [[nodiscard]] net::Task<void> ask_others(ProbeStart start);
  [[nodiscard]] net::Task<Result<void>> ask_other(Databases::Entry& entry, ProbeStart start, core::Deadline deadline);
  [[nodiscard]] net::Task<Result<void>> connect_main(core::Deadline deadline);
  [[nodiscard]] net::Task<Result<void>> converse(Talk talk, core::Deadline deadline);
  [[nodiscard]] net::Task<Result<void>> take_answers(Talk talk, core::Deadline deadline);
  void meet(const Connection& connection, ServerInfo& server, const std::string& database) const;
  void finish(core::Observation& observation, Clock::time_point begun, core::TimePoint at);
  /// What went wrong in a probe that is good as a whole.
  [[nodiscard]] std::string complaint() const;
  void settle_connection(bool good, Clock::time_point begun);

  net::Connector& connector_;
  net::Executor executor_;
  Identity identity_;
  PostgresOptions options_;
  core::SeriesTable table_;
  Samples samples_;
  Collectors collectors_;
  std::vector<std::string> found_;  // databases
  std::optional<DatabaseList> list_;
  Questions main_;
  Databases others_;
  ServerInfo server_;
  ScrapeMetrics scrape_;
  CommonMetrics common_;
  Rows rows_;                             // memory that is used again
  std::vector<std::uint32_t> row_given_;  // by slot: the last batch that had it
  std::uint32_t batch_ = 0;

  std::shared_ptr<Connection> connection_;  // shared with whoever watches it
  std::optional<net::Endpoint> endpoint_;   // that it is to
  IdleLimit idle_limit_;
  std::optional<Clock::time_point> last_end_;    // of the probe before
  IdleLimit::Span gap_{0};                       // between the last two probes
  std::optional<IdleLimit::Span> closed_after_;  // how long the connection had idled that was found closed
};

PostgresOptions with_defaults(PostgresOptions options) {
  if (options.database.empty()) options.database = options.user;
  return options;
}

PostgresProber::PostgresProber(net::Connector& connector, net::Executor executor, Identity identity,
                               PostgresOptions options)
    : connector_(connector),
      executor_(std::move(executor)),
      identity_(std::move(identity)),
      options_(with_defaults(std::move(options))),
      // Twice: series that ended keep their slots for a while. And room for what the probe says of itself.
      table_(2 * options_.max_series + 2 * options_.max_databases + 1000, core::SeriesTable::usual_forget_after,
             identity_.texts),
      samples_(identity_.base, options_.max_series),
      collectors_(make_collectors(options_)),
      main_(collectors_, Questions::Place::main, options_.database),
      others_(collectors_, options_),
      common_(identity_.base) {
  if (options_.databases != PostgresOptions::Databases::connected) main_.add_hidden(list_.emplace(found_));
  server_.server = options_.address.unix_socket ? options_.address.host + ":" + std::to_string(options_.address.port)
                                                : options_.address.to_string();
  server_.database = options_.database;
}

net::Task<core::Observation> PostgresProber::probe(ProbeStart start) {
  const auto begun = Clock::now();
  if (last_end_) gap_ = begun - *last_end_;
  if (start.fresh || !idle_limit_.outlives(gap_, begun)) connection_.reset();
  table_.begin();
  samples_.begin(table_);
  main_.begin(start.at, start.fresh, samples_, start.light);

  const bool kept = connection_ != nullptr;
  auto result = co_await ask_main(start);
  if (!result && kept && may_be_stale(result.error())) {
    // The server may close what idles at any time; only a new connection can tell whether it is well.
    if (result.error().outcome == Outcome::closed) closed_after_ = gap_;
    connection_.reset();
    result = co_await ask_main(start);
  }
  if (!result) main_.give_up(result.error().detail, samples_);
  if (result && list_) co_await ask_others(start);

  core::Observation observation;
  observation.target = identity_.target;
  observation.at = start.at;
  if (!result) {
    Failure failure = result.error();
    observation.outcome = failure.outcome;
    observation.phase = failure.phase;
    observation.detail = std::move(failure.detail);
  }
  settle_connection(observation.good(), begun);
  finish(observation, begun, start.at);
  co_return observation;
}

net::Task<Result<void>> PostgresProber::ask_main(ProbeStart start) {
  if (!connection_) {
    auto connected = co_await connect_main(start.deadline);
    if (!connected) co_return connected;
  }
  const std::shared_ptr<Connection> connection = connection_;
  connection->set_out();
  const Talk talk{connection.get(), &main_, &server_};
  auto done = co_await converse(talk, start.deadline);
  server_.pooler = server_.backend_pid != connection->backend_pid();
  co_return done;
}

net::Task<Result<void>> PostgresProber::connect_main(core::Deadline deadline) {
  Login login;
  login.options = &options_;
  login.database = options_.database;
  if (!options_.password.empty()) {
    auto password = options_.password.read();
    if (!password) co_return password.error();
    login.password = *password;
  }
  std::vector<std::optional<net::Endpoint>> ways(1);
  if (!options_.address.unix_socket) {
    const auto found = co_await connector_.resolve(options_.address.host, options_.address.port, deadline);
    if (!found) co_return found.error();
    ways.assign(found->begin(), found->end());
  }
  Result<void> opened = Failure{Outcome::resolve, Phase::resolve, "the name has no address"};
  for (std::size_t i = 0; i < ways.size(); ++i) {
    const auto now = Clock::now();
    const core::Deadline part = now + (deadline - now) / static_cast<long>(ways.size() - i);
    login.endpoint = ways[i];
    auto connection = std::make_shared<Connection>(executor_, options_.max_reply);
    Login attempt = login;
    opened = co_await connection->open(std::move(attempt), part);
    if (opened) {
      meet(*connection, server_, options_.database);
      connection_ = std::move(connection);
      endpoint_ = ways[i];
      break;
    }
    if (opened.error().phase != Phase::connect || opened.error().outcome == Outcome::cancelled) break;
  }
  co_return opened;
}

void PostgresProber::meet(const Connection& connection, ServerInfo& server, const std::string& database) const {
  server.version_num = connection.server_version();
  server.in_recovery = connection.parameter("in_hot_standby") == "on";
  server.database = database;
}

net::Task<Result<void>> PostgresProber::converse(Talk talk, core::Deadline deadline) {
  Connection& connection = *talk.connection;
  for (int messages = 0; messages < most_messages; ++messages) {
    const bool in_failed_block = connection.in_failed_block();
    const auto message = talk.questions->message(*talk.server, limits_for(deadline), in_failed_block);
    if (!message) {
      if (talk.questions->refused()) co_return to_failure(*talk.questions->refused(), Phase::query);
      co_return Result<void>();
    }
    auto sent = co_await connection.send(*message, deadline);
    if (!sent) co_return sent;
    auto taken = co_await take_answers(talk, deadline);
    if (!taken) co_return taken;
    talk.questions->finish();
  }
  co_return Failure{Outcome::protocol, Phase::query, "the server's answers lead nowhere"};
}

net::Task<Result<void>> PostgresProber::take_answers(Talk talk, core::Deadline deadline) {
  auto before = Clock::now();
  std::optional<SqlError> last_word;
  while (true) {
    const auto answer = co_await talk.connection->next(deadline);
    if (!answer) {
      // A server that ends the session says why before it goes.
      if (last_word && answer.error().outcome == Outcome::closed) co_return to_failure(*last_word, Phase::query);
      co_return answer.error();
    }
    if (!*answer) break;
    const auto now = Clock::now();
    const auto took = now - std::exchange(before, now);
    if (answer->failed()) {
      last_word = answer->error();
      if (ends_session(last_word->state)) continue;
      talk.questions->take(nullptr, &*last_word, took, *talk.server, samples_);
    } else if (answer->has_rows()) {
      answer->read(rows_);
      talk.questions->take(&rows_, nullptr, took, *talk.server, samples_);
    } else {
      talk.questions->take(nullptr, nullptr, took, *talk.server, samples_);
    }
  }
  if (last_word && ends_session(last_word->state)) co_return to_failure(*last_word, Phase::query);
  co_return Result<void>();
}

net::Task<void> PostgresProber::ask_others(ProbeStart start) {
  others_.update(found_, server_.database, samples_);
  const std::vector<Databases::Entry*> due = others_.due(start.at, start.fresh, samples_);
  if (due.empty()) co_return;
  // One connection at a time: they are scarce, and the role may be allowed no more.
  const std::shared_ptr<Connection> before = std::exchange(connection_, nullptr);
  co_await before->leave(time_to_leave(start.deadline));
  for (std::size_t i = 0; i < due.size(); ++i) {
    Databases::Entry& entry = *due[i];
    const auto now = Clock::now();
    const auto time = start.deadline - now;
    if (time < milliseconds(50)) {
      entry.questions.repeat(samples_);  // its turn comes first the next time
      continue;
    }
    // One that hangs must not take everybody's time.
    const core::Deadline part = i + 1 == due.size() ? now + time * 9 / 10 : now + time / 2;
    entry.asked_at = start.at;
    entry.questions.begin(start.at, true, samples_);
    const auto asked = co_await ask_other(entry, start, part);
    entry.success = asked.has_value();
    if (asked) {
      entry.read_at = start.at;
    } else {
      entry.failure = asked.error().detail;
      entry.questions.give_up(entry.failure, samples_);
    }
  }
  if (!options_.keep_connection) co_return;
  // To be watched until the next probe. Where that fails, the next probe will say why.
  const auto now = Clock::now();
  static_cast<void>(co_await connect_main(now + (start.deadline - now) / 2));
}

net::Task<Result<void>> PostgresProber::ask_other(Databases::Entry& entry, ProbeStart /*start*/,
                                                  core::Deadline deadline) {
  Login login;
  login.options = &options_;
  login.database = entry.name;
  login.endpoint = endpoint_;
  if (!options_.password.empty()) {
    auto password = options_.password.read();
    if (!password) co_return password.error();
    login.password = *password;
  }
  Connection connection(executor_, options_.max_reply);
  auto opened = co_await connection.open(std::move(login), deadline);
  if (!opened) co_return opened;
  entry.server.server = server_.server;
  meet(connection, entry.server, entry.name);
  const Talk talk{&connection, &entry.questions, &entry.server};
  auto done = co_await converse(talk, deadline);
  if (done) co_await connection.leave(time_to_leave(deadline));
  co_return done;
}

void PostgresProber::finish(core::Observation& observation, Clock::time_point begun, core::TimePoint at) {
  observation.took = *last_end_ - begun;
  ScrapeState state;
  state.up = main_.answered();
  state.took = observation.took;
  state.turns = main_.turns();
  const std::vector<DatabaseState> databases = others_.states(at);
  if (state.up) state.databases = databases;
  state.error = !observation.good() || std::any_of(state.turns.begin(), state.turns.end(), [](const Turn& turn) {
    return turn.collector->alone() && !turn.success;
  });
  if (observation.good()) observation.detail = complaint();
  scrape_.append(samples_, server_, state);
  common_.append(table_, observation.outcome, observation.took);
  observation.batch = table_.take();
  observation.described = samples_.take_described();
  // A query of the operator's own may give one series twice; the first one stands.
  ++batch_;
  std::erase_if(observation.batch.rows, [&](const core::Row& row) {
    if (row.slot >= row_given_.size()) row_given_.resize(row.slot + 1);
    return std::exchange(row_given_[row.slot], batch_) == batch_;
  });
}

std::string PostgresProber::complaint() const {
  for (const Turn& turn : main_.turns()) {
    if (!turn.success) return "collector " + std::string(turn.collector->name()) + ": " + turn.failure;
  }
  const auto* const other = others_.failed();
  return other == nullptr ? "" : "database " + other->name + ": " + other->failure;
}

void PostgresProber::settle_connection(bool good, Clock::time_point begun) {
  const auto now = Clock::now();
  if (good && closed_after_) idle_limit_.closed_after(*closed_after_, begun);
  closed_after_.reset();
  const bool usable = connection_ != nullptr && connection_->idle();
  if (!good || !usable || !options_.keep_connection || !idle_limit_.outlives(gap_, now)) connection_.reset();
  last_end_ = now;
}

net::Task<bool> PostgresProber::watch() {
  const std::shared_ptr<Connection> connection = connection_;
  if (!connection) co_return false;
  const bool closed = co_await connection->watch();
  if (!closed || connection != connection_) co_return false;
  if (last_end_) closed_after_ = Clock::now() - *last_end_;
  connection_.reset();
  co_return true;
}

std::vector<core::MetricMeta> make_metadata() {
  const auto collectors = collector_metadata();
  const auto scrape = scrape_metadata();
  std::vector<core::MetricMeta> all(collectors.begin(), collectors.end());
  all.insert(all.end(), scrape.begin(), scrape.end());
  return all;
}

}  // namespace
}  // namespace postgres

std::unique_ptr<Prober> make_postgres_prober(net::Connector& connector, net::Executor executor, Identity identity,
                                             PostgresOptions options) {
  return std::make_unique<postgres::PostgresProber>(connector, std::move(executor), std::move(identity),
                                                    std::move(options));
}

std::span<const core::MetricMeta> postgres_metadata() {
  static const std::vector<core::MetricMeta> all = postgres::make_metadata();
  return all;
}

}  // namespace tocsin::probes
