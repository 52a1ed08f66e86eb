// A real gRPC server for one test (python3-grpcio).
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/child.hpp"
#include "support/one_prober.hpp"
#include "tocsin/probes/grpc.hpp"

namespace tocsin::test {

[[nodiscard]] inline bool has_grpc() {
  static const bool has = std::system("/usr/bin/python3 -c 'import grpc' >/dev/null 2>&1") == 0;
  return has;
}

class GrpcServer {
 public:
  explicit GrpcServer(const std::vector<std::string>& arguments = {}) : child_(command(arguments)) {
    child_.wait_for_output("listening");
    const std::string said = child_.output();
    port_ = static_cast<std::uint16_t>(std::stoi(said.substr(said.find("port ") + 5)));
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  static std::vector<std::string> command(const std::vector<std::string>& arguments) {
    std::vector<std::string> argv{"/usr/bin/python3", TOCSIN_SOURCE_DIR "/tests/probes/data/grpc/health_server.py"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return argv;
  }
  Child child_;
  std::uint16_t port_ = 0;
};

[[nodiscard]] inline probes::GrpcOptions grpc_options(std::uint16_t port, const std::string& service = "") {
  probes::GrpcOptions options;
  options.address.host = "localhost";
  options.address.port = port;
  options.service = service;
  return options;
}

[[nodiscard]] inline OneProber::Make grpc_prober(probes::GrpcOptions options) {
  return [options = std::move(options)](net::Connector& connector, net::Executor executor, probes::Identity identity) {
    return probes::make_grpc_prober(connector, std::move(executor), std::move(identity), options);
  };
}

}  // namespace tocsin::test
