// The gRPC probe side by side with blackbox_exporter, where that is installed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <sstream>

#include "probes/grpc_server.hpp"
#include "support/certificates.hpp"
#include "support/free_port.hpp"
#include "tocsin/net/http.hpp"

namespace tocsin::probes {
namespace {

using test::grpc_options;
using test::grpc_prober;
using test::OneProber;
using namespace std::chrono_literals;

std::map<std::string, double> parse_exposition(const std::string& text) {
  std::map<std::string, double> values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    const auto space = line.rfind(' ');
    values[line.substr(0, space)] = std::stod(line.substr(space + 1));
  }
  return values;
}

class GrpcBlackbox : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("command -v prometheus-blackbox-exporter >/dev/null 2>&1") != 0) GTEST_SKIP() << "not installed";
    if (!test::has_grpc()) GTEST_SKIP() << "python3-grpcio is not installed";
    const std::string tls = "tls: true, tls_config: {ca_file: " + certificates_.ca_file() + ", server_name: localhost}";
    const std::string config = dir_.write("blackbox.yml",
                                          "modules:\n"
                                          "  plain: {prober: grpc, timeout: 5s, grpc: {tls: false}}\n"
                                          "  bad: {prober: grpc, timeout: 5s, grpc: {tls: false, service: bad}}\n"
                                          "  absent: {prober: grpc, timeout: 5s, grpc: {tls: false, service: absent}}\n"
                                          "  secure: {prober: grpc, timeout: 5s, grpc: {" +
                                              tls + "}}\n");
    exporter_ = std::make_unique<test::Child>(
        std::vector<std::string>{"prometheus-blackbox-exporter", "--config.file=" + config,
                                 "--web.listen-address=127.0.0.1:" + std::to_string(port_)});
    exporter_->wait_for_port(port_);
  }

  /// Every series that blackbox_exporter gives is given, with its value unless it is a time.
  void compare(const std::string& module, const GrpcOptions& options) {
    net::BlockingPool pool(1);
    net::Connector connector(pool);
    test::TestLoop loop;
    const auto url = net::parse_url("http://127.0.0.1:" + std::to_string(port_) + "/probe?module=" + module +
                                    "&target=localhost:" + std::to_string(options.address.port));
    net::HttpRequest request;
    request.target = url->request_target();
    const auto page = loop.run(net::fetch(connector, *url, std::nullopt, request, {}, test::TestLoop::in(10s))).value();
    OneProber probe(grpc_prober(options));
    const auto seen = probe();
    const auto theirs = parse_exposition(page.body);
    EXPECT_GT(theirs.size(), 10U) << page.body;
    for (const auto& [series, value] : theirs) {
      SCOPED_TRACE(module + " " + series);
      if (series.starts_with("probe_ssl_last_chain_info")) continue;  // later versions have one label more
      // Without TLS theirs says that a certificate expired in 1970, which sets off the public rule on expired ones.
      if (series == "probe_ssl_earliest_cert_expiry" && value == 0) continue;
      ASSERT_TRUE(probe.has(series)) << seen.detail;
      const bool time = series.find("duration") != std::string::npos || series.find("lookup") != std::string::npos;
      // Which of localhost's addresses counts is each one's own choice.
      if (time || series.starts_with("probe_ip_")) continue;
      EXPECT_EQ(probe.value(series), value);
    }
  }

  test::TempDir dir_;
  test::Certificates certificates_;
  std::uint16_t port_ = test::free_port();
  std::unique_ptr<test::Child> exporter_;
};

TEST_F(GrpcBlackbox, TheSameSeriesAndValues) {
  const test::GrpcServer server;
  compare("plain", grpc_options(server.port()));
  compare("bad", grpc_options(server.port(), "bad"));
  compare("absent", grpc_options(server.port(), "absent"));
  compare("plain", grpc_options(test::free_port()));
}

TEST_F(GrpcBlackbox, TheSameOverTls) {
  const auto files = certificates_.issue();
  const test::GrpcServer server({files.cert, files.key});
  auto options = grpc_options(server.port());
  options.tls = net::TlsOptions{};
  options.tls->ca_file = certificates_.ca_file();
  compare("secure", options);
}

}  // namespace
}  // namespace tocsin::probes
