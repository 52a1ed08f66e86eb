#include "postgres/questions.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace tocsin::probes::postgres {
namespace {

/// A number that is to fit an int; what is none, or does not, is 0.
int whole(std::optional<double> number) {
  const bool fits = number && *number > std::numeric_limits<int>::min() && *number < std::numeric_limits<int>::max();
  return fits ? static_cast<int>(*number) : 0;
}

constexpr unsigned most_attempts = 8;
/// What a server cannot answer is not asked each time; a right may be granted, and a table be made.
constexpr std::chrono::seconds refusals_last{60};
constexpr std::string_view greeting_columns =
    ",pg_catalog.version(),pg_catalog.current_setting('server_version_num'),pg_catalog.pg_is_in_recovery(),"
    "pg_catalog.current_database(),current_user,pg_catalog.pg_backend_pid()";

std::string setting(std::string_view name, std::chrono::milliseconds value) {
  return "pg_catalog.set_config('" + std::string(name) + "','" + std::to_string(value.count()) + "',true)";
}

/// "PostgreSQL 15.4 (Debian ...)" is 15.4.0, as postgres_exporter has it.
std::string short_version(std::string_view version) {
  const std::size_t begin = version.find_first_of("0123456789");
  if (begin == std::string_view::npos) return {};
  std::string number(version.substr(begin, version.find_first_not_of("0123456789.", begin) - begin));
  while (!number.empty() && number.back() == '.') number.pop_back();
  for (auto dots = std::count(number.begin(), number.end(), '.'); dots < 2; ++dots) number += ".0";
  return number;
}

bool is_time_limit(std::string_view state) { return state == "57014" || state == "55P03"; }

bool stands_alone(const Collector& collector) { return collector.alone() || collector.timeout().count() > 0; }

}  // namespace

Questions::Questions(const Collectors& collectors, Place place, const std::string& database)
    : main_(place == Place::main) {
  for (const auto& collector : collectors) {
    const bool here = main_ || collector->scope() == Scope::database;
    if (!here) continue;
    Turn turn;
    turn.collector = collector.get();
    turn.section = std::string(collector->name());
    if (!main_) turn.section.append("/").append(database);
    turns_.push_back(std::move(turn));
  }
}

void Questions::add_hidden(const Collector& collector) {
  Turn turn;
  turn.collector = &collector;
  turn.section = "hidden/" + std::string(collector.name());
  turn.hidden = true;
  turns_.push_back(std::move(turn));
}

void Questions::begin(core::TimePoint at, bool fresh, Samples& samples, bool light) {
  at_ = at;
  light_ = light;
  greeting_said_ = false;
  answered_ = false;
  refused_.reset();
  if (fresh) one_by_one_ = plain_ = false;
  for (Turn& turn : turns_) {
    if (fresh) {
      turn.attempt = 0;
      turn.refused_at.reset();
    }
    turn.asked = false;
    turn.pending = due(turn, fresh);
    if (!turn.pending) static_cast<void>(samples.repeat(turn.section));
  }
}

bool Questions::due(const Turn& turn, bool fresh) const {
  if (turn.refused_at && at_ - *turn.refused_at < refusals_last) return false;
  return fresh || !turn.success || !turn.read_at || at_ - *turn.read_at >= turn.collector->every();
}

std::vector<std::size_t> Questions::choose(const ServerInfo& server) {
  std::vector<std::size_t> chosen;
  sql_.clear();
  // Who was slow the last time comes last, so that it costs nobody else's answer.
  for (const bool slow : {false, true}) {
    for (std::size_t i = 0; i < turns_.size(); ++i) {
      Turn& turn = turns_[i];
      if (!turn.pending || turn.slow != slow) continue;
      const bool alone = one_by_one_ || stands_alone(*turn.collector);
      if (alone && !chosen.empty()) continue;
      auto sql = turn.collector->query(server, turn.attempt);
      if (!sql) {
        not_here(turn);
        continue;
      }
      chosen.push_back(i);
      sql_.push_back(std::move(*sql));
      if (alone) return chosen;
    }
  }
  return chosen;
}

void Questions::not_here(Turn& turn) {
  turn.pending = false;
  if (turn.attempt == 0) {
    turn.success = true;  // this server has no such thing
    turn.read_at = at_;
    return;
  }
  turn.attempt = 0;
  turn.refused_at = at_;
}

std::optional<std::string> Questions::message(const ServerInfo& server, Limits limits, bool in_failed_block) {
  step_ = in_failed_block ? -1 : 0;
  skip_ = false;
  asked_.clear();
  sql_.clear();
  const bool alone = light_ && !greeting_said_;
  if (!refused_ && !alone) asked_ = choose(server);
  std::string sql = in_failed_block ? "ROLLBACK;" : "";
  if (refused_ || (asked_.empty() && greeting_said_)) {
    skip_ = true;
    if (sql.empty()) return std::nullopt;
    return sql;
  }
  put(sql, limits, server);
  return sql;
}

