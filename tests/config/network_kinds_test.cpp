// TCP, WebSocket, DNS and ICMP probes in all their keys, and as modules of blackbox_exporter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_dir.hpp"
#include "tocsin/daemon/config/config.hpp"

namespace tocsin::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Ip = probes::IpProtocol;
using Transport = probes::DnsOptions::Transport;

class NetworkKinds : public testing::Test {
 protected:
  std::optional<Config> load(const std::string& text) {
    core::Diagnostics diagnostics;
    auto config = load_config(dir_.write("tocsin.yml", text), LoadOptions{}, {}, diagnostics);
    said_ = diagnostics.render();
    return config;
  }
  /// One job with this target and these keys.
  TargetConfig job(const std::string& target, const std::string& keys = "", const std::string& root = "") {
    const auto config =
        load(root + "probes:\n  - {job: j, targets: [\"" + target + "\"]" + (keys.empty() ? "" : ", " + keys) + "}\n");
    EXPECT_EQ(said_, "");
    return config && !config->targets.empty() ? config->targets[0] : TargetConfig{};
  }
  template <class Options>
  Options options(const std::string& target, const std::string& keys = "", const std::string& root = "") {
    const TargetConfig config = job(target, keys, root);
    shown_ = config.display;
    EXPECT_EQ(config.labels.get("instance"), config.display);
    EXPECT_FALSE(config.sentinel);
    const auto* found = std::get_if<Options>(config.options.get());
    EXPECT_NE(found, nullptr) << config.kind;
    return found == nullptr ? Options{} : *found;
  }
  template <class Options>
  Options module(const std::string& target, const std::string& yaml) {
    dir_.write("blackbox.yml", "modules:\n  mine: " + yaml + "\n");
    return options<Options>(target, "module: mine", "blackbox_modules: blackbox.yml\n");
  }
  std::string wrong(const std::string& target, const std::string& keys = "") {
    EXPECT_FALSE(
        load("probes:\n  - {job: j, targets: [\"" + target + "\"]" + (keys.empty() ? "" : ", " + keys) + "}\n"));
    return said_;
  }

  test::TempDir dir_;
  std::string said_;
  std::string shown_;
};

TEST_F(NetworkKinds, Tcp) {
  auto tcp = options<probes::TcpOptions>("tcp://mail.example:25");
  EXPECT_EQ(shown_, "tcp://mail.example:25");
  EXPECT_EQ(tcp.address.host, "mail.example");
  EXPECT_EQ(tcp.address.port, 25);
  EXPECT_FALSE(tcp.tls);
  EXPECT_TRUE(tcp.dialog.empty());
  EXPECT_EQ(tcp.ip_protocol, Ip::any);

  tcp = options<probes::TcpOptions>(
      "tcp://mail.example:25",
      "ip_protocol: v6, source_address: \"::1\", tls: {server_name: other}, dialog: [{expect: '^220 (\\S+)', send: "
      "\"EHLO "
      "$${1}\", labels: {host: $1}}, {expect_bytes: abc}, {send: STARTTLS}, {expect: ^220, starttls: true}]");
  ASSERT_EQ(tcp.dialog.size(), 4U);
  EXPECT_EQ(tcp.dialog[0].expect, "^220 (\\S+)");
  EXPECT_EQ(tcp.dialog[0].send, "EHLO ${1}");
  EXPECT_THAT(tcp.dialog[0].labels, ElementsAre(std::pair<std::string, std::string>("host", "$1")));
  EXPECT_EQ(tcp.dialog[1].expect_bytes, "abc");
  EXPECT_TRUE(tcp.dialog[3].start_tls);
  EXPECT_EQ(tcp.tls_options.server_name, "other");
  EXPECT_TRUE(tcp.source && tcp.source->v6);
  EXPECT_EQ(tcp.ip_protocol, Ip::v6);

  EXPECT_TRUE(options<probes::TcpOptions>("tcps://[2001:db8::1]:443").tls);
  EXPECT_EQ(shown_, "tcps://[2001:db8::1]:443");
  tcp = options<probes::TcpOptions>("tcp+unix:///run/app%20x.sock");
  EXPECT_TRUE(tcp.address.unix_socket);
  EXPECT_EQ(tcp.address.host, "/run/app x.sock");
  EXPECT_TRUE(options<probes::TcpOptions>("unix:///run/app.sock", "kind: tcp").address.unix_socket);
  EXPECT_EQ(options<probes::TcpOptions>("db:5432", "kind: tcp").address.port, 5432);
}

