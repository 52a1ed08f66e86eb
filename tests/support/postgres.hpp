// Real PostgreSQL servers for one test, and PgBouncer in front of them. PostgreSQL refuses to run as root: then the
// user `postgres` runs it.
#pragma once

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/child.hpp"
#include "support/free_port.hpp"
#include "support/temp_dir.hpp"

namespace tocsin::test {

/// The path of one of PostgreSQL's programs, of the newest version that is installed.
[[nodiscard]] inline std::string postgres_program(const std::string& name) {
  std::vector<std::string> found;
  std::error_code ignored;
  for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", ignored)) {
    const auto program = version.path() / "bin" / name;
    if (std::filesystem::exists(program)) found.push_back(program.string());
  }
  return found.empty() ? name : *std::max_element(found.begin(), found.end());
}

/// The command as someone who may run PostgreSQL.
[[nodiscard]] inline std::vector<std::string> as_postgres(std::vector<std::string> command) {
  if (::geteuid() != 0) return command;
  std::vector<std::string> wrapped{"setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"};
  wrapped.insert(wrapped.end(), command.begin(), command.end());
  return wrapped;
}

/// Makes a file, or a folder with all that is in it, that user's.
inline void give_to_postgres(const std::filesystem::path& path) {
  if (::geteuid() != 0) return;
  const passwd* const user = ::getpwnam("postgres");
  if (user == nullptr) throw std::runtime_error("there is no user postgres");
  const auto give = [&](const std::filesystem::path& what) {
    if (::lchown(what.c_str(), user->pw_uid, user->pw_gid) != 0) throw std::runtime_error("chown " + what.string());
  };
  give(path);
  if (!std::filesystem::is_directory(path)) return;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) give(entry.path());
}

/// Runs a program to its end; what it printed. Throws if it fails.
inline std::string run_to_end(std::vector<std::string> command) {
  const std::string name = command.at(0);
  Child child(std::move(command));
  const auto status = child.wait_exit(std::chrono::seconds(60));
  if (status != 0) throw std::runtime_error(name + " failed: " + child.output());
  return child.output();
}

/// A data folder as initdb leaves it: made once, then copied. The copies of a build are made of one template.
class PostgresTemplate {
 public:
  static void copy_to(const std::filesystem::path& data) {
    static const PostgresTemplate made;
    run_to_end({"cp", "-a", made.path_.string(), data.string()});
  }

 private:
#ifdef TOCSIN_BUILD_DIR
  PostgresTemplate() : path_(std::filesystem::path(TOCSIN_BUILD_DIR) / "tests" / "postgres-template") {
    const std::string lock = path_.string() + ".lock";
    const int fd = ::open(lock.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    static_cast<void>(::flock(fd, LOCK_EX));
    if (!std::filesystem::exists(path_)) {
      // Under another name first: who is stopped in the middle leaves no half of it.
      make(dir_ / "data");
      run_to_end({"rm", "-rf", path_.string() + ".new"});
      run_to_end({"cp", "-a", dir_ / "data", path_.string() + ".new"});
      std::filesystem::rename(path_.string() + ".new", path_);
    }
    ::close(fd);
  }
#else
  PostgresTemplate() : path_(dir_ / "data") { make(path_); }
#endif
  void make(const std::filesystem::path& data) const {
    ::chmod(dir_.path().c_str(), 0755);
    std::filesystem::create_directory(data);
    give_to_postgres(data);
    run_to_end(as_postgres({postgres_program("initdb"), "-D", data.string(), "-U", "postgres", "--auth=trust", "-N",
                            "-E", "UTF8", "--locale=C"}));
  }

  TempDir dir_;
  std::filesystem::path path_;
};

struct PostgresSetup {
  /// pg_hba.conf; by default everybody is who they say.
  std::string hba = "local all all trust\nhost all all 127.0.0.1/32 trust\nlocal replication all trust\n";
  std::vector<std::string> settings;  // "work_mem=8MB"
  /// PEM files; given, the server speaks TLS.
  std::string cert, key, client_ca;
};

/// One server on a loopback port and on a unix socket. Stopped, and all of it removed, at the end.
class PostgresServer {
 public:
  explicit PostgresServer(PostgresSetup setup = {}) : PostgresServer(std::move(setup), nullptr) {}
  /// A hot standby that follows `primary`.
  [[nodiscard]] static std::unique_ptr<PostgresServer> replica_of(const PostgresServer& primary,
                                                                  PostgresSetup setup = {}) {
    return std::unique_ptr<PostgresServer>(new PostgresServer(std::move(setup), &primary));
  }
  ~PostgresServer() { stop(SIGQUIT); }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// The folder of its unix socket.
  [[nodiscard]] std::string socket_dir() const { return dir_ / "run"; }
  [[nodiscard]] std::string output() const { return child_ ? child_->output() : ""; }
  [[nodiscard]] pid_t pid() const { return child_->pid(); }