void Questions::put(std::string& sql, Limits limits, const ServerInfo& server) {
  extra_ = asked_.size() == 1 && turns_[asked_[0]].collector->alone();
  if (asked_.size() == 1) {
    const auto own = turns_[asked_[0]].collector->timeout();
    if (own.count() > 0) limits.statement = std::min(limits.statement, own);
  }
  std::size_t size = 512;
  for (const std::string& query : sql_) size += query.size() + 2;
  sql.reserve(size);
  sql += "BEGIN READ ONLY;SELECT ";
  sql += setting("statement_timeout", limits.statement);
  sql += ',';
  sql += setting("lock_timeout", limits.lock);
  // A server that knows this stops working for a client that has gone.
  if (server.version_num >= 140000 && !plain_) {
    sql += ',';
    sql += setting("client_connection_check_interval", std::max(limits.statement / 4, std::chrono::milliseconds(100)));
  }
  if (!greeting_said_) sql += greeting_columns;
  // A new line, since a query may end with a comment.
  for (const std::string& query : sql_) sql.append(";\n").append(query);
  sql += "\n;COMMIT";
}

Turn* Questions::turn_at(long step) {
  const auto number = static_cast<std::size_t>(step - 2);
  return step >= 2 && number < asked_.size() ? &turns_[asked_[number]] : nullptr;
}

void Questions::take(const Rows* rows, const SqlError* error, std::chrono::nanoseconds since_last, ServerInfo& server,
                     Samples& samples) {
  if (skip_) return;
  const long step = step_++;
  Turn* const turn = turn_at(step);
  if (turn != nullptr) turn->took = since_last;
  if (error != nullptr) {
    skip_ = true;
    fail_at(step, *error, samples);
  } else if (step == 1) {
    greet(rows, server);
  } else if (turn != nullptr && rows == nullptr && extra_) {
    --step_;  // something before the table
  } else if (turn != nullptr) {
    read(*turn, rows, server, samples);
  }
}

void Questions::fail_at(long step, const SqlError& error, Samples& samples) {
  if (Turn* const turn = turn_at(step)) return fail(*turn, error, samples);
  // A syntax error is found before anything is done, and does not say in which statement.
  const bool syntax = step <= 0 && (error.state == "42601" || error.state == "42000");
  if (syntax && asked_.size() == 1) return fail(turns_[asked_[0]], error, samples);
  if (syntax && asked_.size() > 1) {
    one_by_one_ = true;
    return;
  }
  if (step == 1 && !plain_ && !ends_session(error.state)) {
    plain_ = true;
    return;
  }
  if (step < 2) refused_ = error;
}

void Questions::greet(const Rows* rows, ServerInfo& server) {
  if (greeting_said_) return;
  // The limits that were set come first: version, server_version_num, in_recovery, database, user, pid.
  if (rows == nullptr || rows->size() != 1 || rows->columns.size() < 8) {
    skip_ = true;
    refused_ = SqlError{"08P01", "the answer to version() is not of the kind that PostgreSQL gives"};
    return;
  }
  answered_ = greeting_said_ = true;
  const ServerInfo believed = server;
  const std::size_t first = rows->columns.size() - 6;
  if (server.version != rows->text(0, first)) {
    server.version = std::string(rows->text(0, first));
    server.short_version = short_version(server.version);
  }
  server.version_num = whole(rows->number(0, first + 1));
  server.in_recovery = rows->number(0, first + 2).value_or(0) != 0;
  server.database = std::string(rows->text(0, first + 3));
  server.user = std::string(rows->text(0, first + 4));
  server.backend_pid = whole(rows->number(0, first + 5));
  // The queries were made for another kind of server: ask again.
  skip_ = server.version_num != believed.version_num || server.in_recovery != believed.in_recovery;
}

void Questions::read(Turn& turn, const Rows* rows, const ServerInfo& server, Samples& samples) {
  turn.pending = false;
  turn.asked = true;
  samples.section(turn.section);
  turn.success = rows != nullptr && turn.collector->read(*rows, server, samples);
  turn.slow = false;
  turn.failure = turn.success ? "" : "the answer is not what was asked for";
  if (turn.success) turn.read_at = at_;
}

void Questions::fail(Turn& turn, const SqlError& error, Samples& samples) {
  turn.asked = true;
  turn.slow = is_time_limit(error.state);
  turn.success = false;
  turn.failure = to_failure(error, core::Phase::query).detail;
  samples.drop(turn.section);
  // The next way to ask is tried at once; without one the first way is tried the next time.
  turn.pending = is_missing(error.state) && turn.attempt + 1 < most_attempts;
  if (turn.pending) ++turn.attempt;
}

void Questions::finish() {
  if (skip_) return;
  // A message without its answers must not be sent for ever.
  if (step_ < 2 && !refused_) refused_ = SqlError{"08P01", "the server answered less than it was asked"};
  for (const std::size_t number : asked_) {
    Turn& turn = turns_[number];
    if (!turn.pending) continue;
    turn.pending = turn.success = false;
    turn.failure = "the statement gives no table";
  }
}

void Questions::repeat(Samples& samples) const {
  for (const Turn& turn : turns_) {
    if (turn.success) static_cast<void>(samples.repeat(turn.section));
  }
}

void Questions::give_up(const std::string& why, Samples& samples) {
  if (Turn* const turn = turn_at(step_); turn != nullptr && turn->pending && !skip_) turn->slow = true;
  for (Turn& turn : turns_) {
    if (!turn.pending) continue;
    turn.pending = turn.success = false;
    turn.failure = why;
    samples.drop(turn.section);
  }
}

}  // namespace tocsin::probes::postgres