TEST_F(NetworkKinds, TcpMistakes) {
  EXPECT_THAT(wrong("tcp://host"), HasSubstr("has a port"));
  EXPECT_THAT(wrong("tcp://user@host:1"), HasSubstr("no user info"));
  EXPECT_THAT(wrong("tcp://host:1/path"), HasSubstr("no path"));
  EXPECT_THAT(wrong("tcp+unix://host/run/x"), HasSubstr("three slashes"));
  EXPECT_THAT(wrong("tcp://host:1", "tls: {}"), HasSubstr("tcps://"));
  EXPECT_THAT(wrong("tcps://host:1", "dialog: [{starttls: true}]"), HasSubstr("begun already"));
  EXPECT_THAT(wrong("tcp://host:1", "dialog: [{expect: '('}]"), HasSubstr("regular expression"));
  EXPECT_THAT(wrong("tcp://host:1", "dialog: [{send: x, labels: {a: b}}]"), HasSubstr("\"expect\""));
  EXPECT_THAT(wrong("tcp://host:1", "dialog: [{expect: x, labels: {__a: b}}]"), HasSubstr("cannot be a label"));
  EXPECT_THAT(wrong("tcp://host:1", "dialog: [{expect: x, expect_bytes: y}]"), HasSubstr("not both"));
  EXPECT_THAT(wrong("tcp://host:1", "source_address: here"), HasSubstr("IP address"));
  EXPECT_THAT(wrong("tcp://host:1", "ping: true"), HasSubstr("websocket"));
}

