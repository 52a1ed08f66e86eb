// The TCP probe side by side with blackbox_exporter, where that is installed.
#include <gtest/gtest.h>

#include "probes/probe_runner.hpp"
#include "support/blackbox.hpp"
#include "support/certificates.hpp"
#include "support/fake_peer.hpp"
#include "tocsin/probes/tcp.hpp"

namespace tocsin::probes {
namespace {

using test::Blackbox;
using test::FakeConnection;
using test::FakePeer;
using test::ProbeRunner;

const std::set<std::string> newer{"probe_timeout_seconds", "probe_tls_cipher_info", "probe_failed_due_to_bytes"};

class TcpBlackbox : public testing::Test {
 protected:
  void SetUp() override {
    if (!Blackbox::installed()) GTEST_SKIP() << "not installed";
    blackbox_ = std::make_unique<Blackbox>(
        "  plain: {prober: tcp, timeout: 5s}\n"
        "  talk: {prober: tcp, timeout: 5s, tcp: {query_response: [{expect: '^220 (\\S+)', send: 'EHLO ${1}'}, "
        "{expect: '^250 '}]}}\n"
        "  tls: {prober: tcp, timeout: 5s, tcp: {tls: true, tls_config: {ca_file: " +
        certificates_.ca_file() +
        ", server_name: localhost}}}\n"
        "  lax: {prober: tcp, timeout: 5s, tcp: {tls: true, tls_config: {insecure_skip_verify: true}}}\n");
  }
  void compare(const std::string& module, const TcpOptions& options) {
    SCOPED_TRACE(module);
    const auto text = blackbox_->ask(module, options.address.to_string());
    ProbeRunner probe([&options](net::Connector& connector, const net::Executor& executor, Identity identity) {
      return make_tcp_prober(connector, executor, std::move(identity), options);
    });
    const auto observation = probe();
    test::expect_same_series(probe.values, text, tcp_metadata(), newer);
    if (HasFailure()) ADD_FAILURE() << observation.detail << "\n" << text;
  }
  static TcpOptions to(std::uint16_t port) {
    TcpOptions options;
    options.address = {"127.0.0.1", port, false};
    return options;
  }

  test::Certificates certificates_;
  std::unique_ptr<Blackbox> blackbox_;
};

TEST_F(TcpBlackbox, SaysTheSame) {
  FakePeer silent([](FakeConnection& c) { c.hang(); });
  compare("plain", to(silent.port()));
  compare("plain", to(test::free_port()));
  TcpOptions nowhere = to(80);
  nowhere.address.host = "name.invalid";
  compare("plain", nowhere);
}

TEST_F(TcpBlackbox, SaysTheSameOfDialogs) {
  DialogStep greeting;
  greeting.expect = "^220 (\\S+)";
  greeting.send = "EHLO ${1}";
  DialogStep answer;
  answer.expect = "^250 ";
  for (const char* reply : {"250 good\r\n", "500 bad\r\n"}) {
    FakePeer peer([reply](FakeConnection& c) {
      c.send("220 mail ready\r\n");
      if (c.read_until("\n") == "EHLO mail\n") c.send(reply);
    });
    auto options = to(peer.port());
    options.dialog = {greeting, answer};
    compare("talk", options);
  }
}

TEST_F(TcpBlackbox, SaysTheSameOfTls) {
  const auto files = certificates_.issue();
  const auto port = test::free_port();
  test::Child server({"openssl", "s_server", "-accept", "127.0.0.1:" + std::to_string(port), "-cert", files.cert,
                      "-key", files.key, "-quiet"});
  server.wait_for_port(port);
  auto options = to(port);
  options.tls = true;
  options.tls_options.ca_file = certificates_.ca_file();
  options.tls_options.server_name = "localhost";
  compare("tls", options);
  options.tls_options = {};
  options.tls_options.insecure_skip_verify = true;
  compare("lax", options);
}

}  // namespace
}  // namespace tocsin::probes
