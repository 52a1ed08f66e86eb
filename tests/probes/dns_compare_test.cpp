// The DNS probe side by side with blackbox_exporter, where that is installed.
#include <gtest/gtest.h>

#include "probes/probe_runner.hpp"
#include "support/blackbox.hpp"
#include "support/dnsmasq.hpp"
#include "support/udp_peer.hpp"
#include "tocsin/probes/dns.hpp"

namespace tocsin::probes {
namespace {

using test::Blackbox;
using test::Dnsmasq;
using test::ProbeRunner;

const std::set<std::string> newer{"probe_timeout_seconds"};

class DnsBlackbox : public testing::Test {
 protected:
  void SetUp() override {
    if (!Blackbox::installed()) GTEST_SKIP() << "not installed";
    const std::string head = "{prober: dns, timeout: 3s, dns: {query_name: ";
    blackbox_ = std::make_unique<Blackbox>(
        "  a: " + head + "a.test, query_type: A}}\n  tcp: " + head +
        "a.test, query_type: A, transport_protocol: tcp}}\n  absent: " + head +
        "nothing.test, query_type: A}}\n  any: " + head + "a.test}}\n  soa: " + head +
        "a.test, query_type: SOA}}\n  good: " + head +
        "a.test, query_type: A, validate_answer_rrs: {fail_if_not_matches_regexp: "
        "['^a\\.test\\.\\t\\d+\\tIN\\tA\\t127']}}}\n"
        "  bad: " +
        head +
        "a.test, query_type: A, validate_answer_rrs: {fail_if_matches_regexp: ['127']}}}\n"
        "  all: " +
        head +
        "a.test, query_type: A, validate_answer_rrs: {fail_if_all_match_regexp: ['127']}}}\n"
        "  notall: " +
        head + "a.test, query_type: A, validate_answer_rrs: {fail_if_all_match_regexp: ['nowhere']}}}\n");
    server_ = std::make_unique<Dnsmasq>(
        std::vector<std::string>{"--host-record=a.test,127.0.0.1", "--txt-record=a.test,hello"});
  }
  void compare(const std::string& module, DnsOptions options) {
    SCOPED_TRACE(module);
    options.host = "127.0.0.1";
    if (options.port == 0) options.port = server_->port();
    if (options.query_name.empty()) options.query_name = "a.test";
    const auto text = blackbox_->ask(module, "127.0.0.1:" + std::to_string(options.port));
    ProbeRunner probe([&options](net::Connector& connector, const net::Executor& executor, Identity identity) {
      return make_dns_prober(connector, executor, std::move(identity), options);
    });
    const auto observation = probe();
    test::expect_same_series(probe.values, text, dns_metadata(), newer);
    if (HasFailure()) ADD_FAILURE() << observation.detail << "\n" << text;
  }

  std::unique_ptr<Blackbox> blackbox_;
  std::unique_ptr<Dnsmasq> server_;
};

TEST_F(DnsBlackbox, SaysTheSame) {
  compare("a", {});
  DnsOptions options;
  options.transport = DnsOptions::Transport::tcp;
  compare("tcp", options);
  options = {};
  options.query_name = "nothing.test";
  compare("absent", options);
  options = {};
  options.query_type = 255;
  compare("any", options);
  options.query_type = 6;
  compare("soa", options);
}

TEST_F(DnsBlackbox, SaysTheSameOfRecords) {
  DnsOptions options;
  options.answer.fail_if_not_matches = {"^a\\.test\\.\t\\d+\tIN\tA\t127"};
  compare("good", options);
  options.answer = {};
  options.answer.fail_if_matches = {"127"};
  compare("bad", options);
  options.answer = {};
  options.answer.fail_if_not_all_match = {"127"};
  compare("all", options);
  options.answer.fail_if_not_all_match = {"nowhere"};
  compare("notall", options);
}

}  // namespace
}  // namespace tocsin::probes
