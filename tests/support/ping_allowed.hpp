// What this process may do with ICMP, and a network of its own where unprivileged pings are allowed.
#pragma once

#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <net/if.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>

namespace tocsin::test {

[[nodiscard]] inline bool may_open(int type) {
  const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, IPPROTO_ICMP);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}
[[nodiscard]] inline bool may_ping() { return may_open(SOCK_DGRAM) || may_open(SOCK_RAW); }

inline bool set_loopback_mtu(int mtu) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_mtu = mtu;
  const bool good = ::ioctl(fd, SIOCSIFMTU, &request) == 0;
  ::close(fd);
  return good;
}

enum class NetworkOfOurOwn { ran, failed, refused };

/// Runs `body` in a child process that has a network of its own (loopback only), where ping sockets are allowed or not.
/// `refused` if the system does not let us have one.
inline NetworkOfOurOwn in_own_network(bool pings_allowed, const std::function<bool()>& body) {
  constexpr int unsupported = 77;
  const unsigned user = ::getuid();
  const unsigned group = ::getgid();
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto write = [](const char* path, const std::string& text) {
      std::ofstream out(path);
      out << text;
      out.close();
      return static_cast<bool>(out);
    };
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) ::_exit(unsupported);
    write("/proc/self/setgroups", "deny");
    if (!write("/proc/self/uid_map", "0 " + std::to_string(user) + " 1") ||
        !write("/proc/self/gid_map", "0 " + std::to_string(group) + " 1")) {
      ::_exit(unsupported);
    }
    const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (::ioctl(fd, SIOCSIFFLAGS, &request) != 0) ::_exit(unsupported);
    ::close(fd);
    if (pings_allowed && !write("/proc/sys/net/ipv4/ping_group_range", "0 0")) ::_exit(unsupported);
    bool good = false;
    try {
      good = body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    std::fflush(nullptr);
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return NetworkOfOurOwn::failed;
  if (WEXITSTATUS(status) == unsupported) return NetworkOfOurOwn::refused;
  return WEXITSTATUS(status) == 0 ? NetworkOfOurOwn::ran : NetworkOfOurOwn::failed;
}

}  // namespace tocsin::test