TEST_F(NetworkKinds, Websocket) {
  auto socket = options<probes::WebsocketOptions>("wss://me:pw@chat.example/room?x=1");
  EXPECT_EQ(shown_, "wss://chat.example/room");
  EXPECT_EQ(socket.user, "me");
  EXPECT_EQ(socket.password.value.reveal(), "pw");
  EXPECT_TRUE(socket.url.user.empty());
  EXPECT_EQ(socket.url.request_target(), "/room?x=1");
  EXPECT_FALSE(socket.ping);
  socket = options<probes::WebsocketOptions>(
      "ws://chat.example:8080",
      "headers: {Origin: \"https://x\"}, bearer: t, subprotocols: [mqtt, stomp], ping: true, max_message: 10KiB, "
      "dialog: [{expect: '^hi', send: yo}]");
  EXPECT_EQ(socket.headers.at(0).name, "Origin");
  EXPECT_EQ(socket.bearer.value.reveal(), "t");
  EXPECT_THAT(socket.subprotocols, ElementsAre("mqtt", "stomp"));
  EXPECT_TRUE(socket.ping);
  EXPECT_EQ(socket.max_message, 10'240U);
  EXPECT_EQ(socket.dialog.at(0).send, "yo");

  EXPECT_THAT(wrong("ws://h", "tls: {}"), HasSubstr("wss://"));
  EXPECT_THAT(wrong("ws://h", "headers: {Sec-WebSocket-Key: x}"), HasSubstr("the upgrade itself"));
  EXPECT_THAT(wrong("ws://h", "subprotocols: [\"a b\"]"), HasSubstr("no name"));
  EXPECT_THAT(wrong("ws://h", "dialog: [{starttls: true}]"), HasSubstr("WebSocket dialog"));
  EXPECT_THAT(wrong("ws://me@h", "bearer: t"), HasSubstr("bearer"));
}

TEST_F(NetworkKinds, Dns) {
  auto dns = options<probes::DnsOptions>("dns://192.0.2.1/example.com");
  EXPECT_EQ(shown_, "dns://192.0.2.1/example.com?type=A");
  EXPECT_EQ(dns.host, "192.0.2.1");
  EXPECT_EQ(dns.port, 0);
  EXPECT_EQ(dns.query_name, "example.com");
  EXPECT_EQ(dns.query_type, 1);
  EXPECT_EQ(dns.transport, Transport::udp);
  EXPECT_THAT(dns.valid_rcodes, ElementsAre(0));
  dns =
      options<probes::DnsOptions>("dns+tls://dns.example:8853/example.com?type=soa&class=CH", "tls: {server_name: x}");
  EXPECT_EQ(shown_, "dns+tls://dns.example:8853/example.com?type=SOA");
  EXPECT_EQ(dns.transport, Transport::tls);
  EXPECT_EQ(dns.query_type, 6);
  EXPECT_EQ(dns.query_class, 3);
  EXPECT_EQ(dns.tls.server_name, "x");
  dns = options<probes::DnsOptions>(
      "192.0.2.1:5353",
      "kind: dns, query_name: a.test, query_type: MX, recursion_desired: false, transport: tcp, valid_rcodes: "
      "[NXDOMAIN, "
      "NOERROR], validate_answer: {fail_if_not_matches: [mx1], fail_if_matches: x}, validate_authority: "
      "{fail_if_none_matches: [y]}, validate_additional: {fail_if_not_all_match: [z]}");
  EXPECT_EQ(dns.port, 5353);
  EXPECT_EQ(dns.query_type, 15);
  EXPECT_EQ(dns.transport, Transport::tcp);
  EXPECT_FALSE(dns.recursion_desired);
  EXPECT_THAT(dns.valid_rcodes, ElementsAre(3, 0));
  EXPECT_THAT(dns.answer.fail_if_not_matches, ElementsAre("mx1"));
  EXPECT_THAT(dns.answer.fail_if_matches, ElementsAre("x"));
  EXPECT_THAT(dns.authority.fail_if_none_matches, ElementsAre("y"));
  EXPECT_THAT(dns.additional.fail_if_not_all_match, ElementsAre("z"));
  EXPECT_EQ(options<probes::DnsOptions>("2001:db8::1", "kind: dns, query_name: a.test").host, "2001:db8::1");

  EXPECT_THAT(wrong("dns://h"), HasSubstr("a name to ask for is missing"));
  EXPECT_THAT(wrong("dns://h/a..b"), HasSubstr("not a name"));
  EXPECT_THAT(wrong("dns://h/a?type=B"), HasSubstr("DNS knows no type"));
  EXPECT_THAT(wrong("dns://h/a?type=MX", "query_type: A"), HasSubstr("another one beside it"));
  EXPECT_THAT(wrong("dns://h/a", "query_name: b"), HasSubstr("another \"query_name\""));
}

TEST_F(NetworkKinds, Icmp) {
  auto icmp = options<probes::IcmpOptions>("icmp://gateway.example");
  EXPECT_EQ(shown_, "icmp://gateway.example");
  EXPECT_EQ(icmp.host, "gateway.example");
  EXPECT_EQ(icmp.payload_size, 28U);
  EXPECT_FALSE(icmp.ttl);
  icmp = options<probes::IcmpOptions>("::1",
                                      "kind: icmp, payload_size: 1000, ttl: 5, dont_fragment: true, "
                                      "source_address: \"::1\"");
  EXPECT_EQ(icmp.host, "::1");
  EXPECT_EQ(shown_, "icmp://[::1]");
  EXPECT_EQ(icmp.payload_size, 1000U);
  EXPECT_EQ(icmp.ttl, 5);
  EXPECT_TRUE(icmp.dont_fragment);
  EXPECT_TRUE(icmp.source);
  EXPECT_THAT(wrong("icmp://h:1"), HasSubstr("no port"));
  EXPECT_THAT(wrong("icmp://h", "ttl: 256"), HasSubstr("ttl"));
  EXPECT_THAT(wrong("icmp://h", "payload_size: 70000"), HasSubstr("payload_size"));
}

TEST_F(NetworkKinds, Modules) {
  const auto tcp = module<probes::TcpOptions>(
      "mail.example:25",
      "{prober: tcp, tcp: {preferred_ip_protocol: ip4, source_ip_address: 127.0.0.1, tls: false, tls_config: "
      "{insecure_skip_verify: true}, query_response: [{expect: '^SSH-(.*)', labels: [{name: v, value: '${1}'}]}, "
      "{send: "
      "x, starttls: true}, {expect_bytes: y}]}}");
  EXPECT_EQ(tcp.ip_protocol, Ip::prefer_v4);
  EXPECT_TRUE(tcp.source);
  EXPECT_TRUE(tcp.tls_options.insecure_skip_verify);
  ASSERT_EQ(tcp.dialog.size(), 3U);
  EXPECT_THAT(tcp.dialog[0].labels, ElementsAre(std::pair<std::string, std::string>("v", "${1}")));
  EXPECT_TRUE(module<probes::TcpOptions>("mail.example:995", "{prober: tcp, tcp: {tls: true}}").tls);

  auto dns = module<probes::DnsOptions>(
      "8.8.8.8",
      "{prober: dns, dns: {query_name: example.com, dns_over_tls: true, transport_protocol: tcp, "
      "valid_rcodes: [NXDOMAIN], validate_answer_rrs: {fail_if_all_match_regexp: [a]}, recursion_desired: "
      "false, ip_protocol_fallback: false}}");
  EXPECT_EQ(dns.query_type, 255) << "blackbox_exporter asks for ANY";
  EXPECT_EQ(dns.transport, Transport::tls);
  EXPECT_THAT(dns.valid_rcodes, ElementsAre(3));
  EXPECT_THAT(dns.answer.fail_if_not_all_match, ElementsAre("a"));
  EXPECT_EQ(dns.ip_protocol, Ip::v6);
  dns = module<probes::DnsOptions>("8.8.8.8:53", "{prober: dns, dns: {query_type: SOA, query_name: example.com}}");
  EXPECT_EQ(dns.query_type, 6);
  EXPECT_EQ(dns.ip_protocol, Ip::prefer_v6);

  const auto icmp =
      module<probes::IcmpOptions>("gateway", "{prober: icmp, icmp: {payload_size: 100, ttl: 5, dont_fragment: true}}");
  EXPECT_EQ(icmp.payload_size, 100U);
  EXPECT_EQ(icmp.ttl, 5);
  EXPECT_TRUE(icmp.dont_fragment);

  const auto socket = module<probes::WebsocketOptions>(
      "ws://chat", "{prober: websocket, websocket: {headers: {Origin: x}, query_response: [{expect: hi, send: yo}]}}");
  EXPECT_EQ(socket.headers.size(), 1U);
  EXPECT_EQ(socket.dialog.size(), 1U);
}

}  // namespace
}  // namespace tocsin::daemon
