// One connection to a server, by libpq's asynchronous functions. Not thread-safe.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <optional>
#include <string>

#include "postgres/failure.hpp"
#include "postgres/rows.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/net/readiness.hpp"
#include "tocsin/probes/postgres.hpp"

namespace tocsin::probes::postgres {

/// The answer to one statement.
class Answer {
 public:
  Answer() = default;
  explicit Answer(PGresult* result) : result_(result) {}

  explicit operator bool() const { return result_ != nullptr; }
  /// True for a table, also one without rows.
  [[nodiscard]] bool has_rows() const { return status() == PGRES_TUPLES_OK; }
  [[nodiscard]] bool failed() const;
  /// COPY has begun, which nobody may start here: it would never end.
  [[nodiscard]] bool copies() const;
  [[nodiscard]] SqlError error() const;
  /// Fills `rows`, whose memory is used again. They are valid as long as this answer.
  void read(Rows& rows) const;

 private:
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  [[nodiscard]] ExecStatusType status() const { return PQresultStatus(result_.get()); }
  std::unique_ptr<PGresult, Clear> result_;
};

/// Where to, and as whom. What libpq would look for elsewhere (files in the home folder, a service file) is left out.
struct Login {
  const PostgresOptions* options = nullptr;
  std::string database;
  core::Secret password;
  std::optional<net::Endpoint> endpoint;  // none: a unix socket
};

class Connection {
 public:
  /// `max_reply` bounds what the server may say between two calls of `set_out`.
  Connection(net::Executor executor, std::size_t max_reply);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Connects; call it once. Failures name the phase: connect, tls or auth.
  [[nodiscard]] net::Task<core::Result<void>> open(Login login, core::Deadline deadline);
  /// Begins a new count of what the server says.
  void set_out() { heard_ = 0; }
  /// Sends one message of the simple query protocol. Then ask for answers until there is none.
  [[nodiscard]] net::Task<core::Result<void>> send(const std::string& sql, core::Deadline deadline);
  /// The next answer; an empty one when all have come.
  [[nodiscard]] net::Task<core::Result<Answer>> next(core::Deadline deadline);
  /// Returns true when the idle connection has ended, false after `stop_watching`.
  [[nodiscard]] net::Task<bool> watch();
  void stop_watching();
  /// Says goodbye and waits until the server has let go of the session, so that the next one is not one too many. The
  /// last call.
  [[nodiscard]] net::Task<void> leave(core::Deadline deadline);

  /// The block of statements has failed and waits for ROLLBACK.
  [[nodiscard]] bool in_failed_block() const { return PQtransactionStatus(handle_.get()) == PQTRANS_INERROR; }
  [[nodiscard]] bool idle() const { return PQtransactionStatus(handle_.get()) == PQTRANS_IDLE; }
  /// 150004, as the server announced; 0 where it did not.
  [[nodiscard]] int server_version() const { return PQserverVersion(handle_.get()); }
  /// A parameter that the server announced ("in_hot_standby"); empty where it did not.
  [[nodiscard]] std::string_view parameter(const char* name) const;
  [[nodiscard]] int backend_pid() const { return PQbackendPID(handle_.get()); }

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  [[nodiscard]] net::Task<core::Result<void>> shake_hands(core::Deadline deadline);
  [[nodiscard]] core::Result<void> begin(const Login& login);
  [[nodiscard]] core::Result<void> consume(core::Phase phase);
  [[nodiscard]] core::Result<void> count_heard(core::Phase phase);
  [[nodiscard]] core::Failure broken(core::Phase phase);
  [[nodiscard]] bool drain_notices();

  std::size_t max_reply_;
  std::size_t heard_ = 0;
  core::Secret password_;
  std::unique_ptr<PGconn, Finish> handle_;
  net::Readiness readiness_;  // goes before the handle
  bool watching_ = false;
};

}  // namespace tocsin::probes::postgres
