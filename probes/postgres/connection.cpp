#include "postgres/connection.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace tocsin::probes::postgres {
namespace {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;
using SslMode = PostgresOptions::SslMode;

/// A file that cannot be there: keeps libpq from looking in the home folder.
constexpr const char* no_file = "/dev/null/none";

const char* to_text(SslMode mode) {
  switch (mode) {
    case SslMode::disable:
      return "disable";
    case SslMode::allow:
      return "allow";
    case SslMode::prefer:
      return "prefer";
    case SslMode::require:
      return "require";
    case SslMode::verify_ca:
      return "verify-ca";
    case SslMode::verify_full:
      return "verify-full";
  }
  return "prefer";
}

/// libpq 15 has no word for the system's authorities.
std::string authorities(const PostgresOptions& options) {
  if (!options.sslrootcert.empty()) return options.sslrootcert;
  if (options.sslmode != SslMode::verify_ca && options.sslmode != SslMode::verify_full) return no_file;
  for (const char* const file :
       {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"}) {
    if (::access(file, R_OK) == 0) return file;
  }
  return no_file;
}

/// Names and values as libpq wants them. An empty value would mean: look in the environment, or in files.
class Parameters {
 public:
  void add(const char* name, const char* value) {
    names_.at(count_) = name;
    values_.at(count_) = value;
    ++count_;
  }
  void add(const char* name, const std::string& value) {
    if (!value.empty()) add(name, value.c_str());
  }
  [[nodiscard]] PGconn* start() const { return PQconnectStartParams(names_.data(), values_.data(), 0); }

 private:
  std::array<const char*, 24> names_{};
  std::array<const char*, 24> values_{};
  std::size_t count_ = 0;
};

/// What libpq is about when it waits.
Phase phase_of(const PGconn* connection) {
  switch (PQstatus(connection)) {
    case CONNECTION_NEEDED:
    case CONNECTION_STARTED:
      return Phase::connect;
    case CONNECTION_SSL_STARTUP:
      return Phase::tls;
    default:
      return Phase::auth;
  }
}

Failure too_late(Phase phase) {
  switch (phase) {
    case Phase::connect:
      return {Outcome::timeout, phase, "the server did not accept the connection before the deadline"};
    case Phase::tls:
      return {Outcome::timeout, phase, "the TLS handshake did not end before the deadline"};
    case Phase::auth:
      return {Outcome::timeout, phase, "the server did not let us in before the deadline"};
    default:
      return {Outcome::timeout, phase, "no answer before the deadline"};
  }
}

/// A server that talks without end is never waited for: the time counts all the same.
Result<void> settle(net::Ready ready, Phase phase, core::Deadline deadline) {
  if (ready == net::Ready::timeout || std::chrono::steady_clock::now() >= deadline) return too_late(phase);
  if (ready == net::Ready::yes) return {};
  return Failure{Outcome::cancelled, phase, "the probe was given up"};
}

/// A second descriptor of a socket.
class Duplicate {
 public:
  explicit Duplicate(int socket) : descriptor_(::fcntl(socket, F_DUPFD_CLOEXEC, 0)) {}
  ~Duplicate() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Duplicate(const Duplicate&) = delete;
  Duplicate& operator=(const Duplicate&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }
  /// Throws away what came; false when the other side has closed.
  [[nodiscard]] bool drain() const {
    std::array<char, 512> rest{};
    const ssize_t size = ::recv(descriptor_, rest.data(), rest.size(), MSG_DONTWAIT);
    return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
  }

 private:
  int descriptor_;
};

void ignore_notice(void*, const PGresult*) {}

}  // namespace

bool Answer::failed() const {
  switch (status()) {
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
      return false;
    default:
      return true;
  }
}

bool Answer::copies() const {
  return status() == PGRES_COPY_OUT || status() == PGRES_COPY_IN || status() == PGRES_COPY_BOTH;
}

SqlError Answer::error() const {
  const char* const state = PQresultErrorField(result_.get(), PG_DIAG_SQLSTATE);
  const char* const message = PQresultErrorField(result_.get(), PG_DIAG_MESSAGE_PRIMARY);
  SqlError error{state != nullptr ? state : "", message != nullptr ? message : ""};
  if (error.message.empty()) error.message = PQresultErrorMessage(result_.get());
  if (error.message.empty()) error.message = "the answer is no table";
  return error;
}

void Answer::read(Rows& rows) const {
  PGresult* const result = result_.get();
  const int columns = PQnfields(result);
  const int count = PQntuples(result);
  rows.columns.clear();
  rows.types.clear();
  rows.cells.clear();
  for (int col = 0; col < columns; ++col) {
    rows.columns.emplace_back(PQfname(result, col));
    rows.types.push_back(PQftype(result, col));
  }
  for (int row = 0; row < count; ++row) {
    for (int col = 0; col < columns; ++col) {
      if (PQgetisnull(result, row, col) != 0) {
        rows.cells.emplace_back();
      } else {
        rows.cells.emplace_back(
            std::string_view(PQgetvalue(result, row, col), static_cast<std::size_t>(PQgetlength(result, row, col))));
      }
    }
  }
}

Connection::Connection(net::Executor executor, std::size_t max_reply)
    : max_reply_(max_reply), readiness_(std::move(executor)) {}

Connection::~Connection() { readiness_.release(); }

Result<void> Connection::begin(const Login& login) {
  const PostgresOptions& options = *login.options;
  password_ = login.password;
  const std::string root = authorities(options);
  std::string port = std::to_string(options.address.port);
  std::string numeric;
  Parameters parameters;
  parameters.add("host", options.address.host);
  if (login.endpoint) {
    numeric = login.endpoint->to_string();
    numeric.resize(numeric.rfind(':'));
    if (numeric.starts_with('[')) numeric = numeric.substr(1, numeric.size() - 2);
    port = std::to_string(login.endpoint->port);
    parameters.add("hostaddr", numeric);
  }
  parameters.add("port", port);
  parameters.add("user", options.user);
  parameters.add("dbname", login.database);
  parameters.add("password", login.password.reveal());
  parameters.add("application_name", options.application_name);
  parameters.add("client_encoding", "UTF8");
  parameters.add("channel_binding", options.channel_binding);
  parameters.add("sslmode", to_text(options.sslmode));
  parameters.add("sslrootcert", root);
  parameters.add("sslcert", options.sslcert.empty() ? no_file : options.sslcert.c_str());
  parameters.add("sslkey", options.sslkey.empty() ? no_file : options.sslkey.c_str());
  parameters.add("sslcrl", no_file);
  parameters.add("passfile", no_file);
  parameters.add("gssencmode", "disable");
  parameters.add("target_session_attrs", "any");
  handle_.reset(parameters.start());
  if (!handle_) return Failure{Outcome::limit, Phase::connect, "there is no memory for a connection"};
  if (PQstatus(handle_.get()) == CONNECTION_BAD) {
    return connect_failure(PQerrorMessage(handle_.get()), Phase::connect, password_.reveal());
  }
  PQsetNoticeReceiver(handle_.get(), ignore_notice, nullptr);
  PQsetErrorVerbosity(handle_.get(), PQERRORS_VERBOSE);  // with the SQLSTATE
  return {};
}

net::Task<Result<void>> Connection::open(Login login, core::Deadline deadline) {
  auto begun = begin(login);
  if (!begun) co_return begun;
  auto done = co_await shake_hands(deadline);
  if (!done) co_return done;
  PQsetnonblocking(handle_.get(), 1);
  if (!readiness_.attach(PQsocket(handle_.get()))) {
    co_return Failure{Outcome::limit, Phase::connect, "the connection cannot be watched"};
  }
  co_return Result<void>();
}

net::Task<Result<void>> Connection::shake_hands(core::Deadline deadline) {
  PGconn* const handle = handle_.get();
  PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;
  while (wanted == PGRES_POLLING_WRITING || wanted == PGRES_POLLING_READING) {
    const Phase phase = phase_of(handle);
    if (!readiness_.attach(PQsocket(handle))) {
      co_return Failure{Outcome::limit, Phase::connect, "the connection cannot be watched"};
    }
    net::Ready ready = net::Ready::yes;
    if (wanted == PGRES_POLLING_READING) {
      ready = co_await readiness_.readable(deadline);
    } else {
      ready = co_await readiness_.writable(deadline);
    }
    // libpq may close its socket, and open another one of the same number.
    readiness_.release();
    auto waited = settle(ready, phase, deadline);
    if (waited) waited = count_heard(phase);
    if (!waited) co_return waited;
    wanted = PQconnectPoll(handle);
    if (wanted == PGRES_POLLING_FAILED) {
      co_return connect_failure(PQerrorMessage(handle), phase, password_.reveal());
    }
  }
  co_return Result<void>();
}

net::Task<Result<void>> Connection::send(const std::string& sql, core::Deadline deadline) {
  PGconn* const handle = handle_.get();
  if (PQsendQuery(handle, sql.c_str()) == 0) co_return broken(Phase::send);
  while (true) {
    const int left = PQflush(handle);
    if (left == 0) co_return Result<void>();
    if (left < 0) co_return broken(Phase::send);
    // A server that does not read may be waiting for us to read: libpq reads when it is asked to flush.
    const net::Ready ready = co_await readiness_.writable(deadline);
    auto waited = settle(ready, Phase::send, deadline);
    if (!waited) co_return waited;
  }
}

net::Task<Result<Answer>> Connection::next(core::Deadline deadline) {
  PGconn* const handle = handle_.get();
  while (PQisBusy(handle) != 0) {
    const net::Ready ready = co_await readiness_.readable(deadline);
    auto waited = settle(ready, Phase::query, deadline);
    if (waited) waited = consume(Phase::query);
    if (!waited) co_return waited.error();
  }
  Answer answer(PQgetResult(handle));
  if (PQstatus(handle) == CONNECTION_BAD) {
    readiness_.release();
    if (!answer || answer.error().state.empty()) co_return broken(Phase::receive);
  }
  if (answer.copies() || !drain_notices()) {
    co_return Failure{Outcome::protocol, Phase::receive, "the server tells what nobody asked it for"};
  }
  co_return answer;
}

Result<void> Connection::count_heard(Phase phase) {
  int size = 0;
  if (::ioctl(PQsocket(handle_.get()), FIONREAD, &size) == 0 && size > 0) heard_ += static_cast<std::size_t>(size);
  if (heard_ <= max_reply_) return {};
  return Failure{Outcome::limit, phase, "the server says more than " + std::to_string(max_reply_) + " bytes"};
}

Result<void> Connection::consume(Phase phase) {
  auto counted = count_heard(phase);
  if (!counted) return counted;
  if (PQconsumeInput(handle_.get()) == 0) return broken(Phase::receive);
  return {};
}

bool Connection::drain_notices() {
  PGnotify* const notice = PQnotifies(handle_.get());
  if (notice == nullptr) return true;
  PQfreemem(notice);
  return false;  // we never LISTEN
}

Failure Connection::broken(Phase phase) {
  // libpq may have closed its socket; the number may soon be another's.
  readiness_.release();
  return broken_connection(PQerrorMessage(handle_.get()), phase, password_.reveal());
}

std::string_view Connection::parameter(const char* name) const {
  const char* const value = PQparameterStatus(handle_.get(), name);
  return value != nullptr ? value : std::string_view();
}

net::Task<bool> Connection::watch() {
  watching_ = true;
  set_out();
  while (watching_) {
    const net::Ready ready = co_await readiness_.readable(core::Deadline::max());
    if (ready != net::Ready::yes || !watching_) break;
    // It may be a parameter that changed, or a warning; anything else is the end.
    const bool well = consume(Phase::receive) && PQisBusy(handle_.get()) == 0 &&
                      PQstatus(handle_.get()) == CONNECTION_OK && drain_notices();
    if (!well) {
      watching_ = false;
      readiness_.release();
      co_return true;
    }
  }
  watching_ = false;
  co_return false;
}

void Connection::stop_watching() {
  if (std::exchange(watching_, false)) readiness_.stop();
}

/// libpq closes its descriptor with the last word. A backend keeps its socket open until all else of it is gone.
net::Task<void> Connection::leave(core::Deadline deadline) {
  constexpr int most_reads = 16;  // an alert of TLS, a notice: whoever has more to say is not waited for
  readiness_.release();
  const Duplicate socket(PQsocket(handle_.get()));
  handle_.reset();
  if (socket.get() < 0 || !readiness_.attach(socket.get())) co_return;
  for (int reads = 0; reads < most_reads; ++reads) {
    const net::Ready ready = co_await readiness_.readable(deadline);
    if (ready != net::Ready::yes || !socket.drain()) break;
  }
  readiness_.release();
}

}  // namespace tocsin::probes::postgres
