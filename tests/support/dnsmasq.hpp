// A real name server for one test: dnsmasq, on loopback.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/child.hpp"
#include "support/free_port.hpp"

namespace tocsin::test {

class Dnsmasq {
 public:
  /// `options`: such as --host-record=a.test,127.0.0.1.
  explicit Dnsmasq(std::vector<std::string> options) : child_(arguments(std::move(options), port_)) {
    child_.wait_for_port(port_);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  static std::vector<std::string> arguments(std::vector<std::string> options, std::uint16_t port) {
    std::vector<std::string> argv{"/usr/sbin/dnsmasq",
                                  "--keep-in-foreground",
                                  "--port=" + std::to_string(port),
                                  "--listen-address=127.0.0.1",
                                  "--bind-interfaces",
                                  "--no-resolv",
                                  "--no-hosts",
                                  "--conf-file=/dev/null",
                                  "--pid-file=",
                                  "--log-facility=-"};
    // Started as root it would go on as somebody who cannot write where the test reads.
    if (::geteuid() == 0) argv.emplace_back("--user=root");
    argv.insert(argv.end(), options.begin(), options.end());
    return argv;
  }

  std::uint16_t port_ = free_port();
  Child child_;
};

}  // namespace tocsin::test
