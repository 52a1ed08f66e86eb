// A second host on this machine, which can vanish.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace tocsin::test {

/// A second host on this machine: a namespace, and a pair of virtual interfaces to it.
class OtherHost {
 public:
  OtherHost() {
    const auto id = static_cast<unsigned>(::getpid()) % 4096;
    name_ = fmt::format("tocsin{}", id);
    const std::string here = fmt::format("10.213.{}.{}", id / 64, id % 64 * 4 + 1);
    address_ = fmt::format("10.213.{}.{}", id / 64, id % 64 * 4 + 2);
    run(fmt::format("ip netns add {0} && ip link add {0}a type veth peer name {0}b netns {0}", name_));
    run(fmt::format("ip addr add {1}/30 dev {0}a && ip link set {0}a up", name_, here));
    run(fmt::format("ip -n {0} addr add {1}/30 dev {0}b && ip -n {0} link set {0}b up && ip -n {0} link set lo up",
                    name_, address_));
  }
  ~OtherHost() { static_cast<void>(std::system(fmt::format("ip netns del {} 2>/dev/null", name_).c_str())); }
  OtherHost(const OtherHost&) = delete;
  OtherHost& operator=(const OtherHost&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& address() const { return address_; }
  /// Its packets are dropped: no FIN and no RST tells of it.
  void vanish() const { run(fmt::format("ip netns exec {} iptables -A INPUT -j DROP", name_)); }
  void come_back() const { run(fmt::format("ip netns exec {} iptables -D INPUT -j DROP", name_)); }
  [[nodiscard]] static bool possible() {
    if (::geteuid() != 0) return false;
    const std::string name = fmt::format("tocsin-try{}", ::getpid());
    return std::system(
               fmt::format("ip netns add {0} && ip netns exec {0} true; good=$?; ip netns del {0}; exit $good", name)
                   .c_str()) == 0;
  }

 private:
  static void run(const std::string& command) {
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
  }
  std::string name_, address_;
};

}  // namespace tocsin::test
