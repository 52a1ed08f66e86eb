// A real server (or any program) that runs beside a test, and is stopped with it.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/temp_dir.hpp"
#include "support/wait_until.hpp"

namespace tocsin::test {

/// True if something accepts connections on that loopback port. (The kernel may connect a port that is tried often to
/// itself: that is nobody.)
[[nodiscard]] inline bool port_answers(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool good = fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  sockaddr_in own{};
  socklen_t size = sizeof own;
  const bool itself =
      good && ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) == 0 && own.sin_port == address.sin_port;
  if (fd >= 0) ::close(fd);
  return good && !itself;
}

class Child {
 public:
  /// Starts argv[0] (looked up in PATH) with the test's environment and `environment` ("NAME=value") added. What it
  /// prints goes to a file that `output()` reads.
  explicit Child(std::vector<std::string> argv, std::vector<std::string> environment = {}) : name_(argv.at(0)) {
    std::vector<char*> args;
    for (std::string& arg : argv) args.push_back(arg.data());
    args.push_back(nullptr);
    std::vector<char*> env;
    for (std::string& variable : environment) env.push_back(variable.data());
    for (char** variable = environ; *variable != nullptr; ++variable) env.push_back(*variable);
    env.push_back(nullptr);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, (dir_ / "output").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const int error = ::posix_spawnp(&pid_, args[0], &files, &attributes, args.data(), env.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (error != 0) throw std::runtime_error("cannot start " + name_);
  }
  ~Child() { stop(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// What it has printed so far, stdout and stderr together.
  [[nodiscard]] std::string output() const { return read_text(dir_ / "output"); }
  void signal(int number) const {
    if (!status_) ::kill(pid_, number);
  }
  /// Waits until it accepts connections; throws with its output if it does not.
  void wait_for_port(std::uint16_t port, std::chrono::milliseconds at_most = std::chrono::seconds(15)) {
    const bool up = wait_until([&] { return !running() || port_answers(port); }, at_most);
    if (!up || !running()) throw std::runtime_error(name_ + " does not listen; it said: " + output());
  }
  /// Waits until its output holds a text; throws with its output if it does not.
  void wait_for_output(const std::string& text, std::chrono::milliseconds at_most = std::chrono::seconds(15)) {
    const auto said = [&] { return output().find(text) != std::string::npos; };
    if (!wait_until([&] { return said() || !running(); }, at_most) || !said()) {
      throw std::runtime_error(name_ + " did not say '" + text + "' but: " + output());
    }
  }
  [[nodiscard]] bool running() { return !poll_status().has_value(); }
  /// The exit status (or 128 + signal), nothing if it still runs after that time.
  std::optional<int> wait_exit(std::chrono::milliseconds at_most = std::chrono::seconds(15)) {
    if (!wait_until([&] { return !running(); }, at_most)) return std::nullopt;
    return status_;
  }
  /// TERM, and KILL if that does not help; its whole process group.
  void stop() {
    if (!running()) return;
    ::kill(-pid_, SIGTERM);
    if (wait_exit(std::chrono::seconds(5))) return;
    kill();
  }
  void kill() {
    if (!running()) return;
    ::kill(-pid_, SIGKILL);
    static_cast<void>(wait_exit());
  }

 private:
  std::optional<int> poll_status() {
    int status = 0;
    if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
      status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    return status_;
  }

  TempDir dir_;
  std::string name_;
  pid_t pid_ = -1;
  std::optional<int> status_;
};

}  // namespace tocsin::test
