// SRV records from real and from odd name servers.
#include "tocsin/probes/srv.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/dnsmasq.hpp"
#include "support/free_port.hpp"
#include "support/run_task.hpp"
#include "support/udp_peer.hpp"

namespace tocsin::probes {
namespace {

using core::Outcome;
using test::TestLoop;
using namespace std::chrono_literals;

net::Endpoint local(std::uint16_t port) {
  net::Endpoint endpoint;
  endpoint.bytes = {127, 0, 0, 1};
  endpoint.port = port;
  return endpoint;
}

class SrvTest : public testing::Test {
 protected:
  core::Result<std::vector<ServiceRecord>> resolve(const std::string& name, std::vector<std::uint16_t> ports,
                                                   std::chrono::milliseconds time = 5s) {
    std::vector<net::Endpoint> servers;
    for (const auto port : ports) servers.push_back(local(port));
    auto result = loop_.run(resolve_srv(connector_, loop_.executor(), name, servers, TestLoop::in(time)));
    if (result) {
      std::sort(result->begin(), result->end(), [](const auto& a, const auto& b) { return a.port < b.port; });
    }
    return result;
  }

  TestLoop loop_;
  net::BlockingPool pool_{1};
  net::Connector connector_{pool_};
};

TEST_F(SrvTest, FindsServices) {
  test::Dnsmasq server({"--srv-host=_redis._tcp.test,a.test,6379,1,2", "--srv-host=_redis._tcp.test,b.test,6380,3,4",
                        "--local=/test/", "--host-record=a.test,127.0.0.1"});
  const auto records = resolve("_redis._tcp.test", {server.port()});
  ASSERT_TRUE(records) << records.error().detail;
  ASSERT_EQ(records->size(), 2U);
  EXPECT_EQ((*records)[0].host, "a.test");
  EXPECT_EQ((*records)[0].port, 6379);
  EXPECT_EQ((*records)[0].priority, 1);
  EXPECT_EQ((*records)[0].weight, 2);
  EXPECT_EQ((*records)[1].host, "b.test");
  EXPECT_EQ((*records)[1].port, 6380);

  for (const char* name : {"_nothing._tcp.test", "a.test"}) {
    const auto none = resolve(name, {server.port()});
    ASSERT_FALSE(none) << name;
    EXPECT_EQ(none.error().outcome, Outcome::resolve);
    EXPECT_NE(none.error().detail.find(name), std::string::npos) << none.error().detail;
  }
}

TEST_F(SrvTest, AsksOverTcpWhatIsTooLong) {
  std::vector<std::string> options;
  for (int i = 0; i < 60; ++i) {
    options.push_back("--srv-host=_many._tcp.test,a-host-with-a-long-name-" + std::to_string(i) + ".test," +
                      std::to_string(1000 + i));
  }
  test::Dnsmasq server(options);
  const auto records = resolve("_many._tcp.test", {server.port()});
  ASSERT_TRUE(records) << records.error().detail;
  EXPECT_EQ(records->size(), 60U);
}

TEST_F(SrvTest, GoesOnToTheNextServer) {
  test::Dnsmasq server({"--srv-host=_redis._tcp.test,a.test,6379"});
  test::UdpPeer silent([](std::string_view) { return std::vector<std::string>{}; });
  test::UdpPeer refusing([](std::string_view query) {
    std::string reply(query);
    reply[2] = static_cast<char>(0x81);
    reply[3] = 5;
    return std::vector<std::string>{reply};
  });
  for (const std::uint16_t first : {silent.port(), refusing.port(), test::free_port()}) {
    const auto records = resolve("_redis._tcp.test", {first, server.port()}, 400ms);
    ASSERT_TRUE(records) << records.error().detail;
    EXPECT_EQ(records->size(), 1U);
  }
  const auto begun = std::chrono::steady_clock::now();
  const auto nobody = resolve("_redis._tcp.test", {refusing.port(), silent.port()}, 200ms);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().outcome, Outcome::timeout);
  EXPECT_EQ(resolve("_redis._tcp.test", {refusing.port()}).error().outcome, Outcome::resolve);
  EXPECT_EQ(resolve("a..b", {server.port()}).error().outcome, Outcome::resolve);
}

TEST(NameServers, AreReadAsLibcDoes) {
  const auto texts = [](std::string_view conf) {
    std::string all;
    for (const auto& server : name_servers(conf)) all += server.to_string() + " ";
    return all;
  };
  EXPECT_EQ(texts(""), "127.0.0.1:53 ");
  EXPECT_EQ(texts("# nameserver 1.1.1.1\nsearch x\nnameserver\t192.0.2.1 # one\nnameserver 2001:db8::1\r\n"),
            "192.0.2.1:53 [2001:db8::1]:53 ");
  EXPECT_EQ(texts("nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\nnameserver 1.1.1.4"),
            "1.1.1.1:53 1.1.1.2:53 1.1.1.3:53 ");
  EXPECT_EQ(texts("nameserver\nnameserver \nnameserverx\nnameserver nonsense\nnameserver fe80::1%lo"),
            "[fe80::1%1]:53 ");
}

}  // namespace
}  // namespace tocsin::probes