  void start() {
    std::vector<std::string> command{postgres_program("postgres"), "-D", dir_ / "data", "-p", std::to_string(port_)};
    for (const std::string& setting : settings_) command.insert(command.end(), {"-c", setting});
    child_.emplace(as_postgres(std::move(command)));
    child_->wait_for_output("database system is ready to accept");
  }
  /// SIGINT: sessions end at once, and it writes all down. SIGQUIT: it drops everything. SIGTERM: it waits for
  /// sessions.
  void stop(int signal = SIGINT) {
    if (!child_) return;
    child_->signal(signal);
    if (!child_->wait_exit(std::chrono::seconds(20))) child_->kill();
    child_.reset();
  }
  void restart() {
    stop();
    start();
  }

  /// Runs statements (each on its own, unless in a block); gives the rows back, columns divided by |.
  std::string sql(const std::string& text, const std::string& database = "postgres") const {
    std::string out = run_to_end(psql(text, database));
    while (!out.empty() && out.back() == '\n') out.pop_back();
    return out;
  }
  /// The same beside the test, as long as the statements take.
  [[nodiscard]] std::unique_ptr<Child> session(const std::string& text,
                                               const std::string& database = "postgres") const {
    return std::make_unique<Child>(psql(text, database));
  }
  /// Waits until a query gives this text.
  [[nodiscard]] bool becomes(const std::string& query, const std::string& text,
                             const std::string& database = "postgres") const {
    return wait_until([&] { return sql(query, database) == text; });
  }

 private:
  PostgresServer(PostgresSetup setup, const PostgresServer* primary) : port_(free_port()) {
    ::chmod(dir_.path().c_str(), 0755);
    const std::filesystem::path data = dir_ / "data";
    std::filesystem::create_directory(dir_ / "run");
    give_to_postgres(dir_ / "run");
    if (primary == nullptr) {
      PostgresTemplate::copy_to(data);
    } else {
      give_to_postgres(dir_.path());
      run_to_end(as_postgres({postgres_program("pg_basebackup"), "-D", data.string(), "-h", primary->socket_dir(), "-p",
                              std::to_string(primary->port()), "-U", "postgres", "-R", "-X", "stream", "-c", "fast",
                              "--no-sync"}));
    }
    dir_.write("data/pg_hba.conf", setup.hba);
    settings_ = {"listen_addresses=127.0.0.1",
                 "unix_socket_directories=" + socket_dir(),
                 "fsync=off",
                 "shared_buffers=16MB",
                 "logging_collector=off",
                 "log_destination=stderr",
                 "max_connections=40",
                 "jit=off"};
    if (!setup.cert.empty()) use_tls(setup, data);
    settings_.insert(settings_.end(), setup.settings.begin(), setup.settings.end());
    start();
  }

  void use_tls(const PostgresSetup& setup, const std::filesystem::path& data) {
    const auto own = [&](const std::string& from, const char* name) {
      std::filesystem::copy_file(from, data / name);
      ::chmod((data / name).c_str(), 0600);
      give_to_postgres(data / name);
    };
    own(setup.cert, "server.crt");
    own(setup.key, "server.key");
    settings_.insert(settings_.end(), {"ssl=on", "ssl_cert_file=server.crt", "ssl_key_file=server.key"});
    if (setup.client_ca.empty()) return;
    own(setup.client_ca, "clients.crt");
    settings_.push_back("ssl_ca_file=clients.crt");
  }

  [[nodiscard]] std::vector<std::string> psql(const std::string& text, const std::string& database) const {
    return {postgres_program("psql"),
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            socket_dir(),
            "-p",
            std::to_string(port_),
            "-U",
            "postgres",
            "-d",
            database,
            "-c",
            text};
  }

  TempDir dir_;
  std::uint16_t port_;
  std::vector<std::string> settings_;
  std::optional<Child> child_;
};

/// PgBouncer in front of a server's databases. Whoever connects is believed.
class PgBouncer {
 public:
  explicit PgBouncer(const PostgresServer& server, const std::string& pool_mode = "transaction",
                     const std::string& more = "")
      : port_(free_port()) {
    ::chmod(dir_.path().c_str(), 0755);
    const std::string config = dir_.write(
        "pgbouncer.ini", "[databases]\n* = host=127.0.0.1 user=postgres port=" + std::to_string(server.port()) +
                             "\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = " + std::to_string(port_) +
                             "\nunix_socket_dir =\nauth_type = any\nadmin_users = postgres\ndefault_pool_size = 2\n" +
                             "pool_mode = " + pool_mode + "\n" + more + "\n");
    ::chmod(config.c_str(), 0644);
    child_.emplace(as_postgres({"pgbouncer", config}));
    child_->wait_for_port(port_);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string output() const { return child_->output(); }

 private:
  TempDir dir_;
  std::uint16_t port_;
  std::optional<Child> child_;
};

}  // namespace tocsin::test
